/** What a serving provider's runner supplies to the suite, and how the suite plays the lane against it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultKind } from '#core/fault.ts';
import type {
  Answer,
  Ask,
  FileDigestAsk,
  Item,
  ReadAsk,
  ServeHolding,
  ServeProvider,
  Session,
} from '#core/ports/provider.ts';
import type { ByteRange } from '#core/ports/staging.ts';
import { TransferId } from '#core/wire/ids.ts';
import { bytesOf, ctx } from './push-rig.ts';

/** How the far side asks for a file. */
export type AskingManner =
  | 'out of order'
  | 'twice'
  | 'overlapping'
  | 'past the end'
  | 'also of others'
  | 'before open answers'
  | 'for digests first'
  | 'until settled';

/** One destination, empty at first, with a view of its far side. */
export interface ServeRig {
  /** A new instance each time, as another process of the same device: nothing but sessions may be carried over. */
  provider(): ServeProvider;
  /** A file of so many bytes is asked for in several reads. */
  readonly severalReadsBytes: number;
  readonly pathBytesMax?: number;
  /** From now on it asks in this manner too. False: this destination never does. */
  behave(manner: AskingManner): boolean;
  /** Whatever the destination still thinks about is settled. */
  settle(): Promise<void>;
  /** The finished file under exactly this name, or null. */
  readBack(item: Item): Promise<Uint8Array | null>;
  /** One entry for each thing the far side keeps: finished files, temporary ones, sessions that are under way. Folders do not count. */
  listFarSide(): Promise<readonly string[]>;
  /** The far side forgets the session, as after a restart of it. */
  expireSession(session: Session, item: Item): Promise<void>;
  /** A provider of the same kind that cannot take a file, and the kind of Fault that must tell so. */
  failing(): Promise<{ readonly provider: ServeProvider; readonly kind: FaultKind }>;
}

export interface Opened {
  readonly provider: ServeProvider;
  readonly item: Item;
  readonly content: Uint8Array<ArrayBuffer>;
  readonly session: Session;
}

export interface ServeOptions {
  /** Answers of one ask: as the suite gives them unless told. */
  readonly answersTo?: (ask: ReadAsk | FileDigestAsk, content: Uint8Array<ArrayBuffer>) => readonly Answer[];
  /** Called for each ask, before it is answered; `leave`: it stays without an answer. */
  readonly meet?: (ask: Ask) => 'leave' | undefined;
}

export interface Serving {
  /** Rejects with what ended the stream or failed an answer. */
  readonly ended: Promise<void>;
  readonly asked: readonly Ask[];
  /** Resolves when so many asks have come. */
  came(count: number): Promise<void>;
  stop(): Promise<void>;
}

let transfers = 0;

export function serveItem(
  content: Uint8Array,
  named: { readonly name?: string; readonly folder?: string; readonly digests?: Item['digests'] } = {},
): Item {
  transfers += 1;
  return {
    transferId: TransferId.parse(`trf_02${String(transfers).padStart(24, '0')}`),
    name: named.name ?? 'film.mp4',
    folder: named.folder ?? '/',
    sizeBytes: content.byteLength,
    contentType: 'application/octet-stream',
    digests: named.digests ?? {},
    answers: {},
  };
}

export async function openFor(provider: ServeProvider, item: Item, content: Uint8Array<ArrayBuffer>): Promise<Opened> {
  const opening = await provider.open(item, ctx);
  if (opening.kind !== 'ready') throw new Error(`expected a session, the destination answered ${opening.kind}`);
  return { provider, item, content, session: opening.session };
}

export function openServe(
  rig: ServeRig,
  sizeBytes: number,
  named: { readonly name?: string; readonly folder?: string; readonly seed?: number } = {},
): Promise<Opened> {
  const content = bytesOf(sizeBytes, named.seed);
  return openFor(rig.provider(), serveItem(content, named), content);
}

