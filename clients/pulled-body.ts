/** The body of an answer as a web stream: by hand, because `Readable.toWeb` costs a third of the throughput. */
import type { Readable } from 'node:stream';

export interface PulledBody {
  readonly signal: AbortSignal;
  /** What is thrown when the connection ends before the body does. */
  failed(error: unknown): Error;
  /** Called with each piece before it flows, and at the end; throws to end the stream instead. */
  onPiece?(bytes: Uint8Array): void;
  onEnd?(): void;
}

/**
 * Pieces as they come off the socket, read only when asked for. An abort destroys the socket and errors the stream with the
 * signal's reason.
 */
export function pulledBody(body: Readable, { signal, failed, onPiece, onEnd }: PulledBody): ReadableStream<Uint8Array> {
  let wake = (): void => {};
  let failure: unknown;
  const abort = (): void => {
    body.destroy();
    wake();
  };
  body.on('readable', () => wake());
  body.once('end', () => wake());
  body.on('error', (error) => {
    failure ??= error;
    wake();
  });
  body.once('close', () => {
    signal.removeEventListener('abort', abort);
    wake();
  });
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const piece: unknown = body.read();
      if (piece instanceof Uint8Array) {
        onPiece?.(piece);
        return controller.enqueue(piece);
      }
      if (body.readableEnded) {
        onEnd?.();
        return controller.close();
      }
      if (body.destroyed) throw failed(failure ?? new Error('the connection was cut'));
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return new ReadableStream<Uint8Array>({ pull, cancel: () => void body.destroy() }, { highWaterMark: 0 });
}
