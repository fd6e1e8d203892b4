import { beforeEach, describe, expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import type { Cells } from '#core/ports/cells.ts';
import { gateKey } from '#core/state.ts';
import { acquire, freeSlots, type GateDeps, giveBack, prolong } from './gate.ts';

const LIMITS = { files: 3, parts: 5, functionParts: 5, finishPatienceMs: 0 };
const MINUTE_MS = 60_000;

let clock: VirtualClock;
let cells: Cells;
let deps: GateDeps;

beforeEach(() => {
  clock = virtualClock({ seed: 1, startMs: 0 });
  cells = memoryCells();
  deps = { cells, clock, limits: LIMITS, log: { info: () => {}, error: () => {} } };
});

const ask = (holder: string, transferId: string, want: number, untilMs = clock.now() + MINUTE_MS) =>
  acquire(deps, 'rig', { holder, transferId, want, untilMs });

describe('the gate', () => {
  test('lets in so many files and no more', async () => {
    for (const file of ['a', 'b', 'c']) expect(await ask(`${file}/1`, file, 0)).toBe(0);
    expect(await ask('d/1', 'd', 0)).toBeNull();
    expect(await freeSlots(deps, 'rig')).toBe(0);
  });

  test('deals out the parts of a file among its stripes', async () => {
    expect(await ask('a/1', 'a', 3)).toBe(3);
    expect(await ask('a/2', 'a', 3)).toBe(2);
    expect(await ask('a/3', 'a', 1)).toBeNull();
    expect(await ask('b/1', 'b', 5)).toBe(5);
  });

  test('answers a repeated question as before', async () => {
    expect(await ask('a/1', 'a', 4)).toBe(4);
    expect(await ask('a/1', 'a', 4)).toBe(4);
    expect(await ask('a/2', 'a', 4)).toBe(1);
  });

  test('forgets a holder whose time is over, and lets him know', async () => {
    await ask('a/1', 'a', 5);
    await clock.advance(MINUTE_MS - 1);
    expect(await ask('a/2', 'a', 5)).toBeNull();
    await clock.advance(1);
    expect(await ask('a/2', 'a', 5)).toBe(5);
    expect(await prolong(deps, 'rig', 'a/1', clock.now() + MINUTE_MS)).toBe(false);
  });

  test('keeps a holder who prolongs his time', async () => {
    await ask('a/1', 'a', 5);
    await clock.advance(MINUTE_MS / 2);
    expect(await prolong(deps, 'rig', 'a/1', clock.now() + MINUTE_MS)).toBe(true);
    await clock.advance(MINUTE_MS / 2 + 1);
    expect(await ask('a/2', 'a', 5)).toBeNull();
  });

  test('has room again when it is given back, also twice', async () => {
    await ask('a/1', 'a', 5);
    await giveBack(deps, 'rig', 'a/1');
    await giveBack(deps, 'rig', 'a/1');
    expect(await freeSlots(deps, 'rig')).toBe(3);
  });

  test('never lets in too many, however many ask at once', async () => {
    const asking = Array.from({ length: 12 }, (_, i) => ask(`h/${i}`, `file${i % 6}`, 3));
    const granted = await clock.run(Promise.all(asking), MINUTE_MS);
    const files = new Map<string, number>();
    for (const [i, parts] of granted.entries()) {
      if (parts !== null) files.set(`file${i % 6}`, (files.get(`file${i % 6}`) ?? 0) + parts);
    }
    expect(files.size).toBeLessThanOrEqual(3);
    expect(Math.max(...files.values())).toBeLessThanOrEqual(5);
  });

  test('finds its own write when the answer to it was lost', async () => {
    let losses = 1;
    const lossy: Cells = {
      ...cells,
      swap: async (key, v, value) => {
        const isSwapped = await cells.swap(key, v, value);
        if (losses-- > 0) throw new Error('no answer');
        return isSwapped;
      },
    };
    const request = { holder: 'a/1', transferId: 'a', want: 5, untilMs: MINUTE_MS };
    expect(await clock.run(acquire({ ...deps, cells: lossy }, 'rig', request), MINUTE_MS)).toBe(5);
    expect(await ask('a/2', 'a', 1)).toBeNull();
  });

  test('that cannot be reached is given back in its own time', async () => {
    const broken: Cells = { ...cells, read: () => Promise.reject(new Error('down')) };
    await expect(giveBack({ ...deps, cells: broken }, 'rig', 'a/1')).resolves.toBeUndefined();
  });

  test('whose cell is lost or unreadable is a gate with nobody in it', async () => {
    await cells.swap(gateKey('rig'), 0, { entries: 'nonsense' });
    expect(await ask('a/1', 'a', 5)).toBe(5);
  });
});
