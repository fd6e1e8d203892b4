/** The key that one conversation with 115 is sealed with: both points on P-224, 115's known beforehand. */
import { createECDH } from 'node:crypto';

export interface SealKeys {
  /** Ours, 30 bytes: its length (29), then the compressed point. Travels in `k_ec`. */
  readonly blob: Buffer;
  /** AES-128. Shares four bytes with `iv`: that is how 115 has it. */
  readonly key: Buffer;
  readonly iv: Buffer;
}

const CURVE = 'secp224r1';

/** `publicKey` as in `CookieHosts`. `privateKey`: 56 hex digits, otherwise a new one. Throws for a point that is not on the curve. */
export function sealKeys(publicKey: string, privateKey?: string): SealKeys {
  const ecdh = createECDH(CURVE);
  if (privateKey === undefined) ecdh.generateKeys();
  else ecdh.setPrivateKey(privateKey, 'hex');
  const point = ecdh.getPublicKey(null, 'compressed');
  // Always 28 bytes: leading zeros stay.
  const shared = ecdh.computeSecret(Buffer.from(`04${publicKey}`, 'hex'));
  return {
    blob: Buffer.concat([Buffer.from([point.length]), point]),
    key: shared.subarray(0, 16),
    iv: shared.subarray(-16),
  };
}
