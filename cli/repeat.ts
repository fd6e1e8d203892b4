/** Does something again and again until it is stopped. */
import type { Clock } from '#core/ports/clock.ts';

export function repeat(clock: Clock, everyMs: number, work: () => void): { stop(): void } {
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(everyMs, stopping.signal);
      work();
    }
  };
  // Ends by the abort of `stop`.
  loop().catch(() => undefined);
  return { stop: () => stopping.abort() };
}
