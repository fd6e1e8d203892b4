/** The body of a read: of the promised length, and ended by an abort, which the binding itself knows nothing of. */
import { Fault } from '#core/fault.ts';
import { stagingFault } from './faults.ts';

/** workerd reads 4 KiB at a time from a body unless it is given more room: a quarter of the speed. */
const PIECE_BYTES = 65_536;

/**
 * The bytes as they come, one piece per pull. Ends only after exactly `sizeBytes`: fewer are Fault `transient` `staging.short_body`,
 * more are Fault `bug` `staging.long_body`. An abort ends it at once with the signal's reason. `source` is a stream of bytes.
 */
export function boundBody(
  source: ReadableStream<Uint8Array>,
  sizeBytes: number,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const reader = source.getReader({ mode: 'byob' });
  let flowedBytes = 0;
  let abort = (): void => {};
  const ended = () => signal.removeEventListener('abort', abort);
  // It is over either way; R2 may have ended it before.
  const drop = (reason: unknown) => reader.cancel(reason).catch(() => undefined);

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { done, value } = await reader.read(new Uint8Array(PIECE_BYTES)).catch((error: unknown) => {
      ended();
      throw stagingFault(error);
    });
    // Its stream has its error already.
    if (signal.aborted) return;
    if (value !== undefined) flowedBytes += value.byteLength;
    if (!done && flowedBytes <= sizeBytes) return controller.enqueue(value);
    ended();
    if (flowedBytes === sizeBytes) return controller.close();
    if (!done) await drop(undefined);
    throw wrongLength(flowedBytes, sizeBytes);
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        abort = () => {
          controller.error(signal.reason);
          void drop(signal.reason);
        };
        signal.addEventListener('abort', abort, { once: true });
        if (signal.aborted) abort();
      },
      pull,
      async cancel(reason) {
        ended();
        await drop(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function wrongLength(flowedBytes: number, sizeBytes: number): Fault {
  return flowedBytes < sizeBytes
    ? new Fault('transient', 'staging.short_body', `the bucket sent ${flowedBytes} of ${sizeBytes} bytes`)
    : new Fault('bug', 'staging.long_body', `the bucket sent more than the ${sizeBytes} bytes asked for`);
}
