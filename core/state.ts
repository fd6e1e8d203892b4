/** What the work rows hold. Each schema is a row's `state`; keys and queue names are made here and nowhere else. */
import * as z from 'zod';
import { PartReceiptTag, PlanState } from './plan.ts';
import { Session } from './ports/provider.ts';
import type { RowKey } from './ports/work-table.ts';
import { DigestAlgorithm, DigestAsk, Digests } from './wire/digest.ts';
import { TransferId, UploadId } from './wire/ids.ts';
import { Receipt, TransferError, TransferLink } from './wire/transfer.ts';

/** How an upload's bytes lie in the bucket. */
export const Layout = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('chunks'), chunkBytes: z.int().min(1), count: z.int().min(0).max(10_000) }),
  z.object({ kind: z.literal('object'), key: z.string(), version: z.string() }),
]);
export type Layout = z.infer<typeof Layout>;

export const TransferSpec = z.object({ transferId: TransferId, destinationId: z.string(), folder: z.string() });
export type TransferSpec = z.infer<typeof TransferSpec>;

/** Of an upload that came by a link: `senderKey` tells senders apart, and is no secret. */
export const UploadLink = TransferLink.extend({ senderKey: z.string() });
export type UploadLink = z.infer<typeof UploadLink>;

/** Row `U#… @`: what was announced. Phases `open`, `removing`, `removed`. */
export const UploadState = z.object({
  v: z.literal(1),
  uploadId: UploadId,
  ownerId: z.string(),
  name: z.string(),
  sizeBytes: z.int().min(0),
  contentType: z.string().optional(),
  layout: Layout,
  digests: Digests,
  /** Computed of the staged bytes whatever else is asked, for the receipt. */
  wanted: z.array(DigestAlgorithm).optional(),
  specs: z.array(TransferSpec).max(8),
  link: UploadLink.optional(),
  createdAt: z.int(),
  /** When the staged bytes were first swept; the second pass catches puts that were still under way. */
  sweptAt: z.int().nullable(),
});
export type UploadState = z.infer<typeof UploadState>;

const Staging = z.object({ phase: z.literal('staging') });
const Opening = z.object({
  phase: z.literal('opening'),
  /** Times the destination was asked to open in this attempt. */
  rounds: z.int(),
  asks: z.array(DigestAsk),
  /** Answers that the engine found in the staged bytes. */
  known: z.record(z.string(), z.string()),
});
/** Of a destination that asks: bytes of ours that it holds, as far as is known, and how fast they came. */
const Served = z.object({ heldBytes: z.int(), rateBytesPerSecond: z.number(), movedAt: z.int() });
export type Served = z.infer<typeof Served>;
const Moving = z.object({
  phase: z.literal('moving'),
  session: Session,
  plan: PlanState,
  served: Served.optional(),
  /** Token of the claim that may have put the only part itself, without a stripe. */
  alone: z.int().optional(),
});
const Finishing = z.object({
  phase: z.literal('finishing'),
  session: Session,
  plan: PlanState,
  served: Served.optional(),
  /** Token of the claim that called `finish` first, and when. */
  startedBy: z.int(),
  startedAt: z.int(),
  settlingSince: z.int().nullable(),
  /** Receipt of the only part, of a file that had no stripe. */
  tag: PartReceiptTag.optional(),
});
const Live = z.discriminatedUnion('phase', [Staging, Opening, Moving, Finishing]);

export const Step = z.discriminatedUnion('phase', [
  Staging,
  Opening,
  Moving,
  Finishing,
  z.object({
    phase: z.literal('done'),
    receipt: Receipt,
    instant: z.boolean(),
    endedAt: z.int(),
    parts: z.int(),
    /** The kind of the destination, which may be another by now. */
    provider: z.string().optional(),
    /** Digests that were computed of the staged bytes. */
    staged: Digests.optional(),
  }),
  z.object({ phase: z.literal('failed'), error: TransferError, endedAt: z.int(), resume: Live }),
  z.object({ phase: z.literal('canceled'), code: z.string(), endedAt: z.int() }),
]);
export type Step = z.infer<typeof Step>;
export type Moving = z.infer<typeof Moving>;
export type Finishing = z.infer<typeof Finishing>;
export type Opening = z.infer<typeof Opening>;
export type Live = z.infer<typeof Live>;

/** What never changes in a transfer. */
export const TransferFile = z.object({
  uploadId: UploadId,
  transferId: TransferId,
  ownerId: z.string(),
  destinationId: z.string(),
  folder: z.string(),
  name: z.string(),
  sizeBytes: z.int().min(0),
  contentType: z.string().optional(),
  layout: Layout,
  claimed: Digests,
  wanted: z.array(DigestAlgorithm).optional(),
  link: TransferLink.optional(),
  createdAt: z.int(),
});
export type TransferFile = z.infer<typeof TransferFile>;

