/**
 * A push destination in memory, as strict as a real one: sessions that expire, parts kept by number, tags checked at the end,
 * a second finish refused. It tells of every effect, so that a run can be judged by what the destination saw.
 */
import { createHash } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type {
  CallContext,
  Holding,
  Item,
  Opening,
  PartBody,
  PartReceipt,
  PushProvider,
  Session,
} from '#core/ports/provider.ts';
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { bytesOfStream, digestOf } from './streams.ts';

export interface RigTraits {
  readonly partBytes: number;
  readonly inFlightMax: number;
  readonly order: 'any' | 'ascending';
  /** Whether `inspect` can list the parts that it holds. */
  readonly canList: boolean;
  /** Each put of a part gets another tag, and only the last one is good for `finish`. */
  readonly freshTags: boolean;
  readonly needs: readonly DigestAlgorithm[];
  readonly instant: 'by-digest' | 'never';
  /** Rounds of questions about ranges before a session is given. */
  readonly askRounds: number;
  /** `finish` fails until the destination has thought about it for so long; `inspect` says that it is thinking. */
  readonly settlingMs: number;
  readonly sessionTtlMs: number;
  /** Time that a part takes. */
  putMs(): number;
}

export const PLAIN: RigTraits = {
  partBytes: 10,
  inFlightMax: 5,
  order: 'any',
  canList: true,
  freshTags: false,
  needs: [],
  instant: 'never',
  askRounds: 0,
  settlingMs: 0,
  sessionTtlMs: Number.POSITIVE_INFINITY,
  putMs: () => 100,
};

export type RigEvent =
  | { readonly kind: 'open'; readonly item: Item }
  | { readonly kind: 'put-start' | 'put-end'; readonly session: RigSession; readonly part: number }
  | { readonly kind: 'put-landed'; readonly session: RigSession; readonly part: number }
  | {
      readonly kind: 'inspected';
      readonly session: RigSession;
      readonly from: number;
      readonly to: number;
      /** The answer lists the parts that are there. */
      readonly isListed: boolean;
    }
  | { readonly kind: 'finish'; readonly session: RigSession; readonly parts: number }
  | { readonly kind: 'completed'; readonly session: RigSession; readonly content: Uint8Array }
  | { readonly kind: 'discard'; readonly session: RigSession };

export interface RigSession {
  readonly id: string;
  readonly item: Item;
  readonly openedAt: number;
  readonly parts: Map<number, { readonly bytes: Uint8Array; readonly tag: string }>;
  state: 'open' | 'complete' | 'discarded' | 'expired';
  completeAt: number | null;
}

export interface RigFile {
  readonly transferId: string;
  readonly name: string;
  readonly folder: string;
  readonly content: Uint8Array;
}

/** The process that calls: its clock, and its name for the record. */
export interface Caller {
  readonly name: string;
  readonly clock: Clock;
}

export interface Rig {
  readonly id: string;
  readonly traits: RigTraits;
  provider(caller: Caller): PushProvider;
  /** Finished files, in the order in which they were finished. */
  files(): readonly RigFile[];
  sessions(): readonly RigSession[];
  /** Content that is there already, for an instant upload. */
  knows(content: Uint8Array): void;
  /** The session dies as it would of age. */
  expire(session: RigSession): void;
  /** From now on sessions live for ever. */
  calmDown(): void;
}

