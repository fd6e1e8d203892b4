/** Digests in the thread at hand, which is a worker's: see `worker-hasher.ts`. */

import type { IHasher } from 'hash-wasm';
import type { DigestAsk, Digests } from '#core/wire/digest.ts';
import type { Algorithm, Hasher } from './instant.ts';
import { pieces } from './pieces.ts';

/** Told at most so often: each telling goes from the worker to the page. */
const TOLD_BYTES = 4 * 1024 * 1024;

/** Both ways throw `client.file_changed` when the file can no longer be read as it was picked. */
export const plainHasher: Hasher = {
  async whole(file, algorithms, signal, onHashed) {
    const states = await Promise.all(algorithms.map(createState));
    await feed(file, states, signal, onHashed);
    const digests: Digests = {};
    for (const [index, algorithm] of algorithms.entries()) {
      const hex = states[index]?.digest('hex');
      if (hex !== undefined) digests[algorithm] = hex;
    }
    return digests;
  },
  async range(file, { algorithm, start, end }: DigestAsk, signal) {
    const state = await createState(algorithm);
    await feed(file.slice(start, end, ''), [state], signal, () => {});
    return state.digest('hex');
  },
};

async function feed(
  part: Blob,
  states: readonly IHasher[],
  signal: AbortSignal,
  onHashed: (bytes: number) => void,
): Promise<void> {
  let bytes = 0;
  let toldBytes = 0;
  for await (const piece of pieces(part)) {
    signal.throwIfAborted();
    for (const state of states) state.update(piece);
    bytes += piece.byteLength;
    if (bytes - toldBytes < TOLD_BYTES) continue;
    toldBytes = bytes;
    onHashed(bytes);
  }
  if (bytes > toldBytes) onHashed(bytes);
}

/** Loaded when first asked for: pages that never hash never fetch it. */
async function createState(algorithm: Algorithm): Promise<IHasher> {
  const { createCRC64, createMD5, createSHA1, createSHA256 } = await import('hash-wasm');
  const create = {
    sha1: createSHA1,
    md5: createMD5,
    sha256: createSHA256,
    crc64: () => createCRC64(),
    crc64nvme: () => createCRC64('9a6c9329ac4bc9b5'),
  }[algorithm];
  return (await create()).init();
}