/** Row `T#… @`: the transfer. */
export const HeadState = z.object({
  v: z.literal(1),
  file: TransferFile,
  /** Absent: functions push the file. `serve`: its destination asks, and a relay answers. */
  lane: z.literal('serve').optional(),
  /** Starts at 1, +1 on retry and when the remote session died. */
  attempt: z.int().min(1),
  /** +1 when a new remote session is committed; part receipts belong to one session. */
  sessionNo: z.int().min(0),
  /** Faults survived, for life. */
  failures: z.int().min(0),
  /** Faults since something last went well. */
  streak: z.int().min(0),
  startedAt: z.int().nullable(),
  events: z.array(z.object({ seq: z.int(), at: z.int(), type: z.string(), code: z.string().optional() })).max(16),
  step: Step,
});
export type HeadState = z.infer<typeof HeadState>;

/** Row `T#… S#session#j`: a run of parts with a lease of its own. It owns blocks j, j+W, … Phases `moving`, `ended`. */
export const StripeState = z.object({
  v: z.literal(1),
  transferId: TransferId,
  sessionNo: z.int(),
  index: z.int(),
  attempt: z.int(),
  /** Parts that this stripe may have under way, and its place in the destination's queue (epoch ms). */
  want: z.int(),
  readyAt: z.int(),
  /** The block under way, counted from 0; its receipts so far by part number. */
  block: z.int(),
  have: z.record(z.string(), PartReceiptTag),
  doneParts: z.int(),
  doneBytes: z.int(),
  /** When a part last landed. */
  movedAt: z.int(),
  failures: z.int(),
  streak: z.int(),
  /** Leases in a row that ended by budget without one finished part. */
  starved: z.int(),
  rateBytesPerSecond: z.number(),
  /** A part may have landed without our having its receipt: the destination is asked before anything is put. */
  unsure: z.boolean().default(false),
  /** The code of what it waits in line for. */
  waitsFor: z.string().optional(),
  fault: z.object({ attempt: z.int(), kind: z.string(), error: TransferError }).nullable(),
});
export type StripeState = z.infer<typeof StripeState>;

/** Row `T#… R#session#block`: the receipts of a full block, never changed. */
export const ReceiptsState = z.object({ v: z.literal(1), have: z.record(z.string(), PartReceiptTag) });
export type ReceiptsState = z.infer<typeof ReceiptsState>;

/** Bytes [start, end) of a file, and CRCs of them in hex. */
const DigestPiece = z.object({ start: z.int(), end: z.int(), digests: z.record(z.string(), z.string()) });
export type DigestPiece = z.infer<typeof DigestPiece>;

/** Row `U#… H#algorithms`: whole-file digests, computed once per upload as bytes arrive. Phases `hashing`, `ended`. */
export const DigestState = z.object({
  v: z.literal(1),
  uploadId: UploadId,
  algorithms: z.array(DigestAlgorithm).min(1),
  /** `prompt`: somebody waits for it. `meanwhile`: it is wanted when the parts are through, and costs a lease now and then. */
  pace: z.enum(['prompt', 'meanwhile']).default('prompt'),
  /** Bytes read from the start on without a gap. */
  cursorBytes: z.int(),
  /** Saved hash states in base64, valid for this library only. */
  library: z.string(),
  saved: z.record(z.string(), z.string()),
  /** A reading in one go was cut short: from now on what has been read is kept. */
  isKeeping: z.boolean().default(false),
  /** What has been read where only CRCs are wanted, which may be read in any order: apart from each other, ascending. */
  pieces: z.array(DigestPiece).default([]),
  result: Digests.nullable(),
  failures: z.int(),
  streak: z.int(),
  /** What ended the hashing, and when; transfers that were tried again since then start it again. */
  fault: z.object({ at: z.int(), error: TransferError }).nullable().default(null),
});
export type DigestState = z.infer<typeof DigestState>;

export const UPLOAD_QUEUE = '@upload';
export const DIGEST_QUEUE = '@digest';
/** Channels to destinations that ask: nobody sweeps it, relays name the rows that they want. */
export const CHANNEL_QUEUE = '@channel';
const WAITING_QUEUE = 'dest#';
const BEGUN_QUEUE = 'begun#';
const ASKING_QUEUE = 'ask#';
const ASKED_QUEUE = 'asked#';
export const STRIPE_PREFIX = 'S#';
export const DIGEST_PREFIX = 'H#';

