import { expect, test } from 'vitest';
import { Fault } from '#core/fault.ts';
import { AgentList } from '#core/wire/agent.ts';
import { TransferId } from '#core/wire/ids.ts';
import { factsOf } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { createFleet, idOf, START_MS } from './kit.ts';

const SZ = idOf('sz-1');
const FILE = TransferId.parse('trf_01000000000000000000000001');
const iso = (atMs: number) => new Date(atMs).toISOString();

async function metOne() {
  const fleet = createFleet();
  await fleet.registry.met(factsOf('sz-1', { filesMax: 1 }), '203.0.113.7');
  return { ...fleet, only: async () => AgentList.parse({ items: await fleet.registry.list() }).items[0] };
}

test('an agent is listed as it introduced itself last, with when it was first and last seen', async () => {
  const { registry, clock, only } = await metOne();
  await clock.advance(60_000);
  await registry.met(factsOf('sz-1', { name: 'renamed', version: '1.1.0' }), '203.0.113.8');
  expect(await only()).toEqual({
    ...factsOf('sz-1', { name: 'renamed', version: '1.1.0' }),
    status: 'online',
    address: '203.0.113.8',
    firstSeenAt: iso(START_MS),
    lastSeenAt: iso(START_MS + 60_000),
    memoryBytes: null,
    bytes: null,
    files: 0,
    filesDone: 0,
    filesFailed: 0,
    refusals: [],
    restsUntil: null,
  });
});

test('it is offline 90 s after it was heard last, and online when it is heard again', async () => {
  const { registry, clock, only } = await metOne();
  await clock.advance(30_000);
  await registry.heard(SZ, { memoryBytes: 5 });
  await clock.advance(90_000);
  expect(await only()).toMatchObject({ status: 'online', memoryBytes: 5, lastSeenAt: iso(START_MS + 30_000) });
  await clock.advance(1);
  expect((await only())?.status).toBe('offline');
  await registry.heard(SZ, { memoryBytes: 6 });
  expect((await only())?.status).toBe('online');
});

test('it is busy with as many files as it takes, until 30 s after the last call of one, or until that has ended', async () => {
  const { registry, clock, only } = await metOne();
  const leave = await registry.busy.begin(SZ, FILE, 1);
  await clock.advance(60_000);
  expect(await only()).toMatchObject({ status: 'busy', files: 1 });
  leave?.();
  await clock.advance(29_999);
  expect((await only())?.status).toBe('busy');
  await clock.advance(1);
  expect(await only()).toMatchObject({ status: 'online', files: 0 });
  await registry.busy.begin(SZ, FILE, 1);
  expect(await registry.busy.over(SZ, FILE)).toBe(true);
  expect(await registry.busy.over(SZ, FILE)).toBe(false);
  expect((await only())?.files).toBe(0);
});

test('files that ended are counted at once and written with the next heartbeat, which is one write', async () => {
  const { registry, cells, only, newRegistry } = await metOne();
  for (const how of ['done', 'failed', 'done'] as const) registry.ended(SZ, how);
  expect(await only()).toMatchObject({ filesDone: 2, filesFailed: 1 });
  expect((await newRegistry().list())[0]).toMatchObject({ filesDone: 0, filesFailed: 0 });
  const before = (await cells.list('AGENTS', { limit: 1 }))[0]?.v ?? 0;
  await registry.heard(SZ, { memoryBytes: 1 });
  expect((await cells.list('AGENTS', { limit: 1 }))[0]?.v).toBe(before + 1);
  expect((await newRegistry().list())[0]).toMatchObject({ filesDone: 2, filesFailed: 1 });
  await registry.heard(SZ, { memoryBytes: 1 });
  expect(await only()).toMatchObject({ filesDone: 2, filesFailed: 1 });
});

test('a refusal is kept at once, and marks its address for an hour whichever agent is there', async () => {
  const { registry, clock, only, newRegistry } = await metOne();
  await registry.refused(SZ, 'bili.captcha');
  expect((await only())?.refusals).toEqual([{ at: iso(START_MS), code: 'bili.captcha' }]);
  expect([...(await newRegistry().standing()).refused]).toEqual(['203.0.113.7']);
  // It has moved: what was refused is the address, not the agent.
  await registry.met(factsOf('sz-1'), '203.0.113.8');
  expect([...(await registry.standing()).refused]).toEqual(['203.0.113.7']);
  await clock.advance(60 * 60_000);
  expect([...(await registry.standing()).refused]).toEqual([]);
});

