import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { ask, isKnown, isStale, type Pace, type PaceRules, UNUSED, withoutTurn } from './pace.ts';

const MIN_MS = 60_000;
const HOUR_MS = 60 * MIN_MS;
const T0 = 1_800_000_000_000;

/** An address as a test asks it: times are minutes after T0; `start` answers the same. */
function addressOf(rules: { readonly spacingMin?: number; readonly perHourMax?: number }) {
  const { spacingMin = 0, perHourMax = 0 } = rules;
  let pace: Pace = UNUSED;
  return {
    pace: () => pace,
    leave: (file: string) => {
      pace = withoutTurn(pace, file);
    },
    at: (min: number, file: string): number | 'starts' => {
      const answer = ask(pace, file, { spacingMs: spacingMin * MIN_MS, perHourMax }, T0 + min * MIN_MS);
      pace = answer.pace;
      return answer.atMs <= T0 + min * MIN_MS ? 'starts' : (answer.atMs - T0) / MIN_MS;
    },
  };
}

test('new files start the spacing apart, and each that waits has a turn of its own', () => {
  const address = addressOf({ spacingMin: 5 });
  expect(address.at(0, 'a')).toBe('starts');
  expect(address.at(1, 'b')).toBe(5);
  expect(address.at(1, 'c')).toBe(10);
  expect(address.at(2, 'b')).toBe(5);
  expect(address.at(4, 'd')).toBe(15);
  expect(address.at(5, 'b')).toBe('starts');
  expect(address.at(10.5, 'c')).toBe('starts');
  expect(address.at(15, 'd')).toBe(15.5);
  expect(address.at(15.5, 'd')).toBe('starts');
});

test('whoever waits is not overtaken by who comes later, and is not waited for without end', () => {
  const address = addressOf({ spacingMin: 5 });
  address.at(0, 'a');
  expect(address.at(1, 'b')).toBe(5);
  expect(address.at(5, 'c')).toBe(10);
  expect(address.at(9.9, 'd')).toBe(15);
  expect(address.at(10, 'c')).toBe('starts');
  expect(address.at(14, 'b')).toBe(20);
});

test('a turn that is given up is nobody else’s to wait for', () => {
  const address = addressOf({ spacingMin: 5 });
  address.at(0, 'a');
  expect(address.at(1, 'b')).toBe(5);
  address.leave('b');
  expect(address.at(5, 'c')).toBe('starts');
});

test('no more than so many start in any hour', () => {
  const address = addressOf({ perHourMax: 3 });
  for (const [min, file] of [
    [0, 'a'],
    [10, 'b'],
    [50, 'c'],
  ] as const)
    expect(address.at(min, file)).toBe('starts');
  expect(address.at(51, 'd')).toBe(60);
  expect(address.at(51, 'e')).toBe(70);
  expect(address.at(52, 'f')).toBe(110);
  expect(address.at(52, 'g')).toBe(120);
  expect(address.at(60, 'd')).toBe('starts');
});

test('what started here starts again at any time for a day, is no new start, and counts in the hour', () => {
  const address = addressOf({ spacingMin: 5, perHourMax: 3 });
  address.at(0, 'a');
  expect(address.at(1, 'a')).toBe('starts');
  expect(address.at(5, 'b')).toBe('starts');
  expect(address.at(6, 'a')).toBe('starts');
  expect(address.at(10, 'c')).toBe(61);
  expect(isKnown(address.pace(), 'a', T0 + 10 * MIN_MS)).toBe(true);
  expect(address.at(25 * 60, 'x')).toBe('starts');
  expect(isKnown(address.pace(), 'a', T0 + 25 * HOUR_MS)).toBe(false);
});

test('an address says until when it rests, and nothing of it matters after a day', () => {
  const address = addressOf({ spacingMin: 5 });
  address.at(0, 'a');
  expect(address.pace().restsUntilMs).toBe(T0 + 5 * MIN_MS);
  address.at(1, 'b');
  expect(address.pace().restsUntilMs).toBe(T0 + 10 * MIN_MS);
  expect(isStale(address.pace(), T0 + 23 * HOUR_MS)).toBe(false);
  expect(isStale(address.pace(), T0 + 25 * HOUR_MS)).toBe(true);
});

