/** What every clock must keep. Time passes through the subject, so that nobody waits. */
import { getEventListeners } from 'node:events';
import { expect } from 'vitest';
import type { Clock } from '#core/ports/clock.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export interface ClockSubject {
  readonly clock: Clock;
  /** Lets that much time pass, and what wakes in it run. */
  pass(ms: number): Promise<void>;
}

export function clockContract(run: ContractRun<ClockSubject>): void {
  contract('clock', laws, run);
}

const laws: Laws<ClockSubject> = {
  'now is a time of this century and passes with time': async ({ clock, pass }) => {
    const before = clock.now();
    expect(before).toBeGreaterThan(Date.UTC(2000));
    expect(before).toBeLessThan(Date.UTC(2100));
    await pass(1234);
    expect(clock.now() - before).toBe(1234);
  },
  'a sleeper wakes when its time is over, not before': async ({ clock, pass }) => {
    const sleeper = recorded(clock.sleep(100));
    await pass(99);
    expect(sleeper.outcome()).toBeNull();
    await pass(1);
    expect(sleeper.outcome()).toBe('woken');
  },
  'sleepers wake in the order of their times, and those of one time in the order in which they lay down': async (
    subject,
  ) => {
    const { clock, pass } = subject;
    const woken: string[] = [];
    const sleeps = [
      ['c', 30],
      ['a', 10],
      ['b1', 20],
      ['b2', 20],
    ] as const;
    const done = sleeps.map(async ([name, ms]) => {
      await clock.sleep(ms);
      woken.push(name);
    });
    await pass(30);
    await Promise.all(done);
    expect(woken).toEqual(['a', 'b1', 'b2', 'c']);
  },
  'a sleeper that sleeps again wakes again': async ({ clock, pass }) => {
    let naps = 0;
    const napping = (async () => {
      for (; naps < 5; naps++) await clock.sleep(10);
    })();
    await pass(49);
    expect(naps).toBe(4);
    await pass(1);
    await napping;
    expect(naps).toBe(5);
  },
  'sleep rejects with the reason as soon as the signal aborts': async ({ clock, pass }) => {
    const stop = new AbortController();
    const sleeper = recorded(clock.sleep(1e9, stop.signal));
    await pass(5);
    stop.abort('enough');
    await pass(0);
    expect(sleeper.outcome()).toBe('enough');
  },
  'sleep rejects at once when the signal has aborted before': async ({ clock, pass }) => {
    const sleeper = recorded(clock.sleep(1e9, AbortSignal.abort('early')));
    await pass(0);
    expect(sleeper.outcome()).toBe('early');
  },
  'a sleeper that woke or was aborted leaves no listener behind': async ({ clock, pass }) => {
    const stop = new AbortController();
    const sleepers = Array.from({ length: 20 }, (_, n) => recorded(clock.sleep(n, stop.signal)));
    await pass(20);
    expect(sleepers.every(({ outcome }) => outcome() === 'woken')).toBe(true);
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
    const late = recorded(clock.sleep(10, stop.signal));
    stop.abort('end');
    await pass(0);
    expect(late.outcome()).toBe('end');
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0);
  },
  'a sleep of nothing or less wakes without time passing': async ({ clock, pass }) => {
    const sleepers = [recorded(clock.sleep(0)), recorded(clock.sleep(-5))];
    await pass(1);
    expect(sleepers.map(({ outcome }) => outcome())).toEqual(['woken', 'woken']);
  },
  'a sleep of 60 days ends after 60 days': async ({ clock, pass }) => {
    const days = 24 * 3_600_000;
    const sleeper = recorded(clock.sleep(60 * days));
    await pass(59 * days);
    expect(sleeper.outcome()).toBeNull();
    await pass(days);
    expect(sleeper.outcome()).toBe('woken');
  },
  'random is uniform in [0, 1)': ({ clock }) => {
    const tenths = new Array<number>(10).fill(0);
    for (let n = 0; n < 20_000; n++) {
      const chance = clock.random();
      expect(chance >= 0 && chance < 1).toBe(true);
      tenths[Math.floor(chance * 10)] = (tenths[Math.floor(chance * 10)] ?? 0) + 1;
    }
    for (const count of tenths) expect(Math.abs(count - 2000)).toBeLessThan(300);
  },
};

function recorded(sleep: Promise<void>): { readonly outcome: () => unknown } {
  let outcome: unknown = null;
  sleep.then(
    () => {
      outcome = 'woken';
    },
    (reason: unknown) => {
      outcome = reason;
    },
  );
  return { outcome: () => outcome };
}
