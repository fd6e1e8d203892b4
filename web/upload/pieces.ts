/** A file's bytes in pieces, as fast as a worker can take them. */
import { UploadError } from './error.ts';

/** One read: few enough of them, and what is read is still in the core's cache when it is used. The browser reads on meanwhile. */
const READ_BYTES = 512 * 1024;

/** Chromium 156 forgets a read into a buffer, which then never ends, when memory is collected and nobody holds the reader. */
const held = new Set<ReadableStreamBYOBReader | ReadableStreamDefaultReader>();

/**
 * Each piece is good until the next is asked for: all come in one buffer, since fresh memory for each costs a worker a fifth of
 * its time. Throws `client.file_changed` when the file on disk is not, or is no longer, the one that was picked.
 */
export async function* pieces(part: Blob): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { reader, read } = readerOf(part.stream());
  let bytes = 0;
  held.add(reader);
  try {
    for (;;) {
      const { done, value } = await read().catch(refuse);
      if (done) break;
      bytes += value.byteLength;
      yield value;
    }
    // Only a stream's first byte is refused: of a file that is cut short later it ends early, as if nothing were wrong.
    await part.slice(0, 1, '').arrayBuffer().catch(refuse);
    if (bytes < part.size) refuse(`${bytes} of ${part.size} bytes`);
  } finally {
    held.delete(reader);
    // A stream that has failed answers with its failure again.
    await reader.cancel().catch(() => undefined);
  }
}

/** Not every browser reads files into a buffer that it is given; the others hand out buffers of their own. */
function readerOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  try {
    const reader = stream.getReader({ mode: 'byob' });
    let buffer = new ArrayBuffer(READ_BYTES);
    const read = async () => {
      const piece = await reader.read(new Uint8Array(buffer));
      if (piece.value) buffer = piece.value.buffer;
      return piece;
    };
    return { reader, read };
  } catch {
    const reader = stream.getReader();
    return { reader, read: () => reader.read() };
  }
}

function refuse(cause: unknown): never {
  throw new UploadError('client.file_changed', 'the file on disk changed or went while it was being hashed', { cause });
}
