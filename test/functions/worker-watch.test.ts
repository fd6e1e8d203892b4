/** What a Worker measures of its home, of which it keeps nothing from one call to the next. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HubDoor } from '#adapters/durable/progress.ts';
import { Fault } from '#core/fault.ts';
import { HeadState, headKey, type StripeState, stripeKey } from '#core/state.ts';
import { homeRefusals } from '#core/watch/home-refusals.ts';
import { prometheusText } from '#core/watch/prometheus.ts';
import { AlertList } from '#core/wire/alert.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { watchRound, workerMetrics } from '../../functions/worker/watch.ts';
import { type ApiRig, apiRig } from '../api/rig.ts';
import { failed, moving } from '../api/steps.ts';

const MINUTE_MS = 60_000;

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

/** What one call has. */
function home() {
  const hub: Partial<HubDoor> = {
    stats: async () => ({ total_connections: 2, total_users: 1, buffered_bytes: 0, refused: 0 }),
  };
  return { engine: rig.engine, refusals: homeRefusals(rig.engine), hub: hub as HubDoor };
}

const look = (): Promise<void> => watchRound(home())();
const alerts = async () => AlertList.parse((await rig.call('GET', '/api/v1/alerts')).body).items;

/** Its lines with these words in their names, without the prefix. */
async function metrics(words: RegExp): Promise<readonly string[]> {
  const lines = prometheusText(await workerMetrics(home())).split('\n');
  return lines.flatMap((line) => (/^entrepot_/.test(line) && words.test(line) ? [line.slice('entrepot_'.length)] : []));
}

async function deliver(): Promise<void> {
  const { upload } = await rig.create();
  rig.staging.put(`staging/${upload.id}/00001`, new Uint8Array(5));
  // Nobody tells of its chunk: it is due by itself.
  rig.jump(MINUTE_MS);
  await rig.settle();
  rig.jump(1);
}

async function fail(): Promise<void> {
  const { transfers } = await rig.create();
  for (const { id } of transfers) await rig.force(id, failed(rig));
}

/** As the engine does when the destination is open. */
async function beginSession(id: TransferId): Promise<void> {
  const { table, engine } = rig;
  const now = engine.clock.now();
  const claim = await table.claim(headKey(id), { holder: 'test', now, until: now + MINUTE_MS });
  if (claim === null) throw new Error('somebody else holds this transfer');
  const state = { ...HeadState.parse(claim.row.state), sessionNo: 1, startedAt: now - 1, step: moving() };
  const release = { to: 'wait', dueAt: now + 1, advance: { phase: 'moving', state } } as const;
  await table.release(headKey(id), claim.token, release, now);
}

/** A stripe that has moved so much. */
async function arrive(transferId: TransferId, index: number, doneBytes: number): Promise<void> {
  const state: StripeState = {
    ...{ v: 1, transferId, sessionNo: 1, index, attempt: 1, want: 1, readyAt: 0, block: 0, have: {} },
    ...{ doneParts: 1, doneBytes, movedAt: 0, failures: 0, streak: 0, starved: 0, rateBytesPerSecond: 0 },
    ...{ unsure: false, fault: null },
  };
  const now = rig.engine.clock.now();
  const row = {
    ...stripeKey(transferId, 1, index),
    queue: 'begun#folder',
    dueAt: now + MINUTE_MS,
    phase: 'moving',
    state,
  };
  expect(await rig.table.create(row, now)).toBe('created');
}

it('each end is counted once, however often and by whatever call it is looked', async () => {
  await deliver();
  expect(await metrics(/_total/)).toEqual(['transfer_seconds_total 0', 'transfers_timed_total 0']);
  await deliver();
  await fail();
  const counted = [
    'transfers_ended_total{status="success"} 1',
    'transfers_ended_total{status="failed"} 1',
    'transfer_failures_total{code="rig.broken"} 1',
    'transfers_timed_total 1',
    'moved_bytes_total{destination="folder"} 5',
  ];
  for (const lookLate of [0, MINUTE_MS, 5 * MINUTE_MS]) {
    rig.jump(lookLate);
    await look();
    const told = await metrics(/ended_total|failures_total|timed_total|moved_bytes/);
    expect([...told].sort()).toEqual([...counted].sort());
  }
  await deliver();
  expect(await metrics(/moved_bytes_total|ended_total.*success/)).toEqual([
    'transfers_ended_total{status="success"} 2',
    'moved_bytes_total{destination="folder"} 10',
  ]);
});

