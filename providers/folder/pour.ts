/** From a part's stream to its place in the file. Holds two batches and one chunk of the stream at a time, never the part. */

import { Fault } from '#core/fault.ts';
import type { PartBody } from '#core/ports/provider.ts';
import type { SharedFile } from './shared-files.ts';

/** One batch is written while the next one is read: fewer, larger writes than the network's 16 to 64 KiB chunks. */
const BATCH_BYTES = 1024 * 1024;

/**
 * Writes exactly the part's bytes, or throws: what the stream threw, what the file system refused, or a Fault when more or
 * fewer bytes flowed. Ends with the signal's reason when it aborts; the stream is canceled on every way out but the good one.
 */
export async function pour(part: PartBody, file: SharedFile, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const reader = (await part.open()).getReader();
  const cancel = (reason: unknown) => reader.cancel(reason).then(undefined, () => 'already ended');
  const onAbort = () => void cancel(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const batches = batchWriter(file, part.range.start);
  try {
    signal.throwIfAborted();
    let flowedBytes = 0;
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      signal.throwIfAborted();
      flowedBytes += read.value.byteLength;
      if (flowedBytes > part.sizeBytes) throw new Fault('bug', 'folder.body_long', 'a part brought too many bytes');
      await batches.add(read.value);
    }
    signal.throwIfAborted();
    if (flowedBytes < part.sizeBytes) throw new Fault('transient', 'folder.body_short', 'a part ended before its end');
    await batches.end();
  } catch (error) {
    void cancel(error);
    await batches.settled();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

interface BatchWriter {
  add(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
  /** Resolves when no write is under way any more, however it ended. */
  settled(): Promise<void>;
}

function batchWriter(file: SharedFile, start: number): BatchWriter {
  let position = start;
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let writing: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    await writing;
    const buffers = batch;
    const at = position;
    position += batchBytes;
    batch = [];
    batchBytes = 0;
    writing = file.write(buffers, at);
    // Its failure is met at the next flush; until then it must not count as unhandled.
    writing.catch(() => 'met later');
  }

  return {
    add: async (chunk) => {
      batch.push(chunk);
      batchBytes += chunk.byteLength;
      if (batchBytes >= BATCH_BYTES) await flush();
    },
    end: async () => {
      await flush();
      await writing;
    },
    settled: async () => {
      await Promise.allSettled([writing]);
    },
  };
}
