/** A delivery put down in writing, signed by the home that made it. docs/receipts.md tells how anybody checks one. */
import * as z from 'zod';
import { DigestAlgorithm } from './digest.ts';
import { TransferId } from './ids.ts';
import { Evidence } from './transfer.ts';

/**
 * Who says so. `client`: claimed by whoever sent the file. `staged`: computed by the home from the bytes in its bucket.
 * `destination`: the destination told it, or compared it with the bytes that it has.
 */
export const DigestWitness = z.enum(['client', 'staged', 'destination']);
export type DigestWitness = z.infer<typeof DigestWitness>;

/** Of the whole file. Witnesses who differ have an entry each. */
export const WitnessedDigest = z.object({
  algorithm: DigestAlgorithm,
  hex: z.string().regex(/^[0-9a-f]{16,64}$/),
  from: z.array(DigestWitness).min(1),
});
export type WitnessedDigest = z.infer<typeof WitnessedDigest>;

/** What is signed. Null is what the home does not know. */
export const DeliveryReceipt = z.object({
  v: z.literal(1),
  /** The fingerprint of the key that signs: RFC 7638, SHA-256, base64url. */
  home: z.string(),
  transferId: TransferId,
  file: z.object({ name: z.string(), sizeBytes: z.int().min(0) }),
  announcedAt: z.iso.datetime(),
  /** When the first session with the destination was opened; of an instant delivery, when it answered. */
  startedAt: z.iso.datetime().nullable(),
  deliveredAt: z.iso.datetime(),
  destination: z.object({
    id: z.string(),
    kind: z.string().nullable(),
    folder: z.string(),
    /** The destination's own words for where the file is, and its own name for it. */
    location: z.string(),
    remoteId: z.string().nullable(),
  }),
  evidence: z.object({
    grade: Evidence,
    checkedBy: z.string().nullable(),
    /** Parts in which the file was sent; 0 where none was, or where the destination fetched it. */
    parts: z.int().min(0),
    means: z.string(),
  }),
  /** The destination had the content already, and took no byte. */
  instant: z.boolean(),
  digests: z.array(WitnessedDigest),
});
export type DeliveryReceipt = z.infer<typeof DeliveryReceipt>;

/** `jws`: RFC 7515 in its compact form. Its payload is `receipt` as JSON; who reads `receipt` alone has checked nothing. */
export const SignedReceipt = z.object({ receipt: DeliveryReceipt, jws: z.string().max(32_768) });
export type SignedReceipt = z.infer<typeof SignedReceipt>;

/** A public Ed25519 key as RFC 8037 writes it. `kid` is its fingerprint. */
export const ReceiptKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string().regex(/^[\w-]{43}$/, 'expected 32 bytes in base64url'),
  kid: z.string(),
  use: z.literal('sig'),
  alg: z.literal('EdDSA'),
});
export type ReceiptKey = z.infer<typeof ReceiptKey>;

/** A JWK Set, RFC 7517. */
export const ReceiptKeys = z.object({ keys: z.array(ReceiptKey).min(1) });
export type ReceiptKeys = z.infer<typeof ReceiptKeys>;

/** What the header of a receipt's signature says that it is. */
export const RECEIPT_TYPE = 'entrepot-receipt+jws';
