/** The six digits of a second factor (RFC 6238: HMAC-SHA1, steps of 30 s). */
import { createHmac } from 'node:crypto';
import { Fault } from '#core/fault.ts';

const STEP_MS = 30_000;

/** `secret` in base32, as it is shown when the second factor is set up; blanks and padding do not matter. */
export function totpCode(secret: string, atMs: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(atMs / STEP_MS)));
  const mac = createHmac('sha1', base32(secret)).update(counter).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const digits = (mac.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000;
  return String(digits).padStart(6, '0');
}

function base32(text: string): Buffer {
  const clean = text.toUpperCase().replace(/[\s=-]/g, '');
  if (!/^[A-Z2-7]+$/.test(clean)) {
    throw new Fault('auth', 'clouddrive2.bad_totp_secret', 'the secret of the second factor is not in base32');
  }
  const bits = Array.from(clean, (letter) => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
