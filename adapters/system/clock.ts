/** The machine's time and chance. */
import type { Clock } from '#core/ports/clock.ts';

export interface TimeSources {
  /** Epoch milliseconds; may be set back by people and time servers. */
  readonly wall?: () => number;
  /** Milliseconds since some moment; never set. */
  readonly steady?: () => number;
}

/** A timer of Node takes no more: longer sleeps are slept in pieces. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** Follows the wall clock; while that is behind what was said before, time goes on from there at a steady pace. */
export function systemClock({ wall = Date.now, steady = () => performance.now() }: TimeSources = {}): Clock {
  let lastMs = wall();
  let lastSteadyMs = steady();

  function now(): number {
    const steadyMs = steady();
    const wallMs = wall();
    if (wallMs >= lastMs) {
      lastMs = wallMs;
      lastSteadyMs = steadyMs;
    } else {
      // Whole milliseconds only are carried over, so that fractions are not lost however often somebody asks.
      const passedMs = Math.max(0, Math.floor(steadyMs - lastSteadyMs));
      lastMs += passedMs;
      lastSteadyMs += passedMs;
    }
    return lastMs;
  }

  async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const wakeMs = now() + ms;
    const wakeSteadyMs = steady() + ms;
    // A timer may fire up to a millisecond early, and a wall clock set ahead must not cut a sleep short.
    const left = () => Math.max(wakeMs - now(), wakeSteadyMs - steady());
    do {
      signal?.throwIfAborted();
      await timer(Math.min(Math.max(0, Math.ceil(left())), TIMER_MAX_MS), signal);
    } while (left() > 0);
  }

  return { now, sleep, random: Math.random };
}

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timeout);
      reject(signal?.reason);
    };
    const timeout = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
