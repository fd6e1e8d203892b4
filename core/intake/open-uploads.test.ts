import { beforeEach, expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { type OpenTallies, openBound } from './open-uploads.ts';

const MAX = 100;
const FULL = { kind: 'throttled', code: 'uploads.too_many', retryAfterMs: 60_000 };

/** What the table would say, and how often it was asked. */
let open: number;
let asked: number;
const table = {
  active: async (_: string, max: number) => {
    asked++;
    return Math.min(open, max);
  },
};
const clock = virtualClock({ seed: 1, startMs: 0 });
beforeEach(() => {
  open = 0;
  asked = 0;
});

it('lets in what may be open and no more, and then what has room again', async () => {
  const mayOpen = openBound({ table, clock, max: MAX });
  for (let n = 0; n < 12; n++) await mayOpen('ann', 8, 'owner');
  await expect(mayOpen('ann', 8, 'owner')).rejects.toMatchObject(FULL);
  await mayOpen('ann', 4, 'owner');
  await expect(mayOpen('ann', 1, 'owner')).rejects.toMatchObject(FULL);
  await mayOpen('bob', 8, 'owner');
  open = 99;
  await clock.advance(1_000);
  await mayOpen('ann', 1, 'owner');
  await expect(mayOpen('ann', 1, 'owner')).rejects.toMatchObject(FULL);
});

it('asks the table once a minute while there is room, each few seconds near the bound, and not for each that is refused', async () => {
  const mayOpen = openBound({ table, clock, max: MAX });
  const inAMinute = async () => {
    asked = 0;
    for (let second = 0; second < 60; second++) {
      await mayOpen('ann', 1, 'owner').catch(() => 'refused');
      await mayOpen('ann', 1, 'owner').catch(() => 'refused');
      await clock.advance(1_000);
    }
    return asked;
  };
  // Of what was let in, most has ended by the next count.
  expect(await inAMinute()).toBeLessThan(10);
  open = 80;
  expect(await inAMinute()).toBeLessThan(16);
  open = 100;
  expect(await inAMinute()).toBeLessThan(62);
});

it('what one process counted is known to the next call that is made of the same numbers', async () => {
  const tallies: OpenTallies = new Map();
  for (let n = 0; n < 3; n++) await openBound({ table, clock, max: 3, tallies })('ann', 1, 'owner');
  await expect(openBound({ table, clock, max: 3, tallies })('ann', 1, 'owner')).rejects.toMatchObject(FULL);
  expect(asked).toBe(1);
});

it('remembers a thousand owners and no more', async () => {
  const tallies: OpenTallies = new Map();
  const mayOpen = openBound({ table, clock, max: MAX, tallies });
  for (let n = 0; n < 1_100; n++) await mayOpen(`owner ${n}`, 1, 'owner');
  expect(tallies.size).toBe(1_000);
});

it('guests leave the owner a fifth of what may be open', async () => {
  const mayOpen = openBound({ table, clock, max: MAX });
  await mayOpen('ann', 80, 'guest');
  await expect(mayOpen('ann', 1, 'guest')).rejects.toMatchObject(FULL);
  await mayOpen('ann', 20, 'owner');
});