it('bytes count as they arrive, and what was there before the first look does not', async () => {
  const { transfers } = await rig.create();
  const [transfer] = transfers;
  if (transfer === undefined) throw new Error('an upload has a transfer');
  await beginSession(transfer.id);
  const moved = () => metrics(/moved_bytes_total/);
  await arrive(transfer.id, 0, 2);
  expect(await moved()).toEqual(['moved_bytes_total{destination="folder"} 0']);
  await arrive(transfer.id, 1, 1);
  expect(await moved()).toEqual(['moved_bytes_total{destination="folder"} 1']);
  rig.jump(MINUTE_MS);
  await rig.force(transfer.id, failed(rig));
  await look();
  expect(await moved()).toEqual(['moved_bytes_total{destination="folder"} 1']);
});

it('of more ends in a minute than are remembered each is counted once, and what is kept fits a cell', async () => {
  await look();
  for (let n = 0; n < 130; n++) await fail();
  rig.jump(10);
  for (let n = 0; n < 3; n++) await look();
  await fail();
  rig.jump(10);
  expect(await metrics(/ended_total/)).toEqual(['transfers_ended_total{status="failed"} 131']);
  const cell = await rig.cells.read({ pk: 'STOCK', sk: '@' });
  expect(JSON.stringify(cell?.value).length).toBeLessThan(32 * 1024);
});

it('the table, the hub and the book of alerts are asked for what is so now', async () => {
  await rig.create();
  expect(await metrics(/^entrepot_(transfers\{|sockets|due_rows.*dest#)/)).toEqual([
    'transfers{status="pending"} 1',
    'due_rows{queue="dest#folder"} 0',
    'due_rows{queue="dest#second"} 0',
    'sockets 2',
  ]);
});

it('that many transfers fail is an alert, raised once however often it is looked', async () => {
  for (let n = 0; n < 10; n++) await fail();
  for (let n = 0; n < 2; n++) await look();
  expect(await alerts()).toMatchObject([{ kind: 'failure_rate', values: { failed: 10 }, endedAt: null }]);
  expect(rig.rumours.filter(({ kind }) => kind === 'notice')).toHaveLength(1);
});

it('a service that wants a person is an alert after the call that met it, for an hour', async () => {
  const { refusals } = home();
  refusals.note(new Fault('risk', 'bilibili.needs_person', 'a check'));
  await refusals.keep();
  await look();
  const raised = { kind: 'address_refused', subject: 'home', values: { code: 'bilibili.needs_person' } };
  expect(await alerts()).toMatchObject([{ ...raised, endedAt: null }]);
  expect(await metrics(/refusals/)).toEqual(['address_refusals{address="home"} 1']);
  rig.jump(61 * MINUTE_MS);
  await look();
  expect(await alerts()).toMatchObject([{ ...raised, endedAt: expect.any(String) }]);
});

it('a destination that takes nothing for half an hour of what is staged is an alert, over once it takes something', async () => {
  const { upload, transfers } = await rig.create();
  const [transfer] = transfers;
  if (transfer === undefined) throw new Error('an upload has a transfer');
  rig.staging.put(`staging/${upload.id}/00001`, new Uint8Array(5));
  await rig.force(transfer.id, moving());
  const lookFor = async (minutes: number) => {
    for (let at = 0; at < minutes; at += 5) {
      await look();
      rig.jump(5 * MINUTE_MS);
    }
  };
  await lookFor(30);
  expect(await alerts()).toEqual([]);
  await lookFor(5);
  expect(await alerts()).toMatchObject([{ kind: 'low_speed', subject: 'folder', endedAt: null }]);
  await rig.settle();
  await look();
  expect(await alerts()).toMatchObject([{ kind: 'low_speed', endedAt: expect.any(String) }]);
});