test('the last 16 refusals are kept, newest last', async () => {
  const { registry, clock, only } = await metOne();
  for (let time = 0; time < 20; time++) {
    await registry.refused(SZ, `bili.code_${time}`);
    await clock.advance(1_000);
  }
  const codes = (await only())?.refusals.map(({ code }) => code);
  expect(codes).toEqual(Array.from({ length: 16 }, (_, at) => `bili.code_${at + 4}`));
});

test('what cannot be written is not lost: it is with the next heartbeat', async () => {
  const fleet = await metOne();
  const { registry, cells, clock, newRegistry } = fleet;
  const { swap } = cells;
  cells.swap = () => Promise.reject(new Fault('transient', 'table.away', 'the table is away'));
  await clock.run(registry.refused(SZ, 'bili.busy'), 10_000);
  registry.ended(SZ, 'done');
  const missed = clock.run(registry.heard(SZ, { memoryBytes: 1 }), 10_000);
  await expectFault('transient', 'agents.contended', missed);
  cells.swap = swap;
  await registry.heard(SZ, { memoryBytes: 1 });
  expect((await newRegistry().list())[0]).toMatchObject({ filesDone: 1, refusals: [{ code: 'bili.busy' }] });
});

test('writers of one agent in several processes lose nothing', async () => {
  const { registry, clock, newRegistry, only } = await metOne();
  const others = Array.from({ length: 4 }, newRegistry);
  for (const other of others) other.ended(SZ, 'done');
  await clock.run(Promise.all(others.map((other) => other.heard(SZ, { memoryBytes: 1 }))), 10_000);
  expect((await only())?.filesDone).toBe(4);
  expect((await registry.busy.look()).files(SZ)).toBe(0);
});

test('who is revoked is disconnected and refused until it is restored; who is unknown is nobody', async () => {
  const fleet = createFleet();
  const agent = await fleet.attach('sz-1', []);
  const { registry } = fleet;
  expect((await registry.revoke(SZ)).status).toBe('revoked');
  expect(agent.gone.aborted).toBe(true);
  await expectFault('rejected', 'agent.revoked', registry.met(factsOf('sz-1'), '203.0.113.7'));
  await expectFault('rejected', 'agent.revoked', registry.heard(SZ, { memoryBytes: 1 }));
  expect([...(await registry.standing()).revoked]).toEqual([SZ]);
  expect((await registry.restore(SZ)).status).toBe('online');
  await registry.met(factsOf('sz-1'), '203.0.113.7');
  const nobody = idOf('nobody');
  for (const call of [registry.revoke(nobody), registry.restore(nobody), registry.forget(nobody)]) {
    await expectFault('rejected', 'agent.unknown', call);
  }
  await expectFault('rejected', 'agent.unknown', registry.heard(nobody, { memoryBytes: 1 }));
});

test('only who is offline is forgotten, and is new when it comes back', async () => {
  const { registry, clock, only } = await metOne();
  registry.ended(SZ, 'done');
  await expectFault('rejected', 'agent.online', registry.forget(SZ));
  await clock.advance(90_001);
  await registry.forget(SZ);
  expect(await only()).toBeUndefined();
  await registry.met(factsOf('sz-1'), '203.0.113.7');
  expect(await only()).toMatchObject({ filesDone: 0, firstSeenAt: iso(START_MS + 90_001) });
});

test('256 agents are known and no more', async () => {
  const { registry, clock } = createFleet();
  for (let at = 0; at < 256; at++) await registry.met(factsOf(`a${at}`), '203.0.113.7');
  await expectFault('rejected', 'agents.too_many', registry.met(factsOf('one-more'), '203.0.113.7'));
  await registry.met(factsOf('a7'), '203.0.113.7');
  await clock.advance(90_001);
  await registry.forget(idOf('a7'));
  await registry.met(factsOf('one-more'), '203.0.113.7');
  expect(await registry.list()).toHaveLength(256);
});

test('a home that has just started waits 90 s for agents that it cannot have heard', async () => {
  const { registry, clock, newRegistry } = await metOne();
  await clock.advance(10 * 60_000);
  expect(await registry.silentMs(SZ)).toBe(10 * 60_000);
  expect(await newRegistry().silentMs(SZ)).toBe(0);
  await registry.revoke(SZ);
  expect(await registry.silentMs(SZ)).toBeNull();
  expect(await registry.silentMs(idOf('nobody'))).toBeNull();
});
