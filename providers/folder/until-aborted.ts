/** Obeying the signal where the system call cannot: a dead share holds a call for minutes. */

/**
 * Rejects with the signal's reason as soon as it aborts. What is under way then ends by itself, unseen: every write here is of
 * the same bytes to the same place, so a late one changes nothing.
 */
export async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
