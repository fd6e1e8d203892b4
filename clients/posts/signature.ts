/** How a post to a relay says that it is one of ours. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Decimal epoch milliseconds. */
export const TIMESTAMP_HEADER = 'x-entrepot-timestamp';
/** Lower-case hex. */
export const SIGNATURE_HEADER = 'x-entrepot-signature';
/** The same over the time alone: known before a large body is read. */
export const PASS_HEADER = 'x-entrepot-pass';

/** HMAC-SHA256 over the time and the body, so that neither can be given another. */
export function signatureOf(secret: string, timestamp: string, body: Uint8Array): string {
  return createHmac('sha256', secret).update(`entrepot-progress-v1\n${timestamp}\n`).update(body).digest('hex');
}

export function passOf(secret: string, timestamp: string): string {
  return createHmac('sha256', secret).update(`entrepot-pass-v1\n${timestamp}`).digest('hex');
}

/** Compares in constant time; a signature that has another length is none. */
export function isSignedBy(secret: string, timestamp: string, body: Uint8Array, signature: string): boolean {
  return isSame(signatureOf(secret, timestamp, body), signature);
}

export function isPass(secret: string, timestamp: string, pass: string): boolean {
  return isSame(passOf(secret, timestamp), pass);
}

function isSame(expected: string, given: string): boolean {
  const [one, other] = [Buffer.from(expected, 'latin1'), Buffer.from(given, 'latin1')];
  return one.length === other.length && timingSafeEqual(one, other);
}