export function rig(deps: {
  readonly id: string;
  readonly traits: RigTraits;
  readonly base: Clock;
  readonly tell: (caller: Caller, event: RigEvent) => void;
}): Rig {
  const { id, traits, base, tell } = deps;
  const sessions = new Map<string, RigSession>();
  const files: RigFile[] = [];
  const known: Uint8Array[] = [];
  let tags = 0;

  function open(caller: Caller, item: Item): Opening<Session> {
    tell(caller, { kind: 'open', item });
    for (const algorithm of traits.needs) {
      if (item.digests[algorithm] === undefined) throw new Fault('bug', 'rig.needs', `open without ${algorithm}`);
    }
    const same = traits.instant === 'by-digest' ? known.find((content) => isNamedBy(content, item)) : undefined;
    if (same !== undefined) {
      if (!files.some((file) => file.transferId === item.transferId)) keep(item, same);
      return { kind: 'done', receipt: receiptOf(item) };
    }
    const asked = Array.from({ length: traits.askRounds }, (_, round) => askOf(item, round));
    const next = asked.find((ask) => item.answers[ask.id] === undefined);
    if (next !== undefined) return { kind: 'ask', asks: [next] };
    const session: RigSession = {
      id: `${id}-${sessions.size + 1}`,
      item,
      openedAt: base.now(),
      parts: new Map(),
      state: 'open',
      completeAt: null,
    };
    sessions.set(session.id, session);
    return { kind: 'ready', session: session.id };
  }

  async function put(caller: Caller, key: Session, part: PartBody, { signal }: CallContext): Promise<PartReceipt> {
    signal.throwIfAborted();
    const session = live(key);
    tell(caller, { kind: 'put-start', session, part: part.number });
    try {
      const bytes = await bytesOfStream(await part.open());
      if (bytes.byteLength !== part.sizeBytes)
        throw new Fault('bug', 'rig.length', 'a part has another length than told');
      await caller.clock.sleep(traits.putMs(), signal);
      live(key);
      const isNew = !session.parts.has(part.number);
      if (traits.order === 'ascending' && isNew && part.number !== session.parts.size + 1) {
        throw new Fault('rejected', 'rig.order', `part ${part.number} came after ${session.parts.size} others`);
      }
      const tag = traits.freshTags ? `${part.number}-${++tags}` : md5(bytes);
      session.parts.set(part.number, { bytes, tag });
      tell(caller, { kind: 'put-landed', session, part: part.number });
      return { number: part.number, tag };
    } finally {
      tell(caller, { kind: 'put-end', session, part: part.number });
    }
  }

  function inspect(
    caller: Caller,
    key: Session,
    { from, to }: { readonly from: number; readonly to: number },
  ): Holding {
    const session = find(key);
    if (session === undefined || session.state === 'expired' || session.state === 'discarded') return { kind: 'gone' };
    tell(caller, { kind: 'inspected', session, from, to, isListed: traits.canList });
    if (session.completeAt !== null && base.now() < session.completeAt) {
      return { kind: 'settling', lookAgainMs: session.completeAt - base.now() };
    }
    if (session.completeAt !== null) return { kind: 'complete', receipt: receiptOf(session.item) };
    if (isTooOld(session)) return { kind: 'gone' };
    const held = [...session.parts]
      .filter(([number]) => traits.canList && number >= from && number <= to)
      .map(([number, { tag, bytes }]) => ({ number, tag, sizeBytes: bytes.byteLength }));
    return { kind: 'partial', held };
  }

  function finish(caller: Caller, key: Session, parts: readonly PartReceipt[]): Receipt {
    const session = live(key);
    tell(caller, { kind: 'finish', session, parts: parts.length });
    parts.forEach((part, index) => {
      const held = session.parts.get(part.number);
      if (part.number !== index + 1 || held?.tag !== part.tag) {
        throw new Fault('rejected', 'rig.invalid_part', `part ${part.number} is not what was put`);
      }
    });
    const content = Buffer.concat(parts.map(({ number }) => session.parts.get(number)?.bytes ?? new Uint8Array()));
    if (content.byteLength !== session.item.sizeBytes) throw new Fault('rejected', 'rig.size', 'the parts are not all');
    session.state = 'complete';
    session.completeAt = base.now() + traits.settlingMs;
    keep(session.item, content);
    tell(caller, { kind: 'completed', session, content });
    if (traits.settlingMs > 0) throw new Fault('transient', 'rig.settling', 'still thinking');
    return receiptOf(session.item);
  }

  function discard(caller: Caller, key: Session): void {
    const session = find(key);
    if (session === undefined || session.state !== 'open') return;
    tell(caller, { kind: 'discard', session });
    session.state = 'discarded';
  }

  const find = (key: Session): RigSession | undefined => (typeof key === 'string' ? sessions.get(key) : undefined);
  let ttlMs = traits.sessionTtlMs;
  const isTooOld = (session: RigSession) => base.now() - session.openedAt > ttlMs;
  function live(key: Session): RigSession {
    const session = find(key);
    if (session === undefined || session.state !== 'open' || isTooOld(session)) {
      throw new Fault('gone', 'rig.gone', 'there is no such session (any more)');
    }
    return session;
  }
  function keep({ transferId, name, folder }: Item, content: Uint8Array): void {
    files.push({ transferId, name, folder, content });
  }

  return {
    id,
    traits,
    files: () => files,
    sessions: () => [...sessions.values()],
    knows: (content) => known.push(content),
    expire: (session) => {
      if (session.state === 'open') session.state = 'expired';
    },
    calmDown: () => {
      for (const session of sessions.values())
        if (session.state === 'open' && isTooOld(session)) session.state = 'expired';
      ttlMs = Number.POSITIVE_INFINITY;
    },
    provider: (caller) => ({
      id: 'rig',
      mode: 'push',
      needs: traits.needs,
      instant: traits.instant,
      open: (item, ctx) => heeding(ctx, () => open(caller, item)),
      plan: () => ({ partBytes: traits.partBytes, inFlightMax: traits.inFlightMax, order: traits.order }),
      put: (session, _item, part, ctx) => put(caller, session, part, ctx),
      inspect: (session, _item, parts, ctx) => heeding(ctx, () => inspect(caller, session, parts)),
      finish: (session, _item, parts, ctx) => heeding(ctx, () => finish(caller, session, parts)),
      discard: (session, _item, ctx) => heeding(ctx, () => discard(caller, session)),
      check: async () => ({ message: 'a rig takes everything' }),
    }),
  };
}

/** What is called after its signal has aborted is never sent. */
async function heeding<T>({ signal }: CallContext, call: () => T): Promise<T> {
  signal.throwIfAborted();
  return call();
}

/** Each round asks for another range of the file. */
function askOf({ sizeBytes }: Item, round: number) {
  const start = Math.floor((sizeBytes * (round % 7)) / 7);
  const end = Math.min(sizeBytes, start + Math.ceil(sizeBytes / 3));
  return { id: `${round}:sha1:${start}-${end}`, algorithm: 'sha1' as const, start, end };
}

function isNamedBy(content: Uint8Array, { digests, sizeBytes }: Item): boolean {
  return content.byteLength === sizeBytes && digests.sha1 !== undefined && digests.sha1 === digestOf('sha1', content);
}

function receiptOf({ transferId, sizeBytes, folder, name }: Item): Receipt {
  return { evidence: 'B', sizeBytes, location: `${folder}/${name}`, remoteId: transferId };
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}
