import { expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { TransferId } from '#core/wire/ids.ts';
import { START_MS } from './kit.ts';

const MIN_MS = 60_000;
const RULES = { spacingMs: 5 * MIN_MS, perHourMax: 0 };
const ADDRESS = '203.0.113.7';

const file = (number: number) => TransferId.parse(`trf_01${String(number).padStart(24, '0')}`);

function processes(count: number) {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const cells = memoryCells();
  return { clock, cells, paces: Array.from({ length: count }, () => agentPaces({ cells, clock })) };
}

test('of files that ask at once, in several processes, one starts and each of the others has a turn of its own', async () => {
  const { clock, paces } = processes(5);
  const asked = Promise.all(paces.map((pace, at) => pace.reserve(ADDRESS, file(at), RULES)));
  const turns = await clock.run(asked, MIN_MS);
  const minutes = turns.map((atMs) => (atMs === null ? 0 : Math.round((atMs - START_MS) / MIN_MS)));
  expect(minutes.toSorted((a, b) => a - b)).toEqual([0, 5, 10, 15, 20]);
});

test('a start whose write was made and not answered is the same start', async () => {
  const { clock, cells, paces } = processes(1);
  const { swap } = cells;
  cells.swap = async (...args) => {
    cells.swap = swap;
    await swap(...args);
    throw new Error('no answer came');
  };
  const reserved = await clock.run(paces[0]?.reserve(ADDRESS, file(1), RULES) ?? expect.unreachable(), MIN_MS);
  expect(reserved).toBeNull();
  const next = await paces[0]?.reserve(ADDRESS, file(2), RULES);
  expect(next).toBe(START_MS + 5 * MIN_MS);
});

test('to look changes nothing, and says what asking would', async () => {
  const { clock, cells, paces } = processes(1);
  const [pace = expect.unreachable()] = paces;
  expect(await pace.look(ADDRESS, file(1), RULES)).toEqual({
    atMs: START_MS,
    lastStartMs: null,
    isKnown: false,
    hasTurn: false,
  });
  expect(await cells.list('AGENT_PACES', { limit: 10 })).toEqual([]);
  await pace.reserve(ADDRESS, file(1), RULES);
  await clock.advance(MIN_MS);
  const known = { atMs: START_MS + MIN_MS, lastStartMs: START_MS, isKnown: true, hasTurn: false };
  expect(await pace.look(ADDRESS, file(1), RULES)).toEqual(known);
  const turn = await pace.reserve(ADDRESS, file(2), RULES);
  expect(await pace.look(ADDRESS, file(2), RULES)).toMatchObject({ atMs: turn, isKnown: false, hasTurn: true });
});

test('addresses that have not been used for a day are forgotten when another one comes', async () => {
  const { clock, cells, paces } = processes(1);
  const [pace = expect.unreachable()] = paces;
  for (const address of ['a', 'b', 'c']) await pace.reserve(address, file(1), RULES);
  await clock.advance(23 * 60 * MIN_MS);
  await pace.reserve('b', file(2), RULES);
  await clock.advance(2 * 60 * MIN_MS);
  await pace.reserve('d', file(3), RULES);
  expect((await cells.list('AGENT_PACES', { limit: 10 })).map(({ sk }) => sk)).toEqual(['b', 'd']);
});

test('without rules nothing is written, and only this process knows when an address started last', async () => {
  const { cells, paces } = processes(2);
  const [pace = expect.unreachable(), other = expect.unreachable()] = paces;
  const free = { spacingMs: 0, perHourMax: 0 };
  for (const number of [1, 2, 3]) expect(await pace.reserve(ADDRESS, file(number), free)).toBeNull();
  expect(await cells.list('AGENT_PACES', { limit: 10 })).toEqual([]);
  expect((await pace.look(ADDRESS, file(4), free)).lastStartMs).toBe(START_MS);
  expect((await other.look(ADDRESS, file(4), free)).lastStartMs).toBeNull();
});
