/** A fleet whose lines and calls are many processes' matter: what they see of each other is in the agents' cells. */
import { expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import type { Candidate } from '#core/fleet/choose.ts';
import { choose } from '#core/fleet/choose.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { agentRegistry } from '#core/fleet/registry.ts';
import { turnsInCells } from '#core/fleet/turns.ts';
import type { LineHolder } from '#core/ports/agents.ts';
import { TransferId } from '#core/wire/ids.ts';
import { factsOf } from '../contract/agents-rig.ts';
import { expectFault } from '../contract/expect-fault.ts';
import { idOf, START_MS } from './kit.ts';

const SZ = idOf('sz-1');
const ADDRESS = '203.0.113.7';
const BEAT = { memoryBytes: 1 };
const file = (number: number) => TransferId.parse(`trf_${String(number).padStart(26, '0')}`);
const [FIRST, SECOND] = [file(1), file(2)];
const A: LineHolder = { url: 'http://10.0.0.1:8080', epoch: 'a' };
const B: LineHolder = { url: 'http://10.0.0.2:8080', epoch: 'b' };

function manyProcesses() {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const cells = memoryCells();
  const pace = agentPaces({ cells, clock });
  const process = (holder: LineHolder | null) =>
    agentRegistry({ cells, clock, pace, onRevoked: () => undefined, shared: { holder } });
  return { clock, cells, process, function: () => process(null) };
}

test('every process sees which relay holds an agent, until it leaves or is silent for 90 s', async () => {
  const { clock, process, function: aFunction } = manyProcesses();
  const relay = process(A);
  expect(await relay.met(factsOf('sz-1'), ADDRESS)).toBeNull();
  const { lines, silentMs } = aFunction();
  expect(await lines.of(SZ)).toMatchObject({ agent: { facts: { id: 'sz-1' }, address: ADDRESS }, holder: A });
  await clock.advance(90_001);
  expect(await lines.all()).toEqual([]);
  expect(await silentMs(SZ)).toBe(90_001);
  await relay.heard(SZ, BEAT);
  expect(await lines.all()).toHaveLength(1);
  await relay.left(SZ, clock.now());
  expect(await lines.of(SZ)).toBeNull();
});

test('an older relay can take no agent back: it is told that it is elsewhere, and its goodbye changes nothing', async () => {
  const { clock, process, function: aFunction } = manyProcesses();
  const [older, newer] = [process(A), process(B)];
  await older.met(factsOf('sz-1'), ADDRESS);
  const attachedAtMs = clock.now();
  await clock.advance(1_000);
  expect(await newer.met(factsOf('sz-1'), ADDRESS)).toEqual(A);
  await expectFault('rejected', 'agent.elsewhere', older.heard(SZ, BEAT));
  await older.left(SZ, attachedAtMs);
  expect((await aFunction().lines.of(SZ))?.holder).toEqual(B);
});

test('a line that ended after its agent came back to the same relay does not take it away', async () => {
  const { clock, process } = manyProcesses();
  const relay = process(A);
  await relay.met(factsOf('sz-1'), ADDRESS);
  const attachedAtMs = clock.now();
  await clock.advance(1_000);
  await relay.met(factsOf('sz-1'), ADDRESS);
  await relay.left(SZ, attachedAtMs);
  expect((await relay.lines.of(SZ))?.holder).toEqual(A);
});

test('a heartbeat that comes after the end of its line does not bring the line back', async () => {
  const { clock, process, function: aFunction } = manyProcesses();
  const relay = process(A);
  await relay.met(factsOf('sz-1'), ADDRESS);
  await relay.left(SZ, clock.now());
  await expectFault('rejected', 'agent.unknown', relay.heard(SZ, BEAT));
  expect(await aFunction().lines.of(SZ)).toBeNull();
});

test('of two heartbeats at once the later one is kept, however long the first took to be written', async () => {
  const { clock, cells, process, function: aFunction } = manyProcesses();
  await process(A).met(factsOf('sz-1'), ADDRESS);
  const slow = Promise.withResolvers<void>();
  let swaps = 0;
  const relay = agentRegistry({
    ...{ clock, pace: agentPaces({ cells, clock }), onRevoked: () => undefined, shared: { holder: A } },
    cells: {
      ...cells,
      swap: async (...swap) => {
        if (++swaps === 1) await slow.promise;
        return cells.swap(...swap);
      },
    },
  });
  const first = relay.heard(SZ, { memoryBytes: 1, bytes: { way: 'bucket', code: null } });
  await relay.heard(SZ, { memoryBytes: 2, bytes: { way: 'line', code: 'agent.bucket_unreached' } });
  slow.resolve();
  await clock.run(first, 30_000);
  expect((await aFunction().lines.of(SZ))?.agent).toMatchObject({ memoryBytes: 2, bytes: { way: 'line' } });
});

test('of files that begin at once in many processes an agent gets as many as it takes', async () => {
  const { clock, process, function: aFunction } = manyProcesses();
  await process(A).met(factsOf('sz-1', { filesMax: 3 }), ADDRESS);
  const begun = Array.from({ length: 8 }, (_, at) => aFunction().busy.begin(SZ, file(at), 3));
  const places = (await clock.run(Promise.all(begun), 30_000)).filter((place) => place !== null);
  expect(places).toHaveLength(3);
  const { busy, list } = aFunction();
  expect((await busy.look()).files(SZ)).toBe(3);
  expect((await list())[0]).toMatchObject({ status: 'busy', files: 3 });
  for (const leave of places) leave();
});

test('a file keeps its place while a call lasts and is one write in a minute; what a dead process had is free soon', async () => {
  const { clock, cells, process, function: aFunction } = manyProcesses();
  await process(A).met(factsOf('sz-1'), ADDRESS);
  const writes = async () => (await cells.list('AGENTS', { limit: 1 }))[0]?.v ?? 0;
  const mine = aFunction();
  const before = await writes();
  const leave = await mine.busy.begin(SZ, FIRST, 1);
  for (let call = 0; call < 10; call++) (await mine.busy.begin(SZ, FIRST, 1))?.();
  expect(await writes()).toBe(before + 1);
  await clock.advance(10 * 60_000);
  expect(await writes()).toBeLessThanOrEqual(before + 11);
  const other = aFunction();
  expect((await other.busy.look()).has(SZ, FIRST)).toBe(true);
  expect(await other.busy.begin(SZ, SECOND, 1)).toBeNull();
  leave?.();
  await clock.advance(150_001);
  expect((await other.busy.look()).files(SZ)).toBe(0);
  const later = await other.busy.begin(SZ, SECOND, 1);
  expect(later).not.toBeNull();
  later?.();
});

test('a file that is over is over everywhere, once, and is counted at once', async () => {
  const { process, function: aFunction } = manyProcesses();
  await process(A).met(factsOf('sz-1'), ADDRESS);
  const [one, other] = [aFunction(), aFunction()];
  const leaves = [await one.busy.begin(SZ, FIRST, 2), await other.busy.begin(SZ, FIRST, 2)];
  expect([await one.busy.over(SZ, FIRST), await other.busy.over(SZ, FIRST)]).toEqual([true, false]);
  await one.ended(SZ, 'done');
  for (const leave of leaves) leave?.();
  expect((await other.list())[0]).toMatchObject({ files: 0, filesDone: 1 });
});

test('of an agent that was forgotten nobody gets a place', async () => {
  const { function: aFunction } = manyProcesses();
  expect(await aFunction().busy.begin(SZ, FIRST, 2)).toBeNull();
});

test('turns are taken one after the other, whichever process chooses; a strategy without turns writes none', async () => {
  const { clock, cells } = manyProcesses();
  const candidates = ['a', 'b', 'c'].map((id): Candidate => {
    return { id: idOf(id), files: 0, bandwidthMbps: 100, lastStartMs: null, isRefused: false };
  });
  const next = (strategy: 'round-robin' | 'weighted' | 'least-busy') =>
    turnsInCells({ cells, clock }, 'pan').next((turn) => choose(strategy, candidates, turn));
  await next('least-busy');
  expect(await cells.list('AGENT_TURNS', { limit: 1 })).toEqual([]);
  const picks = await clock.run(Promise.all(Array.from({ length: 6 }, () => next('round-robin'))), 30_000);
  expect(picks.map((choice) => choice?.picked.id).toSorted()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
  const weighed = [];
  for (let at = 0; at < 3; at++) weighed.push((await next('weighted'))?.picked.id);
  expect(weighed.toSorted()).toEqual(['a', 'b', 'c']);
});
