/** Digests in the thread at hand: what the worker runs, and what a page without workers falls back to. */

import type { IHasher } from 'hash-wasm';
import type { DigestAsk, Digests } from '#core/wire/digest.ts';
import type { Algorithm, Hasher } from './instant.ts';

/** Read at once; the signal is looked at after each piece. */
const PIECE_BYTES = 4 * 1024 * 1024;

export const plainHasher: Hasher = {
  async whole(file, algorithms, signal, onHashed) {
    const states = await Promise.all(algorithms.map(createState));
    await feed(file, 0, file.size, states, signal, onHashed);
    const digests: Digests = {};
    for (const [index, algorithm] of algorithms.entries()) {
      const hex = states[index]?.digest('hex');
      if (hex !== undefined) digests[algorithm] = hex;
    }
    return digests;
  },
  async range(file, { algorithm, start, end }: DigestAsk, signal) {
    const state = await createState(algorithm);
    await feed(file, start, Math.min(end, file.size), [state], signal, () => {});
    return state.digest('hex');
  },
};

async function feed(
  file: File,
  start: number,
  end: number,
  states: readonly IHasher[],
  signal: AbortSignal,
  onHashed: (bytes: number) => void,
): Promise<void> {
  for (let at = start; at < end; at += PIECE_BYTES) {
    signal.throwIfAborted();
    const until = Math.min(at + PIECE_BYTES, end);
    const piece = new Uint8Array(await file.slice(at, until, '').arrayBuffer());
    for (const state of states) state.update(piece);
    onHashed(until - start);
  }
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
