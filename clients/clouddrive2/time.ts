/** Time and chance, given from outside. */

/** `now` is epoch milliseconds; `sleep` rejects with the signal's reason as soon as it aborts; `random` is in [0, 1). */
export interface Time {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
}

/** A wait before the try after `failures` of them: up to 0.2 s, 0.4 s, 0.8 s … and never more than 5 s. */
export function backoffMs(failures: number, time: Time): number {
  const most = Math.min(5000, 200 * 2 ** (failures - 1));
  return Math.round(most * (0.5 + time.random() / 2));
}

/** The work's outcome; rejects with the signal's reason when that comes first. The work itself goes on. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
