/** The places for chunks in flight, shared by all files of a page: as many as `concurrency.ts` finds good. */
import { type Concurrency, onBytes, onStart, onTrouble, startConcurrency } from './concurrency.ts';
import type { Surroundings } from './surroundings.ts';

export interface Slots {
  /** A place, given to the lowest `order` first. Answers its release. Rejects when aborted. */
  acquire(order: number, signal: AbortSignal): Promise<() => void>;
  /** Bytes have left. */
  sent(bytes: number): void;
  /** The bucket asks for less, or a chunk stood still. No chunk is begun for `pauseMs`. */
  trouble(pauseMs: number): void;
  readonly limit: number;
  readonly inUse: number;
  readonly waiting: number;
}

interface Waiter {
  readonly order: number;
  readonly grant: () => void;
}

/** `onFree` is called when a place stays free because nobody waits for it. */
export function chunkSlots(needs: Pick<Surroundings, 'nowMs' | 'timers'>, onFree: () => void): Slots {
  let state: Concurrency = startConcurrency(needs.nowMs());
  let inUse = 0;
  let closedUntilMs = 0;
  const waiters: Waiter[] = [];

  function open(): void {
    if (needs.nowMs() < closedUntilMs) return;
    while (inUse < state.limit) {
      const waiter = waiters.shift();
      if (!waiter) {
        onFree();
        return;
      }
      if (inUse === 0) state = onStart(state, needs.nowMs());
      inUse += 1;
      waiter.grant();
    }
  }

  function releaseOnce(): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      inUse -= 1;
      open();
    };
  }

  return {
    acquire(order, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      if (signal.aborted) return Promise.reject(signal.reason);
      const onAbort = () => {
        waiters.splice(waiters.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        order,
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          resolve(releaseOnce());
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const after = waiters.findIndex((other) => other.order > order);
      waiters.splice(after < 0 ? waiters.length : after, 0, waiter);
      open();
      return promise;
    },
    sent(bytes) {
      const before = state.limit;
      state = onBytes(state, bytes, inUse, needs.nowMs());
      if (state.limit > before) open();
    },
    trouble(pauseMs) {
      state = onTrouble(state, needs.nowMs());
      const untilMs = needs.nowMs() + pauseMs;
      if (pauseMs <= 0 || untilMs <= closedUntilMs) return;
      closedUntilMs = untilMs;
      needs.timers.after(pauseMs, () => {
        closedUntilMs = Math.min(closedUntilMs, needs.nowMs());
        open();
      });
    },
    get limit() {
      return state.limit;
    },
    get inUse() {
      return inUse;
    },
    get waiting() {
      return waiters.length;
    },
  };
}
