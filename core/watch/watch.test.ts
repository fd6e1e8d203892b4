/** Alerts on virtual time: raised once, over once, whichever process looks and however often it starts anew. */
import { expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import type { HeadState, Step } from '#core/state.ts';
import { AgentId, type AgentView } from '#core/wire/agent.ts';
import { AlertList } from '#core/wire/alert.ts';
import { TransferId, UploadId } from '#core/wire/ids.ts';
import type { Notice } from '#core/wire/notice.ts';
import { isoTime } from '#core/wire/time.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { alertBook } from './alert-book.ts';
import type { Refused } from './rules.ts';
import { tallyOf } from './tally.ts';
import { alertWatch } from './watch.ts';

const START_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const MIB = 1024 * 1024;

function world(cells: Cells = memoryCells()) {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const progress = memoryProgress();
  const notices: Notice[] = [];
  progress.subscribe((rumours) => {
    for (const rumour of rumours) if (rumour.kind === 'notice') notices.push(rumour.notice);
  });
  const rows: WorkRow[] = [];
  const agents = new Map<string, AgentView>();
  const refusals: Refused[] = [];
  const table = { owned: async () => rows.map((row, index) => ({ row, cursor: String(index) })) };
  const limits = new Map<string, number>();
  const fleet = { agents: async () => [...agents.values()], refusals: async () => refusals };
  const book = alertBook({ cells, clock });
  const log = { info: () => undefined, error: () => undefined };
  /** A process that starts now. */
  const start = () =>
    alertWatch({
      ...{ ownerId: 'local', table, book, tally: tallyOf(progress, clock), progress, clock, log },
      ...fleet,
      speedLimits: async () => limits,
    });
  return {
    clock,
    rows,
    agents,
    refusals,
    limits,
    notices,
    progress,
    start,
    alerts: async () => AlertList.parse({ items: await book.list() }).items,
    heard: (id: string, status: AgentView['status'] = 'online') => agents.set(id, agentOf(id, status, clock.now())),
    tell: (view: TransferView) => progress.publish([{ kind: 'transfer', ownerId: 'local', view }]),
    ends: (count: number, step: (now: number) => Step) => {
      for (let n = 0; n < count; n++) rows.push(rowOf(rows.length, step(clock.now()), clock.now()));
    },
  };
}

const failed = (now: number): Step => ({
  phase: 'failed',
  error: { code: 'folder.disk_full', message: 'full' },
  endedAt: now,
  resume: { phase: 'staging' },
});
const done = (now: number): Step => ({
  phase: 'done',
  receipt: { evidence: 'A', sizeBytes: 10 * MIB, location: '/x' },
  instant: false,
  endedAt: now,
  parts: 1,
});
const canceled = (now: number): Step => ({ phase: 'canceled', code: 'wish', endedAt: now });
const moving: Step = {
  phase: 'moving',
  session: {},
  plan: { partBytes: MIB, partCount: 100, inFlightMax: 1, order: 'any', stripes: 1 },
};

test('an agent that is silent for five minutes is told of once, over restarts too, and once more when it is back', async () => {
  const { clock, heard, agents, start, alerts, notices } = world();
  heard('sz-1');
  let look = start();
  await look();
  const gone = agents.get('sz-1');
  if (gone !== undefined) agents.set('sz-1', { ...gone, status: 'offline' });
  await clock.advance(5 * MINUTE_MS);
  await look();
  expect(await alerts()).toEqual([]);
  await clock.advance(1);
  await look();
  await look();
  expect(await alerts()).toMatchObject([{ kind: 'agent_offline', subject: 'sz-1', endedAt: null }]);
  expect(notices).toMatchObject([{ type: 'warning', content: expect.stringContaining('sz-1') }]);
  look = start();
  await look();
  await clock.advance(10 * MINUTE_MS);
  await look();
  expect(notices).toHaveLength(1);
  heard('sz-1');
  await look();
  await look();
  expect(await alerts()).toMatchObject([{ subject: 'sz-1', endedAt: isoTime(clock.now()) }]);
  expect(notices).toMatchObject([{ type: 'warning' }, { type: 'info' }]);
});

test('a home that was away itself waits five minutes for its agents; revoked and forgotten ones are not missed', async () => {
  const { clock, heard, agents, start, alerts } = world();
  for (const id of ['back', 'revoked', 'lost']) heard(id, 'offline');
  heard('revoked', 'revoked');
  await clock.advance(60 * MINUTE_MS);
  const look = start();
  await clock.advance(4 * MINUTE_MS);
  await look();
  expect(await alerts()).toEqual([]);
  heard('back');
  await clock.advance(2 * MINUTE_MS);
  await look();
  expect((await alerts()).map(({ subject }) => subject)).toEqual(['lost']);
  agents.delete('lost');
  await look();
  expect(await alerts()).toMatchObject([{ subject: 'lost', endedAt: isoTime(clock.now()) }]);
});

test('over a tenth of ten or more that failed within the hour is an alert, until it is a twentieth', async () => {
  const { clock, rows, ends, start, alerts } = world();
  const look = start();
  ends(9, failed);
  ends(50, canceled);
  await look();
  expect(await alerts()).toEqual([]);
  await clock.advance(60 * MINUTE_MS);
  ends(18, done);
  ends(2, failed);
  await look();
  expect(await alerts()).toEqual([]);
  ends(1, failed);
  await look();
  expect(await alerts()).toMatchObject([{ kind: 'failure_rate', values: { failed: 3, ended: 21, percent: 14 } }]);
  // Tried again, it has not failed.
  rows.pop();
  await start()();
  expect(await alerts()).toMatchObject([{ endedAt: null }]);
  const all = rows.splice(0, rows.length);
  ends(2_000, () => moving);
  await look();
  expect(await alerts()).toMatchObject([{ endedAt: null }]);
  rows.splice(0, rows.length, ...all);
  ends(20, done);
  await look();
  expect(await alerts()).toMatchObject([{ endedAt: isoTime(clock.now()) }]);
});

test('an address that was refused is an alert once, whichever agents are there, until an hour after the last time', async () => {
  const { clock, refusals, start, alerts, notices } = world();
  const look = start();
  const refuse = (agent: string, code: string) =>
    refusals.push({ agent, address: '203.0.113.7', atMs: clock.now(), code });
  refuse('sz-1', 'bilibili.limited');
  await look();
  await clock.advance(30 * MINUTE_MS);
  refuse('sz-2', 'bilibili.person');
  await look();
  await clock.advance(59 * MINUTE_MS);
  await start()();
  const values = { agent: 'sz-1', code: 'bilibili.limited' };
  expect(await alerts()).toMatchObject([{ kind: 'address_refused', subject: '203.0.113.7', values, endedAt: null }]);
  await clock.advance(MINUTE_MS);
  await look();
  expect(notices.map(({ type }) => type)).toEqual(['warning', 'info']);
  refusals.push({ agent: null, address: 'home', atMs: clock.now(), code: 'pan115.verify' });
  await look();
  expect((await alerts())[0]).toMatchObject({
    subject: 'home',
    message: expect.stringContaining('this home was refused'),
  });
});

test('a destination that takes a tenth of its usual for five minutes is slow, not one that waits or has nothing to send', async () => {
  const { clock, rows, ends, tell, start, alerts, notices } = world();
  let look = start();
  // Ten MiB in ten seconds each.
  ends(5, done);
  rows.push(rowOf(99, moving, clock.now()));
  const minutes = async (count: number, each: (minute: number) => Partial<TransferView>) => {
    for (let minute = 0; minute < count; minute++) {
      await tell(viewOf({ stagedBytes: 100 * MIB, ...each(minute) }));
      await clock.advance(MINUTE_MS);
      await look();
    }
  };
  await minutes(7, () => ({ waitsFor: 'agents.resting' }));
  await minutes(7, () => ({ stagedBytes: 0 }));
  await minutes(7, (minute) => ({ movedBytes: minute * 6 * MIB, rank: [1, minute] }));
  expect(await alerts()).toEqual([]);
  await minutes(12, () => ({ movedBytes: 36 * MIB, rank: [1, 20] }));
  const [alert] = await alerts();
  expect(alert).toMatchObject({ kind: 'low_speed', subject: 'far', endedAt: null });
  expect(alert?.values).toMatchObject({ usualBytesPerSecond: MIB });
  look = start();
  await minutes(6, () => ({ movedBytes: 36 * MIB, rank: [1, 20] }));
  expect(notices).toHaveLength(1);
  rows.pop();
  await look();
  expect(notices.map(({ type }) => type)).toEqual(['warning', 'info']);
});

test('a destination that is kept to a speed is not slow for keeping to it, only for falling far behind it', async () => {
  const { clock, rows, ends, limits, tell, start, alerts } = world();
  const look = start();
  ends(5, done);
  limits.set('far', 52_000);
  rows.push(rowOf(99, moving, clock.now()));
  let minute = 0;
  const minutes = async (count: number, movedBytes: () => number) => {
    for (const end = minute + count; minute < end; minute++) {
      await tell(viewOf({ stagedBytes: 100 * MIB, movedBytes: movedBytes(), rank: [1, minute] }));
      await clock.advance(MINUTE_MS);
      await look();
    }
  };
  await minutes(12, () => minute * 3 * MIB);
  expect(await alerts()).toEqual([]);
  await minutes(12, () => 36 * MIB);
  expect(await alerts()).toMatchObject([{ values: { usualBytesPerSecond: 52_000 } }]);
});

test('parts that are large for the line, and a destination without a habit, are given their time', async () => {
  const { clock, rows, ends, tell, start, alerts } = world();
  const look = start();
  rows.push(rowOf(99, moving, clock.now()));
  const minutes = async (count: number) => {
    for (let minute = 0; minute < count; minute++) {
      // Four parts of 200 MiB take a good thirteen minutes.
      await tell(viewOf({ sizeBytes: 1_000 * MIB, stagedBytes: 1_000 * MIB, partCount: 5 }));
      await clock.advance(MINUTE_MS);
      await look();
    }
  };
  await minutes(30);
  expect(await alerts()).toEqual([]);
  await minutes(1);
  expect(await alerts()).toMatchObject([{ kind: 'low_speed', values: { bytesPerSecond: 0 } }]);
  rows.pop();
  await look();
  ends(5, done);
  rows.push(rowOf(99, moving, clock.now()));
  const open = async () => (await alerts()).filter(({ endedAt }) => endedAt === null);
  await minutes(14);
  expect(await open()).toEqual([]);
  await minutes(1);
  expect(await open()).toHaveLength(1);
});

test('of processes that look at once one raises an alert, and what could not be written is raised by the next look', async () => {
  const cells = memoryCells();
  let isAway = true;
  const { refusals, start, alerts, notices } = world({
    ...cells,
    swap: async (key, v, value) =>
      isAway ? Promise.reject(new Error('the table is away')) : cells.swap(key, v, value),
  });
  refusals.push({ agent: 'sz-1', address: '203.0.113.7', atMs: START_MS, code: 'x.limited' });
  const [one, other] = [start(), start()];
  await expect(one()).rejects.toThrow('away');
  expect(notices).toEqual([]);
  isAway = false;
  await Promise.all([one(), other()]);
  expect(await alerts()).toHaveLength(1);
  expect(notices).toHaveLength(1);
});

test('40 are kept in one cell, those that last before those that are over; what finds no room is raised later', async () => {
  const cells = memoryCells();
  const { clock, refusals, start, alerts } = world(cells);
  const look = start();
  const refuse = (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      refusals.push({ agent: 'a'.repeat(64), address: `2001:db8::${n}`, atMs: clock.now(), code: '险'.repeat(64) });
    }
  };
  refuse(0, 30);
  await look();
  await clock.advance(60 * MINUTE_MS);
  refuse(100, 160);
  await look();
  expect((await alerts()).every(({ endedAt }) => endedAt === null)).toBe(true);
  expect(await alerts()).toHaveLength(40);
  const cell = await cells.read({ pk: 'ALERTS', sk: '@' });
  expect(Buffer.byteLength(JSON.stringify(cell?.value))).toBeLessThan(32 * 1024);
  refusals.splice(0, 60);
  await look();
  await look();
  expect((await alerts()).filter(({ endedAt }) => endedAt === null)).toHaveLength(30);
});

