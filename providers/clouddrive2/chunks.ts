/** Reading a stream that may stand still. */

/** Its chunks; rejects with the signal's reason as soon as it aborts. The stream is canceled on every way out but its end. */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  const cancel = (reason?: unknown) => void reader.cancel(reason).catch(() => 'ended already');
  // Ends the read that waits, at once.
  const onAbort = () => cancel(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    cancel();
  }
}
