/** Reads a range of an object from the blobs it consists of, one read ahead of the consumer. */
import type { FileHandle } from 'node:fs/promises';
import type { Blobs } from './blobs.ts';
import type { Piece } from './objects.ts';
import type { ByteRange } from './range.ts';

/** Two such buffers per reader; large enough that the cost per read is small beside the copy. */
const BUFFER_BYTES = 256 * 1024;

/**
 * Yields the bytes of `range`. A yielded buffer is filled anew as soon as the next one is asked for. Throws when a blob
 * is shorter than its row says.
 */
export async function* readPieces(blobs: Blobs, pieces: readonly Piece[], range: ByteRange): AsyncGenerator<Buffer> {
  const sizeMax = Math.min(BUFFER_BYTES, range.end - range.start);
  let [idle, busy] = [Buffer.allocUnsafeSlow(sizeMax), Buffer.allocUnsafeSlow(sizeMax)];
  for (const { blob, start, sizeBytes } of pieces) {
    if (blob === null) continue;
    const file = await blobs.open(blob);
    try {
      const end = Math.min(range.end, start + sizeBytes) - start;
      let at = Math.max(range.start, start) - start;
      let reading = fill(file, idle, at, end);
      while (at < end) {
        const bytes = await reading;
        at += bytes.length;
        [idle, busy] = [busy, idle];
        if (at < end) reading = fill(file, idle, at, end);
        // Whoever leaves the loop early leaves a read behind, which must not count as unhandled.
        reading.catch(() => undefined);
        yield bytes;
      }
      await reading;
    } finally {
      await file.close();
    }
  }
}

async function fill(file: FileHandle, buffer: Buffer, at: number, end: number): Promise<Buffer> {
  const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at);
  if (bytesRead === 0 && at < end) throw new Error('a blob is shorter than its row says');
  return buffer.subarray(0, bytesRead);
}
