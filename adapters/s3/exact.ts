/** A stream that keeps its promise about its length. */
import { Fault } from '#core/fault.ts';

/**
 * The same pieces, one per pull, without a buffer of its own. Ends only after exactly `sizeBytes`: fewer are Fault `transient`
 * `staging.short_body`, more are Fault `bug` `staging.long_body` and none of the piece that goes past the end is passed on.
 * Errors of the source and a cancel by the reader are passed through.
 */
export function exactly(source: ReadableStream<Uint8Array>, sizeBytes: number): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let flowedBytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) {
          if (flowedBytes !== sizeBytes) throw shortBody(flowedBytes, sizeBytes);
          controller.close();
          return;
        }
        flowedBytes += value.byteLength;
        if (flowedBytes > sizeBytes) {
          const fault = new Fault(
            'bug',
            'staging.long_body',
            `the bucket sent more than the ${sizeBytes} bytes asked for`,
          );
          await reader.cancel(fault);
          throw fault;
        }
        controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function shortBody(flowedBytes: number, sizeBytes: number): Fault {
  return new Fault('transient', 'staging.short_body', `the bucket sent ${flowedBytes} of ${sizeBytes} bytes`);
}
