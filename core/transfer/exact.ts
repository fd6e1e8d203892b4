/** Streams that keep their word about their length. */
import { Fault } from '#core/fault.ts';

/**
 * The streams of `open` one after the other, as one stream of exactly `sizeBytes` bytes; it errors with Fault `transient`
 * `staging.short_read` rather than end early or run over. Each next stream is opened when the one before it has ended.
 */
export function joined(
  opens: readonly (() => Promise<ReadableStream<Uint8Array>>)[],
  sizeBytes: number,
  onBytes: (count: number) => void,
): ReadableStream<Uint8Array> {
  let index = 0;
  let flowed = 0;
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          if (reader === null) {
            const open = opens[index++];
            if (open === undefined) {
              if (flowed !== sizeBytes) throw shortRead(flowed, sizeBytes);
              controller.close();
              return;
            }
            reader = (await open()).getReader();
          }
          const { done, value } = await reader.read();
          if (done) {
            reader = null;
            continue;
          }
          if (value.byteLength === 0) continue;
          flowed += value.byteLength;
          if (flowed > sizeBytes) throw shortRead(flowed, sizeBytes);
          onBytes(value.byteLength);
          controller.enqueue(value);
          return;
        }
      },
      async cancel(reason) {
        await reader?.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}

function shortRead(flowed: number, sizeBytes: number): Fault {
  return new Fault('transient', 'staging.short_read', `${flowed} bytes flowed where ${sizeBytes} were expected`);
}
