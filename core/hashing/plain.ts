/** Hashers in plain JavaScript, for a runtime that compiles no WebAssembly: a third to a half as fast. */
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import { blockHasher } from './blocks.ts';
import { crc64Hasher } from './crc64.ts';
import type { Crc, SavableHasher } from './hasher.ts';
import { MD5 } from './md5.ts';
import { SHA1 } from './sha1.ts';
import { SHA256 } from './sha256.ts';

/** Of the layout of saved states: another one starts again at byte 0. */
export const DIGEST_LIBRARY = 'plain@1';

/** Begun. */
export async function savableHasher(algorithm: DigestAlgorithm): Promise<SavableHasher> {
  switch (algorithm) {
    case 'sha1':
      return blockHasher(SHA1);
    case 'md5':
      return blockHasher(MD5);
    case 'sha256':
      return blockHasher(SHA256);
    case 'crc64':
    case 'crc64nvme':
      return crcHasher(algorithm);
    default:
      return algorithm satisfies never;
  }
}

export async function crcHasher(algorithm: Crc): Promise<SavableHasher> {
  return algorithm === 'crc64' ? crc64Hasher(0xc96c5795, 0xd7870f42) : crc64Hasher(0x9a6c9329, 0xac4bc9b5);
}
