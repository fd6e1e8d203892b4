/** The body of an answer as a web stream that keeps its promises. */
import type { IncomingMessage } from 'node:http';
import { Fault } from '#core/fault.ts';
import { ossFault } from './faults.ts';

/**
 * Pieces as they come off the socket, read only when asked for, exactly `sizeBytes` of them: fewer are Fault `transient`
 * `{area}.short_body`, more are Fault `bug` `{area}.long_body`. An abort destroys the socket and errors the stream with the signal's
 * reason; a connection cut before the end is Fault `transient` `{area}.unavailable`.
 */
export function exactBody(
  body: IncomingMessage,
  sizeBytes: number,
  { signal, area, place }: { readonly signal: AbortSignal; readonly area: string; readonly place: string },
): ReadableStream<Uint8Array> {
  let wake = (): void => {};
  let failure: unknown;
  let flowedBytes = 0;
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

  const ended = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (flowedBytes < sizeBytes) {
      throw new Fault('transient', `${area}.short_body`, `${place} sent ${flowedBytes} of ${sizeBytes} bytes`);
    }
    controller.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      // By hand, because `Readable.toWeb` costs a third of the throughput.
      async pull(controller) {
        for (;;) {
          signal.throwIfAborted();
          const piece: unknown = body.read();
          if (piece instanceof Uint8Array) {
            flowedBytes += piece.byteLength;
            if (flowedBytes <= sizeBytes) return controller.enqueue(piece);
            body.destroy();
            throw new Fault('bug', `${area}.long_body`, `${place} sent more than the ${sizeBytes} bytes asked for`);
          }
          if (body.readableEnded) return ended(controller);
          if (body.destroyed) throw ossFault(failure ?? new Error('the connection was cut'), area, place);
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
      cancel() {
        body.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
