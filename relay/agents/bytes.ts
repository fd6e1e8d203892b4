/** A part's bytes on their way to an agent: taken from the source as the agent takes them from the line. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import { refusalOf } from '#clients/agents/faults.ts';
import { PIECE_BYTES } from '#clients/agents/interface.ts';
import type { Piece } from '#proto/generated/agent/Piece.ts';
import type { ReadRequest__Output } from '#proto/generated/agent/ReadRequest.ts';

export type Reading = ServerWritableStream<ReadRequest__Output, Piece>;

/**
 * Writes the stream to its end and ends the reading, with the Fault that the source had if it had one. At most the agent's window and
 * two pieces are taken ahead. The source is canceled as soon as the signal aborts or the agent cancels.
 */
export async function pump(
  reading: Reading,
  open: () => Promise<ReadableStream<Uint8Array>>,
  signal: AbortSignal,
): Promise<void> {
  const canceled = new AbortController();
  reading.once('cancelled', () => canceled.abort(new Error('the agent has canceled the reading')));
  const stop = AbortSignal.any([signal, canceled.signal]);
  try {
    stop.throwIfAborted();
    const stream = await open();
    const reader = stream.getReader();
    const onStop = (): void => void reader.cancel(stop.reason).catch(() => undefined);
    stop.addEventListener('abort', onStop, { once: true });
    try {
      if (stop.aborted) onStop();
      for await (const data of pieces(reader)) await written(reading, data, stop);
      stop.throwIfAborted();
    } finally {
      stop.removeEventListener('abort', onStop);
      await reader.cancel().catch(() => undefined);
    }
    reading.end();
  } catch (error) {
    if (!canceled.signal.aborted) reading.emit('error', refusalOf(error));
  }
}

/** Of a quarter of a MiB, but the last one; what the source gives in larger ones is passed on as it is cut. */
async function* pieces(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    for (let start = 0; start < value.byteLength; ) {
      const some = value.subarray(start, start + PIECE_BYTES - waitingBytes);
      start += some.byteLength;
      waiting.push(some);
      waitingBytes += some.byteLength;
      if (waitingBytes < PIECE_BYTES) continue;
      yield joined(waiting);
      waiting = [];
      waitingBytes = 0;
    }
  }
  if (waitingBytes > 0) yield joined(waiting);
}

function joined(some: readonly Uint8Array[]): Uint8Array {
  const [first] = some;
  return first !== undefined && some.length === 1 ? first : Buffer.concat(some);
}

/** Resolves when the piece is within the window that the agent has opened. */
function written(reading: Reading, data: Uint8Array, stop: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onStop = (): void => reject(stop.reason);
    if (stop.aborted) return onStop();
    // The library calls nobody back once a reading is canceled.
    stop.addEventListener('abort', onStop, { once: true });
    reading.write({ data }, (error: Error | null | undefined) => {
      stop.removeEventListener('abort', onStop);
      if (error) reject(error);
      else resolve();
    });
  });
}
