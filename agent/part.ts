/** The part of a call, whose bytes come from the home as the driver reads them. */
import type { ClientReadableStream } from '@grpc/grpc-js';
import { faultOfStatus } from '#clients/agents/faults.ts';
import { Fault } from '#core/fault.ts';
import type { PartBody } from '#core/ports/provider.ts';
import type { Piece__Output } from '#proto/generated/agent/Piece.ts';
import { passed } from './passed-bytes.ts';

export type PartHead = Omit<PartBody, 'open'>;

/** `read` begins anew each time; the signal ends what is being read. */
export function remotePart(
  head: PartHead,
  read: () => ClientReadableStream<Piece__Output>,
  signal: AbortSignal,
): PartBody {
  return { ...head, open: () => openPart(read(), head.sizeBytes, signal) };
}

/** Waits for the first piece, so that a source that cannot be opened says so here. */
async function openPart(
  reading: ClientReadableStream<Piece__Output>,
  sizeBytes: number,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const onAbort = (): void => reading.cancel();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const pieces = exactly(reading, sizeBytes, signal);
  const close = (): void => {
    signal.removeEventListener('abort', onAbort);
    reading.cancel();
  };
  let next: IteratorResult<Uint8Array> | null;
  try {
    next = await pieces.next();
  } catch (error) {
    close();
    throw error;
  }
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = next ?? (await pieces.next());
          next = null;
          if (!done) return controller.enqueue(value);
          close();
          controller.close();
        } catch (error) {
          close();
          throw error;
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}

/** The library would end a stream that broke as if it were whole. */
async function* exactly(
  reading: ClientReadableStream<Piece__Output>,
  sizeBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  // Stays: an error is said once, perhaps while nobody reads.
  reading.on('error', (error) => {
    failure ??= error;
  });
  let leftBytes = sizeBytes;
  try {
    // The stream's own type says nothing of what it yields.
    for await (const { data } of reading as AsyncIterable<Piece__Output>) {
      leftBytes -= data.byteLength;
      passed(data.byteLength);
      if (leftBytes < 0) break;
      yield data;
    }
  } catch (error) {
    failure ??= error;
  }
  signal.throwIfAborted();
  if (failure !== undefined) throw faultOfStatus(failure);
  if (leftBytes === 0) return;
  throw new Fault('transient', 'agent.part_cut', 'the bytes that came from the home are not as many as the part has');
}
