/** Requests sealed for 115, and its sealed answers opened. AES-128-CBC, and LZ4 within the answers. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { SealKeys } from './ecdh.ts';
import { saltedCrc } from './k-ec.ts';
import { unpackLz4 } from './lz4.ts';

const BLOCK_BYTES = 16;
const TAIL_BYTES = 12;
/** Of one LZ4 block, unpacked. */
const PIECE_BYTES_MAX = 8192;
/** An answer is one or two KiB. */
const ANSWER_BYTES_MAX = 1024 * 1024;

export function sealed(form: string, { key, iv }: SealKeys): Buffer<ArrayBuffer> {
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  return Buffer.concat([cipher.update(form, 'utf8'), cipher.final()]);
}

/** The JSON text of a sealed answer. Throws Fault `bug` `pan115.bad_answer`. */
export function unsealed(answer: Uint8Array, { key, iv }: SealKeys): string {
  const cipherBytes = answer.length - (answer.length % BLOCK_BYTES);
  if (cipherBytes === 0) throw unreadable();
  const decipher = createDecipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(answer.subarray(0, cipherBytes)), decipher.final()]);
  const told = toldBytes(Buffer.from(answer.subarray(cipherBytes)));
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for (let at = 0; at + 2 <= plain.length && sizeBytes < (told ?? ANSWER_BYTES_MAX); ) {
    const length = plain.readUInt16LE(at);
    // Without a tail that says how much there is, the padding ends it.
    if (told === null && pieces.length > 0 && (length === 0 || at + 2 + length > plain.length)) break;
    if (length === 0 || at + 2 + length > plain.length) throw unreadable();
    const piece = unpackLz4(plain.subarray(at + 2, at + 2 + length), PIECE_BYTES_MAX);
    pieces.push(piece);
    sizeBytes += piece.length;
    at += 2 + length;
  }
  if (told !== null && sizeBytes !== told) throw unreadable();
  return Buffer.concat(pieces).toString('utf8');
}

/** Bytes of the whole answer as its tail has them; null without a good tail: most programs do without. */
function toldBytes(tail: Buffer): number | null {
  if (tail.length !== TAIL_BYTES || tail.readUInt32LE(8) !== saltedCrc(tail.subarray(0, 8))) return null;
  const mask = tail.readUInt8(7);
  const size = Buffer.from(tail.subarray(0, 4).map((byte) => byte ^ mask)).readUInt32LE(0);
  return size > ANSWER_BYTES_MAX ? null : size;
}

function unreadable(): Fault {
  return new Fault('bug', 'pan115.bad_answer', 'a sealed answer of 115 cannot be read');
}
