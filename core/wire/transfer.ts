/** What the API and the sockets say of a transfer. */
import * as z from 'zod';
import { Digests } from './digest.ts';
import { LinkId, TransferId, UploadId } from './ids.ts';

export const Phase = z.enum(['staging', 'opening', 'moving', 'finishing', 'done', 'failed', 'canceled']);
export type Phase = z.infer<typeof Phase>;

/** Public status words. */
export const Status = z.enum([
  'pending',
  'hashing',
  'checking',
  'quick_success',
  'uploading',
  'success',
  'failed',
  'cancelled',
  'paused',
]);
export type Status = z.infer<typeof Status>;

/** How much of the content the destination proved: A a hash of all bytes, B each part, C the size only. */
export const Evidence = z.enum(['A', 'B', 'C']);
export type Evidence = z.infer<typeof Evidence>;

/** What the destination answered when the file was complete. `remoteId` and `location` are its own words. */
export const Receipt = z.object({
  evidence: Evidence,
  sizeBytes: z.int().min(0),
  location: z.string().max(1500),
  remoteId: z.string().max(256).optional(),
  checkedBy: z.string().max(64).optional(),
  /** Of the whole file, as the destination has it: what it told itself, or compared with what we told. */
  told: Digests.optional(),
});
export type Receipt = z.infer<typeof Receipt>;

export const TransferError = z.object({ code: z.string().max(64), message: z.string().max(400) });
export type TransferError = z.infer<typeof TransferError>;

/** The link that a file came by, and the name that its sender typed. */
export const TransferLink = z.object({ id: LinkId, sender: z.string().optional() });
export type TransferLink = z.infer<typeof TransferLink>;

/**
 * One transfer as a viewer sees it. `rank` orders two views of the same transfer: compare element by element, then
 * `movedBytes`; the smaller one is stale. Times are ISO 8601, sizes bytes, `speedBytesPerSecond` a smoothed delivery rate.
 */
export const TransferView = z.object({
  id: TransferId,
  uploadId: UploadId,
  destinationId: z.string(),
  path: z.string(),
  name: z.string(),
  status: Status,
  phase: Phase,
  wish: z.enum(['pause', 'cancel']).nullable(),
  sizeBytes: z.int().min(0),
  stagedBytes: z.int().min(0),
  movedBytes: z.int().min(0),
  partCount: z.int().min(0),
  partsDone: z.int().min(0),
  speedBytesPerSecond: z.number().min(0),
  etaSeconds: z.int().min(0).nullable(),
  attempt: z.int().min(1),
  rank: z.array(z.int()),
  error: TransferError.nullable(),
  /** The code of what it waits in line for, as `agents.resting`: nothing is wrong. Absent: for nothing. */
  waitsFor: z.string().optional(),
  receipt: Receipt.nullable(),
  instant: z.boolean(),
  /** Absent: it did not come by a link. */
  link: TransferLink.optional(),
  createdAt: z.iso.datetime(),
  startedAt: z.iso.datetime().nullable(),
  endedAt: z.iso.datetime().nullable(),
});
export type TransferView = z.infer<typeof TransferView>;

/** One entry of a transfer's history: the last 16 phase changes and faults. */
export const TransferEvent = z.object({
  seq: z.int(),
  at: z.iso.datetime(),
  type: z.string(),
  code: z.string().optional(),
});
export type TransferEvent = z.infer<typeof TransferEvent>;

export const TransferList = z.object({ items: z.array(TransferView), next: z.string().nullable() });
export type TransferList = z.infer<typeof TransferList>;

/** True when `next` is news to somebody who holds `seen`. */
export function isNews(seen: TransferView | undefined, next: TransferView): boolean {
  if (!seen) return true;
  const length = Math.max(seen.rank.length, next.rank.length);
  for (let i = 0; i < length; i++) {
    const difference = (next.rank[i] ?? 0) - (seen.rank[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return next.movedBytes >= seen.movedBytes;
}
