/** Bytes of any cut, cut anew. */

/** What one message carries at most: the vendor's advice, well under the 4 MiB that its server takes. */
export const PIECE_BYTES_MAX = 1024 * 1024;

/**
 * Full pieces but the last; none for no bytes. All in the same two memories: a piece is good until the next but one is asked for,
 * so that one can be sent while the next is read, and many files at once do not leave a megabyte behind with every message.
 */
export async function* inPieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let piece = new Uint8Array(PIECE_BYTES_MAX);
  let other: Uint8Array<ArrayBuffer> | null = null;
  let filledBytes = 0;
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + PIECE_BYTES_MAX - filledBytes);
      piece.set(part, filledBytes);
      filledBytes += part.length;
      at += part.length;
      if (filledBytes < PIECE_BYTES_MAX) continue;
      yield piece;
      [piece, other] = [other ?? new Uint8Array(PIECE_BYTES_MAX), piece];
      filledBytes = 0;
    }
  }
  if (filledBytes > 0) yield piece.subarray(0, filledBytes);
}

/** The same memory, as the library wants it. */
export function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
