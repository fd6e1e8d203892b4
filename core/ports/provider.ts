/** The driver of one kind of destination. What it can do is the shape of what it answers, never a flag. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { DigestAlgorithm, DigestAsk, Digests } from '#core/wire/digest.ts';
import type { TransferId } from '#core/wire/ids.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import type { ByteRange } from './staging.ts';

/** The file as the destination is told of it. `digests` and `answers` hold what is known so far. */
export interface Item {
  readonly transferId: TransferId;
  readonly name: string;
  /** `/影视/2025`; `/` is the destination's root. */
  readonly folder: string;
  readonly sizeBytes: number;
  readonly contentType?: string;
  readonly digests: Digests;
  readonly answers: Readonly<Record<string, string>>;
}

export interface CallContext {
  /** Aborts when the lease is about to be lost, on cancel, and when the budget is over. Every call must obey it. */
  readonly signal: AbortSignal;
}

/** A JSON value of at most 2 KiB that the provider wrote and only the provider reads. */
export type Session = z.infer<typeof Session>;
export const Session = z.json();

/** `tag` is what `finish` needs to name the part (an ETag, a checksum), at most 80 bytes; may be empty. */
export interface PartReceipt {
  readonly number: number;
  readonly tag: string;
}

/** A part that the destination says it holds; adopted only when the size is the plan's. */
export interface HeldPart extends PartReceipt {
  readonly sizeBytes: number;
}

export type Opening<S> =
  | { readonly kind: 'done'; readonly receipt: Receipt }
  | { readonly kind: 'ask'; readonly asks: readonly DigestAsk[] }
  | {
      readonly kind: 'ready';
      readonly session: S;
      /** How it was decided, for the transfer's history: at most 4 dotted words of at most 64 characters, `way.mount`. */
      readonly notes?: readonly string[];
    };

type Settled =
  | { readonly kind: 'complete'; readonly receipt: Receipt }
  | { readonly kind: 'settling'; readonly lookAgainMs: number }
  | { readonly kind: 'gone' };

export type Holding = Settled | { readonly kind: 'partial'; readonly held: readonly HeldPart[] };

/** What a serving destination says of a session; `heldBytes` null: it does not tell. */
export type ServeHolding = Settled | { readonly kind: 'partial'; readonly heldBytes: number | null };

export interface Plan {
  readonly partBytes: number;
  /** Parts of one file that may be under way at once: 1 to 64. */
  readonly inFlightMax: number;
  /** `ascending`: part n+1 starts only after the receipt of part n is committed. */
  readonly order: 'any' | 'ascending';
}

export interface Span {
  readonly key: string;
  readonly version: string;
  readonly range: ByteRange;
}

export interface PartBody {
  readonly number: number;
  /** Of the whole file. */
  readonly range: ByteRange;
  readonly sizeBytes: number;
  /** Where the bytes lie in the bucket; one span may be copied server-side by a destination of the same service. */
  readonly spans: readonly Span[];
  /** A fresh stream of exactly the range's bytes; errors unless all of them flow. May be called again for a retry. */
  open(): Promise<ReadableStream<Uint8Array>>;
  /** Told of bytes of the spans that were read past `open`. Absent: nobody counts. */
  readonly flowed?: (sizeBytes: number) => void;
}

export interface CheckReport {
  readonly message: string;
  readonly freeBytes?: number;
}

interface ProviderBase<S> {
  readonly id: string;
  /** Digests of the whole file that `open` must be given; the engine computes what the client did not bring. */
  readonly needs: readonly DigestAlgorithm[];
  /** Whether digests alone may settle the matter, so that it is worth asking before a byte is staged. */
  readonly instant: 'by-digest' | 'never';
  /** Laws: repeatable; may leave an unused session behind when its answer is lost. `answers` grow until it stops asking. */
  open(item: Item, ctx: CallContext): Promise<Opening<S>>;
  /** Gives the session up. Laws: repeating it, or discarding what is gone, is fine; a finished file stays. */
  discard(session: S, item: Item, ctx: CallContext): Promise<void>;
  /** Asks the destination whether it would take a file now. Throws the Fault that a transfer would meet. */
  check(ctx: CallContext): Promise<CheckReport>;
}

