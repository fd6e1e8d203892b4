/** How many chunks may be on their way at once: fewer after a store that asks for less, more again while it takes them. */

export interface Slots {
  /** Waits for a slot; rejects when the signal aborts. The answer gives it back. */
  take(signal: AbortSignal): Promise<(outcome: 'went_well' | 'was_busy' | 'other') => void>;
}

/** Successes in a row after which one more may be tried. */
const GROW_AFTER = 8;

export function slots(max: number): Slots {
  const waiting: (() => void)[] = [];
  let limit = max;
  let taken = 0;
  let streak = 0;

  function admit(): void {
    while (taken < limit) {
      const next = waiting.shift();
      if (next === undefined) return;
      taken++;
      next();
    }
  }

  function settle(outcome: 'went_well' | 'was_busy' | 'other'): void {
    taken--;
    streak = outcome === 'went_well' ? streak + 1 : 0;
    if (outcome === 'was_busy') limit = Math.max(1, Math.floor(limit / 2));
    if (streak >= GROW_AFTER && limit < max) {
      limit++;
      streak = 0;
    }
    admit();
  }

  return {
    take: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const onAbort = () => {
          waiting.splice(waiting.indexOf(enter), 1);
          reject(signal.reason);
        };
        const enter = () => {
          signal.removeEventListener('abort', onAbort);
          resolve(settle);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(enter);
        admit();
      }),
  };
}
