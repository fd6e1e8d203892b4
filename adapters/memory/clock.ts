/** Time that moves only when told to, and chance from a seed: the same seed gives the same run. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';

export interface VirtualClock extends Clock {
  /** When the earliest sleeper wakes; `null`: nobody sleeps. */
  next(): number | null;
  /** Jumps to the earliest wake time, wakes that one sleeper and lets it run; false: nobody sleeps. */
  step(): Promise<boolean>;
  /** Moves on by `ms`, waking sleepers in order and letting each run before the next wakes. */
  advance(ms: number): Promise<void>;
  /** Steps until nobody sleeps. Fault `bug` `clock.never_idle` when that takes more than `limitMs`. */
  runUntilIdle(limitMs: number): Promise<void>;
  /** Steps until the work settles. Fault `bug` `clock.stuck` when it waits for nothing, or for more than `limitMs`. */
  run<T>(work: Promise<T>, limitMs: number): Promise<T>;
}

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Turns of the event loop that work without a sleeper is given to settle, so that promises kept by the platform may. */
const IDLE_TURNS = 1000;

export function virtualClock({ seed, startMs }: { readonly seed: number; readonly startMs: number }): VirtualClock {
  const sleepers: Sleeper[] = [];
  const random = mulberry32(seed);
  let nowMs = startMs;

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        sleepers.splice(sleepers.indexOf(sleeper), 1);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper = { atMs: nowMs + Math.max(0, ms), wake };
      signal?.addEventListener('abort', onAbort, { once: true });
      sleepers.splice(placeOf(sleepers, sleeper.atMs), 0, sleeper);
    });
  }

  async function step(): Promise<boolean> {
    await turn();
    const sleeper = sleepers.shift();
    if (sleeper === undefined) return false;
    nowMs = Math.max(nowMs, sleeper.atMs);
    sleeper.wake();
    await turn();
    return true;
  }

  async function stepUntil(untilMs: number): Promise<void> {
    await turn();
    for (let first = sleepers[0]; first !== undefined && first.atMs <= untilMs; first = sleepers[0]) await step();
  }

  async function advance(ms: number): Promise<void> {
    const untilMs = nowMs + ms;
    await stepUntil(untilMs);
    nowMs = Math.max(nowMs, untilMs);
  }

  async function runUntilIdle(limitMs: number): Promise<void> {
    await stepUntil(nowMs + limitMs);
    if (sleepers.length > 0) throw new Fault('bug', 'clock.never_idle', `somebody still sleeps after ${limitMs} ms`);
  }

  async function run<T>(work: Promise<T>, limitMs: number): Promise<T> {
    const untilMs = nowMs + limitMs;
    let settled = false;
    const settle = () => {
      settled = true;
    };
    work.then(settle, settle);
    for (let idleTurns = 0; !settled; ) {
      await turn();
      if (settled) break;
      const first = sleepers[0];
      if (first !== undefined && first.atMs <= untilMs) {
        await step();
        idleTurns = 0;
      } else if (++idleTurns > IDLE_TURNS) {
        throw new Fault('bug', 'clock.stuck', `the work has not settled within ${limitMs} ms`);
      }
    }
    return work;
  }

  return { now: () => nowMs, sleep, random, next: () => sleepers[0]?.atMs ?? null, step, advance, runUntilIdle, run };
}

/** Behind all that wake at the same time: first come, first woken. */
function placeOf(sleepers: readonly Sleeper[], atMs: number): number {
  let low = 0;
  let high = sleepers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const sleeper = sleepers[middle];
    if (sleeper !== undefined && sleeper.atMs <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A turn of the event loop, not a microtask: every promise chain that can go on has then gone as far as it can. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
