/** How long something has looked the same: what the server has not shown yet may only be late. */
import type { Clock } from '#core/ports/clock.ts';

export interface Patience {
  /** Milliseconds since this was first asked of the key. */
  waitedMs(key: string): number;
  forget(key: string): void;
}

const KEYS_MAX = 1_000;

export function patience(clock: Pick<Clock, 'now'>): Patience {
  const since = new Map<string, number>();
  return {
    waitedMs: (key) => {
      const firstMs = since.get(key) ?? clock.now();
      since.set(key, firstMs);
      for (const oldest of since.keys()) {
        if (since.size <= KEYS_MAX) break;
        since.delete(oldest);
      }
      return clock.now() - firstMs;
    },
    forget: (key) => void since.delete(key),
  };
}
