/** What is computed of a part on its way, in the form in which the store says it. */
import { createHash } from 'node:crypto';
import { createCRC64 } from 'hash-wasm';
import type { Proof } from './session.ts';

export interface Digester {
  update(piece: Uint8Array): void;
  /** Once only: the CRC in base64, the MD5 in hex, or the empty string where the store can prove nothing. */
  digest(): string;
}

/** The polynomial of CRC-64/NVME. */
const NVME = '9a6c9329ac4bc9b5';

export async function digesterFor(proof: Proof): Promise<Digester> {
  switch (proof) {
    case 'crc64nvme': {
      const crc = await createCRC64(NVME);
      crc.init();
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
