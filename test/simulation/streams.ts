/** Streams and digests, as tests need them. */
import { createHash } from 'node:crypto';

export async function bytesOfStream(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return Buffer.concat(pieces);
    pieces.push(value);
  }
}

/** Lower-case hex. */
export function digestOf(algorithm: 'sha1' | 'md5' | 'sha256', bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex');
}