/** Transfers that have no session yet: as many as there are files. */
export const waitingQueue = (destinationId: string): string => `${WAITING_QUEUE}${destinationId}`;
/** Transfers that have one, and their stripes: what has begun is never behind what waits. */
export const begunQueue = (destinationId: string): string => `${BEGUN_QUEUE}${destinationId}`;
/** Of a destination that asks, which only relays look at: transfers without a session, and those that have one. */
export const askingQueue = (destinationId: string): string => `${ASKING_QUEUE}${destinationId}`;
export const askedQueue = (destinationId: string): string => `${ASKED_QUEUE}${destinationId}`;
export function isRelayQueue(queue: string): boolean {
  return [CHANNEL_QUEUE, ASKING_QUEUE, ASKED_QUEUE].some((name) => queue.startsWith(name));
}

/** Where a transfer waits for its turn: before it has a session, and from then on. */
export function queueOf({ lane, file: { destinationId } }: HeadState, place: 'waiting' | 'begun'): string {
  if (lane === 'serve') return place === 'waiting' ? askingQueue(destinationId) : askedQueue(destinationId);
  return place === 'waiting' ? waitingQueue(destinationId) : begunQueue(destinationId);
}

/** Whose queue it is, of those that functions work on; null: not a destination's. */
export function destinationOf(queue: string): string | null {
  const prefix = [WAITING_QUEUE, BEGUN_QUEUE].find((name) => queue.startsWith(name));
  return prefix === undefined ? null : queue.slice(prefix.length);
}

export const uploadKey = (id: UploadId): RowKey => ({ pk: `U#${id}`, sk: '@' });
export const digestKey = (id: UploadId, algorithms: readonly DigestAlgorithm[]): RowKey => ({
  pk: `U#${id}`,
  sk: `${DIGEST_PREFIX}${[...algorithms].sort().join(',')}`,
});
export const headKey = (id: TransferId): RowKey => ({ pk: `T#${id}`, sk: '@' });
/** Whose head this is; null: the row is none. */
export function transferOf({ pk, sk }: RowKey): TransferId | null {
  return sk === '@' ? (TransferId.safeParse(pk.slice('T#'.length)).data ?? null) : null;
}
export const stripePrefix = (sessionNo: number): string => `${STRIPE_PREFIX}${sessionNo}#`;
export const stripeKey = (id: TransferId, sessionNo: number, index: number): RowKey => ({
  pk: `T#${id}`,
  sk: `${stripePrefix(sessionNo)}${index}`,
});
export const receiptsPrefix = (sessionNo: number): string => `R#${sessionNo}#`;
export const receiptsKey = (id: TransferId, sessionNo: number, block: number): RowKey => ({
  pk: `T#${id}`,
  sk: `${receiptsPrefix(sessionNo)}${String(block).padStart(3, '0')}`,
});
export const channelKey = (destinationId: string): RowKey => ({ pk: `D#${destinationId}`, sk: 'CHANNEL' });
export const GATE_SK = 'GATE';
export const gateKey = (destinationId: string): RowKey => ({ pk: `D#${destinationId}`, sk: GATE_SK });

const PHASE_ORDER = { staging: 0, opening: 1, moving: 2, finishing: 3, done: 4, failed: 4, canceled: 4 } as const;

/** Rises with every commit of a head: what bounds every loop over it. */
export function headRank(head: HeadState): readonly number[] {
  const step = head.step;
  const rounds = step.phase === 'opening' ? step.rounds : 0;
  const settling = step.phase === 'finishing' && step.settlingSince !== null ? 1 : 0;
  const served = head.lane === 'serve' ? [1 + (servedIn(step)?.heldBytes ?? 0)] : [];
  return [head.attempt, head.sessionNo, PHASE_ORDER[step.phase], rounds, settling, head.failures, ...served];
}

export function servedIn(step: Step): Served | undefined {
  if (step.phase === 'failed') return servedIn(step.resume);
  return step.phase === 'moving' || step.phase === 'finishing' ? step.served : undefined;
}

/** The receipt of a file's only part, if its head has put that itself. */
export function tagIn(step: Step): string | undefined {
  if (step.phase === 'failed') return tagIn(step.resume);
  return step.phase === 'finishing' ? step.tag : undefined;
}

export function stripeRank(stripe: StripeState): readonly number[] {
  return [stripe.doneParts, stripe.block, stripe.failures];
}

export function isHigher(next: readonly number[], than: readonly number[]): boolean {
  for (let i = 0; i < next.length; i++) {
    const difference = (next[i] ?? 0) - (than[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Appends to a head's ring of 16. */
export function withEvent(head: HeadState, at: number, type: string, code?: string): HeadState {
  const seq = (head.events.at(-1)?.seq ?? 0) + 1;
  return { ...head, events: [...head.events, { seq, at, type, ...(code ? { code } : {}) }].slice(-16) };
}

/** The order in which ready work of a destination gets its turn: by the transfer's age, so that what began is finished first. */
export function readyAt(head: HeadState): number {
  return head.file.createdAt;
}
