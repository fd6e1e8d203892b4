/** The key of receipts: made from the seal key, so that a home has no secret more to keep. */
import { createHash, type webcrypto } from 'node:crypto';
import type { ReceiptSigner } from '#core/ports/receipt-signer.ts';
import { ReceiptKey } from '#core/wire/receipt.ts';
import type { SealKey } from './seal.ts';

/** Bound to this use: nothing can be learnt of the seal key by it, nor of a key made for another use. */
const LABEL = 'entrepot receipt signing key\0v1';
const SEED_BITS = 256;
/** RFC 8410: what stands before the 32 bytes of an Ed25519 seed in PKCS #8. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

interface Pair {
  readonly privateKey: webcrypto.CryptoKey;
  readonly key: ReceiptKey;
}

/** Made when it is first asked for. WebCrypto, which Node and workerd both have. */
export function receiptSigner(sealKey: SealKey): ReceiptSigner {
  let pair: Promise<Pair> | null = null;
  const made = (): Promise<Pair> => {
    pair ??= derived(sealKey);
    return pair;
  };
  return {
    key: async () => (await made()).key,
    sign: async (bytes) => {
      const { privateKey } = await made();
      return new Uint8Array(await crypto.subtle.sign('Ed25519', privateKey, new Uint8Array(bytes)));
    },
  };
}

async function derived({ bytes }: SealKey): Promise<Pair> {
  const { subtle } = crypto;
  const secret = await subtle.importKey('raw', new Uint8Array(bytes), 'HKDF', false, ['deriveBits']);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: new TextEncoder().encode(LABEL) };
  const seed = Buffer.from(await subtle.deriveBits(hkdf, secret, SEED_BITS));
  const pkcs8 = new Uint8Array(Buffer.concat([PKCS8_HEAD, seed]));
  // Only a key that may be taken out tells its public half.
  const open = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const { x } = await subtle.exportKey('jwk', open);
  const privateKey = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
  const kid = thumbprint(x ?? '');
  return { privateKey, key: ReceiptKey.parse({ kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' }) };
}

/** RFC 7638. */
function thumbprint(x: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x }))
    .digest('base64url');
}
