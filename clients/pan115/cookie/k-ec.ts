/** `k_ec`: our public key and the time, masked and summed, in front of each sealed request. */
import { crc32 } from 'node:zlib';

/** Two bytes of chance that mask the halves. */
export interface Masks {
  readonly first: number;
  readonly second: number;
}

/** Set before what is summed, here and in the tail of 115's answers. */
const SALT = '^j>WD3Kr?J2gLFjD4W2y@';

/** 48 bytes in Base64, still to be escaped for a query. `t` is the one of the form; its low 32 bits travel. */
export function kEc(blob: Uint8Array, t: number, { first, second }: Masks): string {
  const token = Buffer.alloc(48);
  token.set(blob.subarray(0, 15), 0);
  token.writeUInt8(0x73, 16);
  token.writeUInt32LE(t % 2 ** 32, 20);
  token.set(blob.subarray(15, 30), 24);
  token.writeUInt8(1, 40);
  for (let at = 0; at < 44; at++) token.writeUInt8(token.readUInt8(at) ^ (at < 24 ? first : second), at);
  token.writeUInt32LE(saltedCrc(token.subarray(0, 44)), 44);
  return token.toString('base64');
}

export function saltedCrc(bytes: Uint8Array): number {
  return crc32(bytes, crc32(SALT));
}
