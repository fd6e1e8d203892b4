/** What a function's rumours look like on their way to a relay. */
import * as z from 'zod';
import { DigestAsk } from '#core/wire/digest.ts';
import { TransferId, UploadId } from '#core/wire/ids.ts';
import { Notice } from '#core/wire/notice.ts';
import { TransferView } from '#core/wire/transfer.ts';

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
      z.object({ kind: z.literal('removed'), ownerId, transferIds: z.array(TransferId) }),
      z.object({ kind: z.literal('notice'), ownerId: ownerId.nullable(), notice: Notice }),
    ]),
  ),
});

/** Says what it is, so that a signed body of rumours is no question. */
export type StatsAsk = z.infer<typeof StatsAsk>;
export const StatsAsk = z.object({ ask: z.literal('stats'), ownerId: ownerId.nullable() });