const rulesArbitrary = fc.record({
  spacingMs: fc.integer({ min: 0, max: 20 * MIN_MS }),
  perHourMax: fc.integer({ min: 0, max: 15 }),
});

test('whoever asks whenever: the spacing and the hour are kept, and the cell stays small', () => {
  const asking = fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 10 * MIN_MS }), file: fc.nat(12) }), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(rulesArbitrary, asking, (rules, asked) => {
      let pace = UNUSED;
      let now = T0;
      const news: number[] = [];
      const starts: number[] = [];
      for (const { waitMs, file } of asked) {
        now += waitMs;
        const wasKnown = isKnown(pace, `f${file}`, now);
        const answer = ask(pace, `f${file}`, rules, now);
        pace = answer.pace;
        if (answer.atMs > now) continue;
        starts.push(now);
        if (wasKnown) continue;
        news.push(now);
        const inHour = starts.filter((atMs) => atMs > now - HOUR_MS).length;
        if (rules.perHourMax > 0) expect(inHour).toBeLessThanOrEqual(rules.perHourMax);
      }
      for (const [at, atMs] of news.slice(1).entries()) {
        expect(atMs - (news[at] ?? 0)).toBeGreaterThanOrEqual(rules.spacingMs);
      }
      expect(Buffer.byteLength(JSON.stringify(pace))).toBeLessThan(24 * 1024);
    }),
  );
});

test('a cell that is as full as it gets has less than 24 KiB', () => {
  let pace = UNUSED;
  const id = (at: number) => `trf_${String(at).padStart(26, '0')}`;
  const rules = { spacingMs: 1_000, perHourMax: 1_000 };
  for (let at = 0; at < 1_200; at++) pace = ask(pace, id(at), rules, T0 + at * 1_000).pace;
  for (let at = 0; at < 200; at++) pace = ask(pace, id(5_000 + at), rules, T0 + 1_199_000).pace;
  expect(Buffer.byteLength(JSON.stringify(pace))).toBeLessThan(24 * 1024);
});

/** Files that come again when they were told to, as late as the engine may, and some never. Answers how often each asked. */
function waitingRoom(count: number, rules: PaceRules, chance: () => number) {
  let pace = UNUSED;
  const due = Array.from({ length: count }, (_, file) => ({
    file,
    atMs: T0 + Math.floor(chance() * MIN_MS),
    asked: 0,
  }));
  const started: number[] = [];
  for (;;) {
    const next = due.filter(({ atMs }) => atMs < Number.POSITIVE_INFINITY).sort((a, b) => a.atMs - b.atMs)[0];
    if (next === undefined) break;
    const answer = ask(pace, `f${next.file}`, rules, next.atMs);
    pace = answer.pace;
    next.asked += 1;
    if (answer.atMs <= next.atMs) started.push(next.file);
    const isGone = answer.atMs <= next.atMs || chance() < 0.02;
    // As the engine comes: never sooner than it was told, but after an hour, and up to a minute late.
    const waitMs = Math.max(500, Math.min(answer.atMs - next.atMs, HOUR_MS)) + chance() * MIN_MS;
    next.atMs = isGone ? Number.POSITIVE_INFINITY : next.atMs + waitMs;
  }
  return { started, asked: due.map(({ asked }) => asked) };
}

test('sixty files that wait five minutes for each other ask a few times each, not twenty', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const chance = virtualClock({ seed, startMs: T0 }).random;
      const { started, asked } = waitingRoom(60, { spacingMs: 5 * MIN_MS, perHourMax: 12 }, chance);
      expect(started.length).toBeGreaterThan(40);
      expect(asked.reduce((sum, times) => sum + times) / asked.length).toBeLessThan(9);
    }),
    { numRuns: 20 },
  );
});
