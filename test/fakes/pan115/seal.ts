/** 115's side of the sealed requests: another key than the real one, which nobody knows. */
import { createCipheriv, createDecipheriv, createECDH } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { refuse } from './exchange.ts';

/** Not 115's: the client must be told its point. */
const PRIVATE_KEY = '0badc0de'.repeat(7);
const SALT = Buffer.from('^j>WD3Kr?J2gLFjD4W2y@');
/** Small, so that an answer has several. */
const FRAME_BYTES = 100;

export interface Opened {
  readonly key: Buffer;
  readonly iv: Buffer;
  /** The low 32 bits of the time in the request. */
  readonly t: number;
}

/** X and Y as 112 hex digits. */
export function publicKeyOfFake(): string {
  return own().getPublicKey('hex').slice(2);
}

/** Reads `k_ec`: sum, masks, marks, and the client's point. */
export function openKey(kEc: string): Opened {
  const token = Buffer.from(kEc, 'base64');
  if (token.length !== 48 || token.toString('base64') !== kEc) refuse(400, 'k_ec');
  if (crc32(Buffer.concat([SALT, token.subarray(0, 44)])) !== token.readUInt32LE(44)) refuse(400, 'k_ec crc');
  const [first, second] = [token.readUInt8(15), token.readUInt8(39)];
  const clear = Buffer.from(token.subarray(0, 44).map((byte, at) => byte ^ (at < 24 ? first : second)));
  if (clear.readUInt32LE(16) !== 0x73 || clear.readUInt32LE(40) !== 1) refuse(400, 'k_ec marks');
  const point = Buffer.concat([clear.subarray(0, 15), clear.subarray(24, 39)]);
  if (point.readUInt8(0) !== 29) refuse(400, 'k_ec point');
  return { ...secretWith(point.subarray(1)), t: clear.readUInt32LE(20) };
}

function secretWith(compressed: Buffer): { key: Buffer; iv: Buffer } {
  const secret = own().computeSecret(compressed);
  const shared = Buffer.concat([Buffer.alloc(28 - secret.length), secret]);
  return { key: Buffer.from(shared.subarray(0, 16)), iv: Buffer.from(shared.subarray(12, 28)) };
}

/** The form in a sealed body, whatever it was padded with. */
export function openForm(body: Buffer, { key, iv }: Pick<Opened, 'key' | 'iv'>): string {
  if (body.length === 0 || body.length % 16 !== 0) refuse(400, 'body');
  const decipher = createDecipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(body), decipher.final()]).toString('latin1');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: padding is control characters.
  return plain.replace(/[\u0000-\u0010]+$/, '');
}

/** Frames of LZ4 blocks that only copy, then the tail with the size. */
export function sealAnswer(
  json: string,
  { key, iv }: Pick<Opened, 'key' | 'iv'>,
  mask: number,
  frameBytes = FRAME_BYTES,
): Buffer {
  const text = Buffer.from(json);
  const frames: Buffer[] = [];
  for (let at = 0; at < text.length; at += frameBytes) {
    const block = literalBlock(text.subarray(at, at + frameBytes));
    const length = Buffer.alloc(2);
    length.writeUInt16LE(block.length);
    frames.push(length, block);
  }
  const plain = Buffer.concat(frames);
  const padded = Buffer.concat([plain, Buffer.alloc((16 - (plain.length % 16)) % 16)]);
  const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
  return Buffer.concat([cipher.update(padded), cipher.final(), tailOf(text.length, mask)]);
}

function literalBlock(bytes: Buffer): Buffer {
  if (bytes.length < 15) return Buffer.concat([Buffer.from([bytes.length << 4]), bytes]);
  const rest = bytes.length - 15;
  const lengths = [...Array<number>(Math.floor(rest / 255)).fill(255), rest % 255];
  return Buffer.concat([Buffer.from([0xf0, ...lengths]), bytes]);
}

function tailOf(sizeBytes: number, mask: number): Buffer {
  const tail = Buffer.alloc(12);
  tail.writeUInt32LE(sizeBytes);
  for (let at = 0; at < 4; at++) tail.writeUInt8(tail.readUInt8(at) ^ mask, at);
  tail.writeUInt8(mask, 7);
  tail.writeUInt32LE(crc32(Buffer.concat([SALT, tail.subarray(0, 8)])), 8);
  return tail;
}

function own() {
  const ecdh = createECDH('secp224r1');
  ecdh.setPrivateKey(PRIVATE_KEY, 'hex');
  return ecdh;
}
