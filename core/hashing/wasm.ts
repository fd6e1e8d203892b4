/** Hashers by WebAssembly, where it may be compiled. */
import { createCRC64, createMD5, createSHA1, createSHA256 } from 'hash-wasm';
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import type { Crc, SavableHasher } from './hasher.ts';

/** Saved states are this library's memory layout: another version starts again at byte 0. */
export const DIGEST_LIBRARY = 'hash-wasm@4.13.0';

/** Begun. */
export async function savableHasher(algorithm: DigestAlgorithm): Promise<SavableHasher> {
  switch (algorithm) {
    case 'sha1':
      return (await createSHA1()).init();
    case 'md5':
      return (await createMD5()).init();
    case 'sha256':
      return (await createSHA256()).init();
    case 'crc64':
    case 'crc64nvme':
      return crcHasher(algorithm);
    default:
      return algorithm satisfies never;
  }
}

/** The same for those who need no other: a bundle of theirs has the others not in it. */
export async function crcHasher(algorithm: Crc): Promise<SavableHasher> {
  return (await createCRC64(algorithm === 'crc64' ? ECMA : NVME)).init();
}

const ECMA = 'c96c5795d7870f42';
const NVME = '9a6c9329ac4bc9b5';
