/** RFC 7515: what is signed is the very text that is handed on, so that nobody has to agree on one way to write JSON. */
import type { ReceiptSigner } from '#core/ports/receipt-signer.ts';
import { type DeliveryReceipt, RECEIPT_TYPE, type SignedReceipt } from '#core/wire/receipt.ts';

/** The header names the key and brings it along: whoever checks still has to know whose it is. */
export async function signedReceipt(signer: ReceiptSigner, receipt: DeliveryReceipt): Promise<SignedReceipt> {
  const { kid, kty, crv, x } = await signer.key();
  const header = { alg: 'EdDSA', typ: RECEIPT_TYPE, kid, jwk: { kty, crv, x } };
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(receipt))}`;
  const signature = await signer.sign(Buffer.from(signed));
  return { receipt, jws: `${signed}.${base64url(signature)}` };
}

function base64url(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64url');
}
