/** The engine's view of the bucket without HTTP, for the process that runs both: the same laws, half the work. */
import { Fault } from '#core/fault.ts';
import {
  type ByteRange,
  changedFault,
  rangeFault,
  requireRange,
  type StagedObject,
  type StagingSource,
} from '#core/ports/staging.ts';
import type { StoredObject } from './objects.ts';
import { readPieces } from './read.ts';
import type { Store } from './store.ts';
import type { Throttle } from './throttle.ts';

interface Wanted {
  readonly key: string;
  readonly version: string;
}

/** `sent` is told of every piece that is handed out. Bytes obey the same limit as those of answers. */
export function bucketSource(
  store: Store,
  bucket: string,
  outbound: Throttle,
  sent: (bytes: number) => void,
): StagingSource {
  return {
    list: async ({ prefix, after, limit }) => {
      const from = after === undefined ? undefined : { after };
      const { entries } = store.list({ bucket, prefix, delimiter: '', from, entriesMax: limit });
      await store.durable();
      return entries.flatMap((entry) => ('object' in entry ? [staged(entry.object)] : []));
    },
    stat: async (key) => {
      const object = store.objects.find(bucket, key);
      await store.durable();
      return object === undefined ? null : staged(object);
    },
    read: async (wanted, range, signal) => {
      signal.throwIfAborted();
      const { start, end } = range;
      requireRange({ start, end });
      if (start === end) return ReadableStream.from([]);
      const { content } = found(store.objects.find(bucket, wanted.key), wanted, range);
      return stream(store, content, range, signal, async (bytes) => {
        await pass(outbound, bytes);
        sent(bytes);
      });
    },
    remove: async (key, version) => {
      const current = store.objects.find(bucket, key);
      if (version !== undefined && current !== undefined && current.etag !== version) return false;
      // Nothing can come in between: the look and the removal are one turn of the loop that all writes go through.
      store.objects.remove(bucket, key, () => undefined);
      await store.durable();
      return true;
    },
  };
}

function staged({ key, etag, sizeBytes, modifiedMs }: StoredObject): StagedObject {
  return { key, version: etag, sizeBytes, modifiedAtMs: modifiedMs };
}

function found(object: StoredObject | undefined, { version }: Wanted, { end }: ByteRange): StoredObject {
  if (object?.etag !== version) {
    throw changedFault();
  }
  if (end > object.sizeBytes) throw rangeFault();
  return object;
}

function stream(
  store: Store,
  content: number,
  range: ByteRange,
  signal: AbortSignal,
  pace: (bytes: number) => Promise<void>,
): ReadableStream<Uint8Array> {
  // Removed or replaced from now on, the content stays until this reader is through with it.
  const unpin = store.objects.pin(content);
  const pieces = readPieces(store.blobs, store.objects.pieces(content, range.start, range.end), range);
  const release = async (): Promise<void> => {
    signal.removeEventListener('abort', letGo);
    unpin();
    await pieces.return(undefined);
  };
  // Whoever aborts may never ask again, and the file would stay open.
  const letGo = (): void => void release().catch(() => undefined);
  signal.addEventListener('abort', letGo, { once: true });
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          signal.throwIfAborted();
          const { done, value } = await pieces.next();
          signal.throwIfAborted();
          if (done) {
            await release();
            return controller.close();
          }
          // The buffer is filled anew by the next read, and our reader may keep what it was given.
          const piece = new Uint8Array(value);
          await pace(piece.byteLength);
          signal.throwIfAborted();
          controller.enqueue(piece);
        } catch (error) {
          await release();
          signal.throwIfAborted();
          throw unreadable(error);
        }
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  );
}

async function pass({ take, sliceBytes }: Throttle, bytes: number): Promise<void> {
  for (let at = 0; at < bytes; at += sliceBytes) await take(Math.min(sliceBytes, bytes - at));
}

/** A disk may fail for a moment; what fails for good ends the attempt in the engine. */
function unreadable(error: unknown): Fault {
  return new Fault('transient', 'staging.unavailable', 'the staged bytes cannot be read from the disk', {
    cause: error,
  });
}
