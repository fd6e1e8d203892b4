/** Several processes that ask in the name of one account: they share its turns, its silence and its renewals. */
import { expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import { oneAtATime } from '#clients/pan115/open/renewal.ts';
import { pace } from '#clients/pan115/pace.ts';
import type { Shared } from '#clients/shared.ts';

const START_MS = Date.UTC(2026, 0, 2);
const DAY_MS = 24 * 60 * 60_000;
const never = new AbortController().signal;

/** A value at the far side of a network: between a read and a swap others come in. */
function farValue(clock: VirtualClock): Shared & { readonly writes: () => number } {
  const cells = memoryCells();
  const key = { pk: 'D#pan', sk: 'SHARED#test' };
  let written = 0;
  return {
    writes: () => written,
    read: async () => {
      await clock.sleep(3);
      return cells.read(key);
    },
    swap: async (v, value) => {
      await clock.sleep(3);
      const isWritten = await cells.swap(key, v, value);
      if (isWritten) written += 1;
      return isWritten;
    },
  };
}

function processes(count: number, perSecond = 2) {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const shared = farValue(clock);
  const paces = Array.from({ length: count }, () => pace({ clock, perSecond, shared }));
  return { clock, shared, paces };
}

test('three processes together ask no faster than one may, and each gets its turns', async () => {
  const { clock, paces, shared } = processes(3);
  const went: number[] = [];
  const asking = paces.map(async (one) => {
    for (let n = 0; n < 8; n++) {
      await one.turn(never);
      went.push(clock.now());
    }
  });
  await clock.run(Promise.all(asking), DAY_MS);
  const perSecond = went.map((from) => went.filter((at) => at >= from && at < from + 1000).length);
  expect(went).toHaveLength(24);
  // One more than the rate: a turn may be used some milliseconds late, as long as its booking took.
  expect(Math.max(...perSecond)).toBeLessThanOrEqual(3);
  expect((went.at(-1) ?? 0) - START_MS).toBeGreaterThanOrEqual(11_500);
  expect((went.at(-1) ?? 0) - START_MS).toBeLessThan(13_000);
  expect(shared.writes()).toBe(24);
});

test('all that wait in a process are booked by one write, in the order of their coming', async () => {
  const { clock, paces, shared } = processes(1);
  const went: number[] = [];
  const turns = Array.from({ length: 20 }, (_, index) => paces[0]?.turn(never).then(() => went.push(index)));
  await clock.run(Promise.all(turns), DAY_MS);
  expect(went).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(shared.writes()).toBe(2);
});

test('whoever would wait for more than half a minute is sent away, and books nothing', async () => {
  const { clock, paces } = processes(2);
  const crowd = paces.flatMap((one) => Array.from({ length: 50 }, () => one.turn(never)));
  const ends = await clock.run(Promise.allSettled(crowd), DAY_MS);
  const refused = ends.filter((end) => end.status === 'rejected');
  expect(ends.length - refused.length).toBe(61);
  expect(refused[0]?.reason).toMatchObject({ kind: 'throttled', code: 'pan115.limited' });
  expect(refused[0]?.reason.retryAfterMs).toBeGreaterThan(29_000);
  await clock.run(paces[0]?.turn(never) ?? Promise.resolve(), 1_000);
});

test('what one process is told to leave alone, all leave alone', async () => {
  const { clock, paces } = processes(2);
  await clock.run(paces[0]?.holdOff(600_000) ?? Promise.resolve(), 1_000);
  const asked = paces[1]?.turn(never) ?? Promise.resolve();
  await expect(clock.run(asked, 1_000)).rejects.toMatchObject({ kind: 'throttled', code: 'pan115.limited' });
  await clock.advance(600_000);
  await clock.run(paces[1]?.turn(never) ?? Promise.resolve(), 1_000);
});

test('a process that cannot tell the others is silent all the same', async () => {
  const { clock, shared } = processes(1);
  const deaf = { ...shared, swap: () => Promise.reject(new Error('the table is away')) };
  const one = pace({ clock, shared: deaf });
  await clock.run(one.holdOff(600_000), 1_000);
  await expect(clock.run(one.turn(never), 1_000)).rejects.toMatchObject({ code: 'pan115.limited' });
});

test('one process works, the others wait and take what it has done', async () => {
  const { clock, shared } = processes(1);
  let done: string | null = null;
  let works = 0;
  const working = async () => {
    works += 1;
    await clock.sleep(5_000);
    done = `pair ${works}`;
    return done;
  };
  const all = [1, 2, 3].map(() => oneAtATime({ shared, clock }, { done: async () => done, work: working }));
  expect(await clock.run(Promise.all(all), DAY_MS)).toEqual(['pair 1', 'pair 1', 'pair 1']);
  expect(works).toBe(1);
});

test('a process that died in the middle is waited for no longer than it can have lived', async () => {
  const { clock, shared } = processes(1);
  const never = new Promise<string>(() => {});
  void oneAtATime({ shared, clock }, { done: async () => null, work: () => never });
  await clock.advance(10);
  const again = () => oneAtATime({ shared, clock }, { done: async () => null, work: async () => 'mine' });
  const early = again().catch((error: unknown) => error);
  expect(await clock.run(early, DAY_MS)).toMatchObject({ kind: 'transient', code: 'pan115.renewed_elsewhere' });
  await clock.advance(60_000);
  expect(await clock.run(again(), DAY_MS)).toBe('mine');
});

test('a hold whose reply was lost is known as our own', async () => {
  const { clock, shared } = processes(1);
  let isLost = false;
  const losing: Shared = {
    read: shared.read,
    swap: async (v, value) => {
      const isSwapped = await shared.swap(v, value);
      if (isLost) return isSwapped;
      isLost = true;
      return false;
    },
  };
  const work = oneAtATime({ shared: losing, clock }, { done: async () => null, work: async () => 'mine' });
  expect(await clock.run(work, 5_000)).toBe('mine');
});

test('work that fails lets the next one begin at once', async () => {
  const { clock, shared } = processes(1);
  const failing = oneAtATime(
    { shared, clock },
    { done: async () => null, work: () => Promise.reject(new Error('no line')) },
  );
  await expect(clock.run(failing, 1_000)).rejects.toThrow('no line');
  const next = oneAtATime({ shared, clock }, { done: async () => null, work: async () => 'mine' });
  expect(await clock.run(next, 100)).toBe('mine');
});
