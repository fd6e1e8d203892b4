import { beforeEach, describe, expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { LeaseLost } from '#core/fault.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { type Engine, LEASE_MS, MARGIN_MS } from './engine.ts';
import { type Lease, underLease } from './lease.ts';

const KEY = { pk: 'T#1', sk: '@' };
const HOUR_MS = 3_600_000;

let clock: VirtualClock;
let table: WorkTable;

beforeEach(async () => {
  clock = virtualClock({ seed: 1, startMs: 0 });
  table = memoryWorkTable();
  await table.create({ ...KEY, queue: 'dest#rig', dueAt: 0, phase: 'moving', state: 0 }, 0);
});

interface Trial {
  readonly table?: Partial<WorkTable>;
  readonly onRenew?: () => Promise<boolean>;
}

async function held<T extends Awaited<ReturnType<typeof underLease>>>(
  work: (lease: Lease) => Promise<T>,
  { table: over = {}, onRenew = async () => true }: Trial = {},
) {
  const unused = () => Promise.reject(new Error('not for leases'));
  const engine: Engine = {
    table: { ...table, ...over },
    cells: memoryCells(),
    clock,
    source: { list: unused, stat: unused, read: unused, remove: unused },
    dispatcher: { send: unused },
    destinations: {
      get: unused,
      list: unused,
      create: unused,
      change: unused,
      remove: unused,
      refusal: () => null,
      provider: unused,
    },
    progress: { publish: unused },
    log: { info: () => {}, error: () => {} },
    limits: { files: 1, parts: 1, functionParts: 1, finishPatienceMs: 0 },
    newHolder: () => 'boot/1',
  };
  const untilMs = clock.now() + LEASE_MS;
  const claim = await table.claim(KEY, { holder: 'boot/1', now: clock.now(), until: untilMs });
  if (claim === null) throw new Error('the row is not free');
  return clock.run(underLease({ engine, key: KEY, claim, holder: 'boot/1', untilMs, onRenew }, work), HOUR_MS);
}

const wait = { to: 'wait', dueAt: 7 } as const;
const row = async () => (await table.get(KEY)) ?? { hold: 'none', dueAt: null, state: null, phase: '' };

describe('a lease', () => {
  test('is renewed for as long as the work takes', async () => {
    const release = await held(async () => {
      await clock.sleep(10 * LEASE_MS);
      expect((await row()).dueAt).toBeGreaterThan(clock.now() + MARGIN_MS);
      return wait;
    });
    expect(release).toEqual(wait);
    expect(await row()).toMatchObject({ hold: 'wait', dueAt: 7 });
  });

  test('that cannot be renewed stops the work before anybody else may have the row', async () => {
    const release = await held(
      async ({ signal }) => {
        await clock.sleep(HOUR_MS, signal).catch(() => undefined);
        expect(clock.now()).toBe(LEASE_MS - MARGIN_MS);
        return wait;
      },
      { table: { renew: () => Promise.reject(new Error('down')) } },
    );
    expect(release).toBeNull();
    expect((await row()).hold).toBe('lease');
  });

  test('whose renewal hangs stops the work just as well', async () => {
    await held(
      async ({ signal }) => {
        await clock.sleep(HOUR_MS, signal).catch(() => undefined);
        expect(clock.now()).toBe(LEASE_MS - MARGIN_MS);
        return null;
      },
      { table: { renew: () => new Promise(() => undefined) } },
    );
  });

  test('ends when its place at the gate is gone', async () => {
    const release = await held(
      async ({ signal }) => {
        await clock.sleep(HOUR_MS, signal).catch(() => undefined);
        return wait;
      },
      { onRenew: async () => false },
    );
    expect(release).toBeNull();
  });

  test('that somebody else has taken writes nothing more', async () => {
    const release = await held(async (lease) => {
      await table.claim(KEY, { holder: 'boot/2', now: clock.now() + LEASE_MS, until: clock.now() + 2 * LEASE_MS });
      await expect(lease.commit({ phase: 'moving', state: 1 })).rejects.toThrow(LeaseLost);
      expect(lease.signal.aborted).toBe(true);
      return wait;
    });
    expect(release).toBeNull();
    expect(await row()).toMatchObject({ hold: 'lease', holder: 'boot/2', state: 0 });
  });

  test('loses nothing when the answers to its writes are lost', async () => {
    let losses = 3;
    const lossy =
      <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
      async (...args: A): Promise<T> => {
        const answer = await call(...args);
        if (losses-- > 0) throw new Error('no answer');
        return answer;
      };
    const release = await held(
      async (lease) => {
        expect(await lease.commit({ phase: 'moving', state: 1 })).toBe(true);
        losses = 3;
        return wait;
      },
      { table: { commit: lossy(table.commit), release: lossy(table.release) } },
    );
    expect(release).toEqual(wait);
    expect(await row()).toMatchObject({ hold: 'wait', state: 1 });
  });

  test('is kept when only the guard of a commit stood in the way', async () => {
    const release = await held(async (lease) => {
      await table.wish(KEY, 'cancel', 0);
      expect(await lease.commit({ phase: 'finishing', state: 1 }, { unlessWish: 'cancel' })).toBe(false);
      expect(await lease.commit({ phase: 'moving', state: 2 })).toBe(true);
      return { to: 'ended' } as const;
    });
    expect(release).toEqual({ to: 'ended' });
    expect(await row()).toMatchObject({ queue: null, state: 2 });
  });

  test('of work that throws is left to run out', async () => {
    await expect(held(() => Promise.reject(new Error('a bug')))).rejects.toThrow('a bug');
    expect((await row()).hold).toBe('lease');
    expect(clock.next()).toBeNull();
  });
});
