/** The key by which a home signs receipts. */
import type { ReceiptKey } from '#core/wire/receipt.ts';

/**
 * Laws: a home has one key, the same after every restart, until its seal key is another. `sign` is Ed25519 over the bytes as they
 * are: the same bytes have the same signature, of 64 bytes, which `key` verifies. The private half never comes out.
 */
export interface ReceiptSigner {
  key(): Promise<ReceiptKey>;
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}
