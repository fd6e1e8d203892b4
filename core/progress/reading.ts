/** Reading the table for many who ask at once. */
import type { Clock } from '#core/ports/clock.ts';

export interface Reading {
  /** Resolves when a read that began after this call has been taken in. Rejects when it fails or takes too long. */
  refresh(): Promise<void>;
  isIdle(): boolean;
}

const TIMEOUT_MS = 10_000;

/**
 * One read at a time. Who asks while one is under way shares the next: that one may have read what they want to know before it
 * changed.
 */
export function sharedReading<T>(clock: Clock, read: () => Promise<T>, takeIn: (answer: T) => void): Reading {
  let current: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  function start(): Promise<void> {
    next = null;
    current = withTimeout(clock, read())
      .then(takeIn)
      .finally(() => {
        current = null;
      });
    return current;
  }

  return {
    refresh: () => {
      if (next !== null) return next;
      if (current === null) return start();
      next = current.catch(() => undefined).then(start);
      return next;
    },
    isIdle: () => current === null && next === null,
  };
}

function withTimeout<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const late = clock.sleep(TIMEOUT_MS, settled.signal).then(() => {
    throw new Error('reading the transfers took too long');
  });
  return Promise.race([work, late]).finally(() => settled.abort());
}