/**
 * We send parts. Laws: the same part put twice has the same result; a receipt is given only for bytes that would survive a
 * crash of the destination; `finish` is called with every part's receipt in ascending order, with none for an empty file, which
 * it creates; after `finish` has answered, `inspect` says `complete`. An expired session is Fault `gone`.
 */
export interface PushProvider<S = Session> extends ProviderBase<S> {
  readonly mode: 'push';
  /** Pure. A provider with a free choice answers a multiple or divisor of `chunkBytes`; at most 10,000 parts. */
  plan(session: S, sizeBytes: number, chunkBytes: number): Plan;
  put(session: S, item: Item, part: PartBody, ctx: CallContext): Promise<PartReceipt>;
  /** The tie-breaker after a crash. `parts` bounds what need be listed, both ends included. */
  inspect(
    session: S,
    item: Item,
    parts: { readonly from: number; readonly to: number },
    ctx: CallContext,
  ): Promise<Holding>;
  finish(session: S, item: Item, parts: readonly PartReceipt[], ctx: CallContext): Promise<Receipt>;
}

/** Computes what a destination calls a digest. Bytes come in order, from the first to the last of the file. */
export interface AskHasher {
  update(bytes: Uint8Array): void;
  /** Once, after the last byte. `blocks` is empty unless digests of blocks were asked for as well. */
  digest(): { readonly value: string; readonly blocks: readonly string[] };
}

export interface ReadAsk {
  readonly kind: 'read';
  readonly remoteId: string;
  readonly requestId: string;
  /** May lie past the end of the file, and may be empty. */
  readonly range: ByteRange;
}

export interface FileDigestAsk {
  readonly kind: 'digest';
  readonly remoteId: string;
  readonly requestId: string;
  /** When the answer is this digest of the whole file and nothing else, which may be known already; null otherwise. */
  readonly algorithm: DigestAlgorithm | null;
  hasher(sizeBytes: number): AskHasher;
}

/**
 * What a serving destination wants of us, and tells us. `requestId` is its own name for the question, the same on a repeat.
 * `progress`: bytes that it holds now. `ended`: nothing more will be asked; with the Fault that ended it, or null: `inspect` says
 * what has become of it.
 */
export type Ask =
  | ReadAsk
  | FileDigestAsk
  | { readonly kind: 'progress'; readonly remoteId: string; readonly heldBytes: number }
  | { readonly kind: 'ended'; readonly remoteId: string; readonly fault: Fault | null };

/** `sizeBytes` is the whole file's. */
export type Answer =
  | {
      readonly kind: 'bytes';
      /** Within the file and within what was asked; may be empty. */
      readonly range: ByteRange;
      readonly sizeBytes: number;
      /** A fresh stream of exactly the range's bytes; errors unless all of them flow. May be called again for a retry. */
      open(): Promise<ReadableStream<Uint8Array>>;
    }
  | { readonly kind: 'hashing'; readonly hashedBytes: number; readonly sizeBytes: number }
  | {
      readonly kind: 'digest';
      readonly digest: string;
      readonly blocks: readonly string[];
      readonly sizeBytes: number;
    };

