import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Fault, type FaultKind } from '#core/fault.ts';
import { backoffMs, isWorthRetrying } from './backoff.ts';

const HOUR_MS = 3_600_000;
const clock = (chance: number) => ({ now: () => 0, sleep: async () => {}, random: () => chance });
const fault = (kind: FaultKind, retryAfterMs?: number, code = 'rig.fault') =>
  new Fault(kind, code, 'a fault', retryAfterMs === undefined ? {} : { retryAfterMs });

test('a wait is half a second at least, five minutes and a half at most, and as long as it was asked for', () => {
  const chances = fc.double({ min: 0, max: 0.999_999, noNaN: true });
  fc.assert(
    fc.property(
      chances,
      fc.integer({ min: 1, max: 1_000 }),
      fc.option(fc.nat(2 * HOUR_MS)),
      (chance, streak, asked) => {
        const waitMs = backoffMs(clock(chance), fault('throttled', asked ?? undefined), streak);
        expect(waitMs).toBeGreaterThanOrEqual(Math.max(500, Math.min(asked ?? 0, HOUR_MS)));
        expect(waitMs).toBeLessThanOrEqual(Math.max(300_500, Math.min(asked ?? 0, HOUR_MS)));
        expect(Number.isInteger(waitMs)).toBe(true);
      },
    ),
  );
});

test('waits grow with the faults in a row', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 8].map((streak) => backoffMs(clock(0.999), fault('transient'), streak));
  expect([...waits].sort((a, b) => a - b)).toEqual(waits);
});

test('only what time may mend is tried again, and not for ever', () => {
  const lasting = (kind: FaultKind, code?: string) =>
    Array.from({ length: 100 }, (_, i) => i + 1).findLast((streak) =>
      isWorthRetrying(fault(kind, undefined, code), streak),
    );
  expect(lasting('transient')).toBe(29);
  expect(lasting('transient', 'unknown')).toBe(4);
  expect(lasting('throttled')).toBe(59);
  for (const kind of ['auth', 'gone', 'rejected', 'risk', 'bug'] as const) expect(lasting(kind)).toBeUndefined();
});
