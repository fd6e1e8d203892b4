/** What a function's rumours look like on their way to a relay, and the signature that says they are ours. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { DigestAsk } from '#core/wire/digest.ts';
import { UploadId } from '#core/wire/ids.ts';
import { Notice } from '#core/wire/notice.ts';
import { TransferView } from '#core/wire/transfer.ts';

/** Decimal epoch milliseconds. */
export const TIMESTAMP_HEADER = 'x-entrepot-timestamp';
/** Lower-case hex. */
export const SIGNATURE_HEADER = 'x-entrepot-signature';
/** Of a body. */
export const BODY_BYTES_MAX = 256 * 1024;

const ownerId = z.string().min(1).max(128);
const chunk = z.object({ number: z.int().min(1), sizeBytes: z.int().min(0) });
export const Envelope = z.object({
  rumours: z.array(
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('transfer'), ownerId, view: TransferView }),
      z.object({ kind: z.literal('staged'), ownerId, uploadId: UploadId, chunks: z.array(chunk) }),
      z.object({ kind: z.literal('ask'), ownerId, uploadId: UploadId, asks: z.array(DigestAsk) }),
      z.object({ kind: z.literal('notice'), ownerId: ownerId.nullable(), notice: Notice }),
    ]),
  ),
});

/** Says what it is, so that a signed body of rumours is no question. */
export type StatsAsk = z.infer<typeof StatsAsk>;
export const StatsAsk = z.object({ ask: z.literal('stats'), ownerId: ownerId.nullable() });

/** HMAC-SHA256 over the time and the body, so that neither can be given another. */
export function signatureOf(secret: string, timestamp: string, body: Uint8Array): string {
  return createHmac('sha256', secret).update(`entrepot-progress-v1\n${timestamp}\n`).update(body).digest('hex');
}

/** Compares in constant time; a signature that has another length is none. */
export function isSignedBy(secret: string, timestamp: string, body: Uint8Array, signature: string): boolean {
  const expected = Buffer.from(signatureOf(secret, timestamp, body), 'latin1');
  const given = Buffer.from(signature, 'latin1');
  return expected.length === given.length && timingSafeEqual(expected, given);
}