/**
 * It asks, we answer, from the relay that holds its channel. Laws:
 * - `asks` is the one stream of all sessions' questions; it ends only by a Fault or by the signal. Called anew (after the last one
 *   was aborted) it repeats whatever is unanswered of attached sessions, under the same `requestId`s. Asks may come in any order,
 *   repeated, overlapping, past the end of the file, for ids that nobody attached, and before `open` has answered.
 * - `attach` says that this process serves the session from now on, `detach` that it no longer does: what the driver keeps for it
 *   is let go, and the session itself stays. Both repeat well. A driver that asks by itself asks for attached sessions only.
 * - `answer` resolves when the destination has taken the answer. The same one may be given again, and several at once. A read is
 *   answered by one answer with the whole range cut to the file, or by several, ascending and touching, when it is long. A digest
 *   is answered by `hashing` every few seconds and `digest` in the end. Fault `gone`: the session is lost.
 * - After `ended` without a Fault, `inspect` says complete, settling or gone, and never partial again.
 * - `hold` pauses and resumes a session; repeating it is fine, also while it is so already. Whoever takes a session up resumes it.
 */
export interface ServeProvider<S = Session> extends ProviderBase<S> {
  readonly mode: 'serve';
  /** Pure: the id under which asks name the session. */
  remoteId(session: S): string;
  asks(ctx: CallContext): AsyncIterable<Ask>;
  attach(session: S, item: Item, ctx: CallContext): Promise<void>;
  detach(session: S): void;
  answer(ask: ReadAsk | FileDigestAsk, answer: Answer, ctx: CallContext): Promise<void>;
  hold(session: S, item: Item, what: 'pause' | 'resume', ctx: CallContext): Promise<void>;
  /** The tie-breaker after a crash and in silence. Throws the Fault that the session ended with, if it did. */
  inspect(session: S, item: Item, ctx: CallContext): Promise<ServeHolding>;
}

export type Provider = PushProvider | ServeProvider;

/** A push driver whose session is `S`, as core sees it: sessions are parsed by the driver's schema on each call. */
export function pushProvider<S extends Session>(
  schema: z.ZodType<S>,
  driver: Omit<PushProvider<S>, 'mode'>,
): PushProvider {
  const parse = sessionParser(schema);
  return {
    id: driver.id,
    mode: 'push',
    needs: driver.needs,
    instant: driver.instant,
    open: (item, ctx) => driver.open(item, ctx),
    inspect: async (session, item, parts, ctx) => driver.inspect(parse(session), item, parts, ctx),
    discard: async (session, item, ctx) => driver.discard(parse(session), item, ctx),
    check: (ctx) => driver.check(ctx),
    plan: (session, sizeBytes, chunkBytes) => driver.plan(parse(session), sizeBytes, chunkBytes),
    put: async (session, item, part, ctx) => driver.put(parse(session), item, part, ctx),
    finish: async (session, item, parts, ctx) => driver.finish(parse(session), item, parts, ctx),
  };
}

/** The same for a driver of a destination that asks. */
export function serveProvider<S extends Session>(
  schema: z.ZodType<S>,
  driver: Omit<ServeProvider<S>, 'mode'>,
): ServeProvider {
  const parse = sessionParser(schema);
  return {
    id: driver.id,
    mode: 'serve',
    needs: driver.needs,
    instant: driver.instant,
    open: (item, ctx) => driver.open(item, ctx),
    inspect: async (session, item, ctx) => driver.inspect(parse(session), item, ctx),
    discard: async (session, item, ctx) => driver.discard(parse(session), item, ctx),
    check: (ctx) => driver.check(ctx),
    remoteId: (session) => driver.remoteId(parse(session)),
    asks: (ctx) => driver.asks(ctx),
    attach: async (session, item, ctx) => driver.attach(parse(session), item, ctx),
    detach: (session) => driver.detach(parse(session)),
    answer: (ask, answer, ctx) => driver.answer(ask, answer, ctx),
    hold: async (session, item, what, ctx) => driver.hold(parse(session), item, what, ctx),
  };
}

function sessionParser<S extends Session>(schema: z.ZodType<S>): (session: Session) => S {
  return (session) => {
    const parsed = schema.safeParse(session);
    if (parsed.success) return parsed.data;
    throw new Fault('gone', 'provider.session_unreadable', 'the stored session has another shape: a new one is opened');
  };
}