/** Answers whatever the stream asks of these sessions until each has come to its end, then lets go of them. */
export function serve(sessions: readonly Opened[], options: ServeOptions = {}): Serving {
  const [first] = sessions;
  if (first === undefined) throw new Error('nothing to serve');
  const { provider } = first;
  const stop = new AbortController();
  const asked: Ask[] = [];
  const answers = new Set<Promise<void>>();
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const silence = new AbortController();
  const open = new Map(sessions.map((one) => [provider.remoteId(one.session), one]));
  let failure: { readonly error: unknown } | null = null;

  async function answer(ask: ReadAsk | FileDigestAsk, content: Uint8Array<ArrayBuffer>): Promise<void> {
    const given = options.answersTo?.(ask, content) ?? honestAnswers(ask, content);
    for (const one of given) await provider.answer(ask, one, { signal: stop.signal });
  }

  /** What ended before the stream was open has told nobody. */
  async function look(): Promise<void> {
    while (open.size > 0 && !silence.signal.aborted) {
      for (const [remoteId, one] of open) {
        const holding = await inspect(one).catch(() => null);
        if (holding !== null && holding.kind !== 'partial' && holding.kind !== 'gone') open.delete(remoteId);
      }
      if (open.size === 0) return stop.abort(ALL_ENDED);
      await sleep(LOOK_MS, undefined, { signal: silence.signal }).catch(() => undefined);
    }
  }

  async function run(): Promise<void> {
    for (const { session, item } of sessions) await provider.attach(session, item, ctx);
    const looking = look();
    try {
      await listen();
    } catch (error) {
      if (error !== ALL_ENDED) throw failure?.error ?? error;
    } finally {
      silence.abort();
      await looking;
    }
    await Promise.allSettled(answers);
    if (failure !== null && failure.error !== ALL_ENDED) throw failure.error;
  }

  async function listen(): Promise<void> {
    for await (const ask of provider.asks({ signal: stop.signal })) {
      asked.push(ask);
      for (const one of waiting) if (asked.length >= one.count) one.resolve();
      const own = open.get(ask.remoteId);
      if (options.meet?.(ask) === 'leave' || own === undefined || ask.kind === 'progress') continue;
      if (ask.kind === 'ended') {
        open.delete(ask.remoteId);
        if (ask.fault !== null) throw ask.fault;
        if (open.size === 0) break;
        continue;
      }
      const answering = answer(ask, own.content).catch((error: unknown) => {
        failure ??= { error };
        stop.abort(error);
      });
      answers.add(answering);
      void answering.then(() => answers.delete(answering));
    }
  }

  const ended = run().finally(() => {
    stop.abort(STOPPED);
    for (const { session } of sessions) provider.detach(session);
  });
  // Whoever stops it does not look at its end.
  ended.catch(() => undefined);
  return {
    ended,
    asked,
    came: (count) =>
      new Promise((resolve, reject) => {
        if (asked.length >= count) resolve();
        waiting.push({ count, resolve });
        ended.catch(reject);
      }),
    stop: async () => {
      stop.abort(STOPPED);
      await ended.catch((error: unknown) => {
        if (error !== STOPPED) throw error;
      });
    },
  };
}

const STOPPED = new Error('the suite has stopped serving');
const ALL_ENDED = new Error('every file has come to its end');
const LOOK_MS = 20;

/** One read is one answer, a digest is told with progress. */
export function honestAnswers(ask: ReadAsk | FileDigestAsk, content: Uint8Array<ArrayBuffer>): readonly Answer[] {
  const sizeBytes = content.byteLength;
  if (ask.kind === 'read') return [bytesAnswer(cut(ask.range, sizeBytes), content)];
  const hasher = ask.hasher(sizeBytes);
  const half = Math.floor(sizeBytes / 2);
  hasher.update(content.subarray(0, half));
  hasher.update(content.subarray(half));
  const { value, blocks } = hasher.digest();
  return [
    { kind: 'hashing', hashedBytes: 0, sizeBytes },
    { kind: 'hashing', hashedBytes: half, sizeBytes },
    { kind: 'digest', digest: value, blocks, sizeBytes },
  ];
}

export function bytesAnswer(range: ByteRange, content: Uint8Array<ArrayBuffer>): Answer & { kind: 'bytes' } {
  return {
    kind: 'bytes',
    range,
    sizeBytes: content.byteLength,
    open: async () => streamOf(content.subarray(range.start, range.end)),
  };
}

/** Serves to the end and looks until it is settled. */
export async function deliver(rig: ServeRig, opened: Opened, options: ServeOptions = {}): Promise<ServeHolding> {
  await serve([opened], options).ended;
  return settled(rig, opened);
}

export async function settled(rig: ServeRig, opened: Opened): Promise<ServeHolding> {
  for (let round = 0; round < 5; round++) {
    const holding = await inspect(opened);
    if (holding.kind !== 'settling') return holding;
    await rig.settle();
  }
  throw new Error('the destination is settling for ever');
}

export function inspect({ provider, session, item }: Opened): Promise<ServeHolding> {
  return provider.inspect(session, item, ctx);
}

export function cut({ start, end }: ByteRange, sizeBytes: number): ByteRange {
  return { start: Math.min(start, sizeBytes), end: Math.min(end, sizeBytes) };
}

const STREAM_CHUNK_BYTES = 61_440;

export function streamOf(
  bytes: Uint8Array<ArrayBuffer>,
  fault?: 'ends early' | 'errors' | 'stalls',
): ReadableStream<Uint8Array> {
  const stopAt = fault ? Math.floor(bytes.byteLength / 2) : bytes.byteLength;
  let sent = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (sent < stopAt) {
          const next = Math.min(sent + STREAM_CHUNK_BYTES, stopAt);
          controller.enqueue(bytes.slice(sent, next));
          sent = next;
        } else if (fault === 'stalls') {
          return new Promise<void>(() => undefined);
        } else if (fault === 'errors') {
          controller.error(new Error('the source broke off'));
        } else {
          controller.close();
        }
        return undefined;
      },
    },
    { highWaterMark: 0 },
  );
}
