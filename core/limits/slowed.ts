/** A part whose bytes flow no faster than is allowed, however often it is opened. */
import type { Clock } from '#core/ports/clock.ts';
import type { PartBody } from '#core/ports/provider.ts';

/** Rests shorter than this are saved up: no clock sleeps that exactly. */
const REST_MIN_MS = 20;

export function slowed(
  part: PartBody,
  {
    clock,
    bytesPerSecond,
    signal,
  }: { readonly clock: Clock; readonly bytesPerSecond: number; readonly signal: AbortSignal },
): PartBody {
  return { ...part, open: async () => paced(await part.open(), clock, bytesPerSecond, signal) };
}

function paced(
  bytes: ReadableStream<Uint8Array>,
  clock: Clock,
  bytesPerSecond: number,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const reader = bytes.getReader();
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const startedAt = clock.now();
  let flowed = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const restMs = startedAt + (flowed / bytesPerSecond) * 1000 - clock.now();
        if (restMs >= REST_MIN_MS) await clock.sleep(restMs, either);
        const { done, value } = await reader.read();
        if (done) return controller.close();
        flowed += value.byteLength;
        controller.enqueue(value);
      },
      async cancel(reason) {
        ended.abort(reason);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
