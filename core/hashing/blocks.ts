/** What MD5, SHA-1 and SHA-256 have in common: 64 bytes at a time are mixed into a few words, and the length comes last. */
import type { SavableHasher } from './hasher.ts';

export interface Mixing {
  readonly first: readonly number[];
  readonly isLittleEndian: boolean;
  /** Mixes `blocks` whole blocks, from the byte `at`, into the words, which are big-endian. */
  mix(words: DataView, bytes: DataView, at: number, blocks: number): void;
}

const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;
const WORD_BYTES = 4;

export function blockHasher({ first, isLittleEndian, mix }: Mixing): SavableHasher {
  const words = viewOf(new Uint8Array(first.length * WORD_BYTES));
  for (const [i, word] of first.entries()) words.setUint32(WORD_BYTES * i, word);
  const rest = new Uint8Array(BLOCK_BYTES);
  const restView = viewOf(rest);
  let restBytes = 0;
  let totalBytes = 0;

  const keep = (left: Uint8Array): void => {
    rest.set(left, restBytes);
    restBytes += left.byteLength;
  };

  const update = (bytes: Uint8Array): void => {
    totalBytes += bytes.byteLength;
    const at = restBytes === 0 ? 0 : Math.min(BLOCK_BYTES - restBytes, bytes.byteLength);
    keep(bytes.subarray(0, at));
    if (restBytes === BLOCK_BYTES) {
      mix(words, restView, 0, 1);
      restBytes = 0;
    }
    const blocks = Math.floor((bytes.byteLength - at) / BLOCK_BYTES);
    if (blocks > 0) mix(words, viewOf(bytes), at, blocks);
    keep(bytes.subarray(at + blocks * BLOCK_BYTES));
  };

  const finish = (): Uint8Array => {
    const bits = BigInt(totalBytes) * 8n;
    // A one, then zeros up to where the length ends a block.
    const zeros = (2 * BLOCK_BYTES - 1 - LENGTH_BYTES - restBytes) % BLOCK_BYTES;
    const end = new Uint8Array(1 + zeros + LENGTH_BYTES);
    end[0] = 0x80;
    viewOf(end).setBigUint64(1 + zeros, bits, isLittleEndian);
    update(end);
    const digest = new Uint8Array(words.byteLength);
    for (let i = 0; i < words.byteLength; i += WORD_BYTES)
      viewOf(digest).setUint32(i, words.getUint32(i), isLittleEndian);
    return digest;
  };

  function digest(as: 'hex'): string;
  function digest(as: 'binary'): Uint8Array;
  function digest(as: 'hex' | 'binary'): string | Uint8Array {
    const bytes = finish();
    return as === 'hex' ? Buffer.from(bytes).toString('hex') : bytes;
  }

  return {
    update,
    digest,
    save: () => {
      const state = new Uint8Array(words.byteLength + LENGTH_BYTES + restBytes);
      state.set(new Uint8Array(words.buffer));
      viewOf(state).setBigUint64(words.byteLength, BigInt(totalBytes));
      state.set(rest.subarray(0, restBytes), words.byteLength + LENGTH_BYTES);
      return state;
    },
    load: (state) => {
      new Uint8Array(words.buffer).set(state.subarray(0, words.byteLength));
      totalBytes = Number(viewOf(state).getBigUint64(words.byteLength));
      restBytes = 0;
      keep(state.subarray(words.byteLength + LENGTH_BYTES));
    },
  };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
