/** Repeated work of a long-running process. */
import type { Clock } from '#core/ports/clock.ts';

/** Runs now and then again `ms` after each end, until the signal aborts; one run at a time, errors do not end it. */
export function every(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  work: () => Promise<unknown>,
  onError: (error: unknown) => void,
): void {
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await work().catch((error: unknown) => {
        // What was under way when the process began to end may find its stores closed.
        if (!signal.aborted) onError(error);
      });
      await clock.sleep(ms, signal).catch(() => undefined);
    }
  };
  void loop();
}
