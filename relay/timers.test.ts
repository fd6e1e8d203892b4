import { expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { every } from './timers.ts';

it('works at once, then so long after each end, one at a time, and goes on after errors', async () => {
  const clock = virtualClock({ seed: 1, startMs: 0 });
  const stop = new AbortController();
  const startedAt: number[] = [];
  const errors: unknown[] = [];
  const work = async () => {
    startedAt.push(clock.now());
    await clock.sleep(30);
    if (startedAt.length === 2) throw new Error('the second');
  };
  every(clock, 100, stop.signal, work, (error) => errors.push(error));
  await clock.advance(300);
  expect(startedAt).toEqual([0, 130, 260]);
  expect(errors).toEqual([new Error('the second')]);
  stop.abort();
  await clock.advance(1_000);
  expect(startedAt).toHaveLength(3);
});

it('what fails because all is coming to its end is not told', async () => {
  const clock = virtualClock({ seed: 1, startMs: 0 });
  const stop = new AbortController();
  const errors: unknown[] = [];
  const work = async () => {
    await clock.sleep(30);
    throw new Error('the store is closed');
  };
  every(clock, 100, stop.signal, work, (error) => errors.push(error));
  await clock.advance(10);
  stop.abort();
  await clock.advance(1_000);
  expect(errors).toEqual([]);
});
