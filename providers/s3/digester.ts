/** What is computed of a part on its way, in the form in which the store says it. */
import { createHash } from 'node:crypto';
import { crcHasher } from '#hashing';
import type { Proof } from './session.ts';

export interface Digester {
  update(piece: Uint8Array): void;
  /** Once only: the CRC in base64, the MD5 in hex, or the empty string where the store can prove nothing. */
  digest(): string;
}

export async function digesterFor(proof: Proof): Promise<Digester> {
  switch (proof) {
    case 'crc64nvme': {
      const crc = await crcHasher('crc64nvme');
      return {
        update: (piece) => void crc.update(piece),
        digest: () => Buffer.from(crc.digest('binary')).toString('base64'),
      };
    }
    case 'md5': {
      const md5 = createHash('md5');
      return { update: (piece) => void md5.update(piece), digest: () => md5.digest('hex') };
    }
    case 'size':
      return { update: () => {}, digest: () => '' };
    default:
      return proof satisfies never;
  }
}
