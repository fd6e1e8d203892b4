/** Frames of the progress socket `/ws`: one JSON object `{ event, data }` each. */
import * as z from 'zod';
import { DigestAsk } from './digest.ts';
import { UploadId } from './ids.ts';
import { Notice } from './notice.ts';
import { TransferView } from './transfer.ts';

/** The protocol's name in `Sec-WebSocket-Protocol`; the ticket travels beside it as `ticket.<ticket>`. */
export const SOCKET_PROTOCOL = 'entrepot.v1';

/** `epoch` names the server's run, `seq` rises by one with each frame of changes: a gap means "ask for a snapshot". */
export const ServerFrame = z.discriminatedUnion('event', [
  z.object({ event: z.literal('connection:established'), data: z.object({ epoch: z.string(), at: z.iso.datetime() }) }),
  z.object({
    event: z.literal('snapshot'),
    data: z.object({ epoch: z.string(), seq: z.int(), transfers: z.array(TransferView) }),
  }),
  // `removed`: transfers that are on no list any more.
  z.object({
    event: z.literal('changes'),
    data: z.object({ seq: z.int(), transfers: z.array(TransferView), removed: z.array(z.string()) }),
  }),
  z.object({ event: z.literal('ask'), data: z.object({ uploadId: UploadId, asks: z.array(DigestAsk) }) }),
  z.object({ event: z.literal('notification'), data: Notice }),
  z.object({ event: z.literal('pong'), data: z.object({ timestamp: z.number() }) }),
]);
export type ServerFrame = z.infer<typeof ServerFrame>;

export const ClientFrame = z.discriminatedUnion('event', [
  z.object({ event: z.literal('ping'), data: z.object({ timestamp: z.number() }) }),
  z.object({ event: z.literal('resync'), data: z.object({}).optional() }),
]);
export type ClientFrame = z.infer<typeof ClientFrame>;

export const TicketAnswer = z.object({ ticket: z.string(), expiresAt: z.iso.datetime() });
export type TicketAnswer = z.infer<typeof TicketAnswer>;
