import { describe, expect, it, vi } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { clockContract } from './clock.contract.ts';

const START_MS = 1_750_000_000_000;

clockContract({
  name: 'virtual',
  make: () => {
    const clock = virtualClock({ seed: 7, startMs: START_MS });
    return { subject: { clock, pass: clock.advance } };
  },
});

clockContract({
  name: 'system',
  make: () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const pass = async (ms: number) => void (await vi.advanceTimersByTimeAsync(ms));
    return { subject: { clock: systemClock(), pass }, cleanup: () => void vi.useRealTimers() };
  },
});

describe('system clock', () => {
  /** A wall clock that people set, and a steady one that they cannot. */
  function settable() {
    let wallMs = START_MS;
    let steadyMs = 0;
    const clock = systemClock({ wall: () => wallMs, steady: () => steadyMs });
    return {
      clock,
      pass: (ms: number) => {
        wallMs += ms;
        steadyMs += ms;
      },
      set: (byMs: number) => {
        wallMs += byMs;
      },
    };
  }

  it('goes on at a steady pace when the wall clock is set back, and never goes back', () => {
    const { clock, pass, set } = settable();
    pass(10);
    expect(clock.now()).toBe(START_MS + 10);
    set(-3_600_000);
    expect(clock.now()).toBe(START_MS + 10);
    for (let n = 0; n < 10; n++) {
      pass(0.5);
      clock.now();
    }
    expect(clock.now()).toBe(START_MS + 15);
  });

  it('follows the wall clock again once that has caught up', () => {
    const { clock, pass, set } = settable();
    set(-1000);
    pass(5);
    set(5000);
    expect(clock.now()).toBe(START_MS + 4005);
  });
});

describe('system clock under an abort', () => {
  it('clears its timer', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const stop = new AbortController();
    const stopped = expect(systemClock().sleep(1000, stop.signal)).rejects.toBe('enough');
    expect(vi.getTimerCount()).toBe(1);
    stop.abort('enough');
    await stopped;
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});

describe('virtual clock', () => {
  const clockOf = (seed: number) => virtualClock({ seed, startMs: START_MS });
  const draw = (seed: number) => {
    const clock = clockOf(seed);
    return Array.from({ length: 10 }, () => clock.random());
  };

  it('has the same chance for the same seed and another one for another', () => {
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('stands still until told', () => {
    const clock = clockOf(1);
    expect([clock.now(), clock.now(), clock.next()]).toEqual([START_MS, START_MS, null]);
  });

  it('next is the earliest wake time of those who still sleep', async () => {
    const clock = clockOf(1);
    const stop = new AbortController();
    const stopped = expect(clock.sleep(10, stop.signal)).rejects.toBe('enough');
    const late = clock.sleep(20);
    expect(clock.next()).toBe(START_MS + 10);
    stop.abort('enough');
    await stopped;
    expect(clock.next()).toBe(START_MS + 20);
    expect(await clock.step()).toBe(true);
    await late;
    expect([clock.now(), clock.next(), await clock.step()]).toEqual([START_MS + 20, null, false]);
  });

  it('a sleeper sees the time it asked for, and runs as far as it can before the next one wakes', async () => {
    const clock = clockOf(1);
    const seen: string[] = [];
    const sleepers = [10, 10, 20].map(async (ms, index) => {
      await clock.sleep(ms);
      for (let n = 0; n < 5; n++) await Promise.resolve();
      seen.push(`${index}@${clock.now() - START_MS}`);
    });
    await clock.advance(1000);
    await Promise.all(sleepers);
    expect(seen).toEqual(['0@10', '1@10', '2@20']);
    expect(clock.now()).toBe(START_MS + 1000);
  });

  it('run moves time on until the work settles, and gives its outcome', async () => {
    const clock = clockOf(1);
    const work = async () => {
      for (let n = 0; n < 100; n++) await clock.sleep(1000);
      return clock.now();
    };
    expect(await clock.run(work(), 3_600_000)).toBe(START_MS + 100_000);
    await expect(clock.run(Promise.reject(new Error('broken')), 1)).rejects.toThrow('broken');
  });

  it('run gives up on work that waits for nothing, or for longer than the limit', async () => {
    const clock = clockOf(1);
    await expect(clock.run(new Promise(() => undefined), 1000)).rejects.toMatchObject({ code: 'clock.stuck' });
    await expect(clock.run(clock.sleep(2000), 1000)).rejects.toMatchObject({ code: 'clock.stuck' });
  });

  it('runs until nobody sleeps, within a limit', async () => {
    const clock = clockOf(1);
    let naps = 0;
    const nap = async (times: number) => {
      for (; naps < times; naps++) await clock.sleep(10);
    };
    void nap(10);
    await clock.runUntilIdle(1000);
    expect(naps).toBe(10);
    void nap(1000);
    await expect(clock.runUntilIdle(1000)).rejects.toMatchObject({ code: 'clock.never_idle' });
  });
});