function agentOf(id: string, status: AgentView['status'], now: number): AgentView {
  return {
    id: AgentId.parse(id),
    name: id,
    version: '1.0.0',
    providers: ['s3'],
    filesMax: 2,
    bandwidthMbps: 100,
    tags: {},
    status,
    address: '203.0.113.7',
    firstSeenAt: isoTime(now),
    lastSeenAt: isoTime(now),
    memoryBytes: null,
    bytes: null,
    files: 0,
    filesDone: 0,
    filesFailed: 0,
    refusals: [],
    restsUntil: null,
  };
}

const idOf = (n: number): TransferId => TransferId.parse(`trf_${String(n).padStart(26, '0')}`);
const UPLOAD = UploadId.parse(`upl_${'0'.repeat(26)}`);

function rowOf(n: number, step: Step, now: number): WorkRow {
  const isOver = 'endedAt' in step;
  const state: HeadState = {
    v: 1,
    file: {
      uploadId: UPLOAD,
      transferId: idOf(n),
      ownerId: 'local',
      destinationId: 'far',
      folder: '/',
      name: 'x',
      sizeBytes: 10 * MIB,
      layout: { kind: 'chunks', chunkBytes: 10 * MIB, count: 1 },
      claimed: {},
      createdAt: now,
    },
    attempt: 1,
    sessionNo: 1,
    failures: 0,
    streak: 0,
    startedAt: now - 10_000,
    events: [],
    step,
  };
  return {
    pk: `T#${idOf(n)}`,
    sk: '@',
    queue: isOver ? null : 'begun#far',
    dueAt: isOver ? null : now,
    hold: 'lease',
    token: 1,
    holder: 'x',
    phase: step.phase,
    state,
    wish: null,
    answers: {},
    touched: 0,
    expiresAt: null,
    updatedAt: now,
  };
}

function viewOf(more: Partial<TransferView>): TransferView {
  return {
    id: idOf(99),
    uploadId: UPLOAD,
    destinationId: 'far',
    path: '/',
    name: 'x',
    status: 'uploading',
    phase: 'moving',
    wish: null,
    sizeBytes: 100 * MIB,
    stagedBytes: 0,
    movedBytes: 0,
    partCount: 100,
    partsDone: 0,
    speedBytesPerSecond: 0,
    etaSeconds: null,
    attempt: 1,
    rank: [1, 0],
    error: null,
    receipt: null,
    instant: false,
    createdAt: isoTime(START_MS),
    startedAt: isoTime(START_MS + 1),
    endedAt: null,
    ...more,
  };
}
