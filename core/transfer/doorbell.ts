/** Wakes a waiting loop when something has happened. */
import type { Clock } from '#core/ports/clock.ts';

export interface Doorbell {
  ring(): void;
  /** Resolves when it rings, at once if it has rung since the last wait, and after `ms` at the latest. */
  wait(ms: number): Promise<void>;
}

export function doorbell(clock: Clock): Doorbell {
  let wake: (() => void) | null = null;
  let isRung = false;
  return {
    ring: () => {
      isRung = true;
      wake?.();
    },
    wait: async (ms) => {
      if (!isRung) {
        const timer = new AbortController();
        const rung = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const slept = clock.sleep(ms, timer.signal).catch(() => undefined);
        await Promise.race([rung, slept]);
        // With a reason of its own no exception is made that nobody looks at.
        timer.abort('rung');
      }
      isRung = false;
      wake = null;
    },
  };
}
