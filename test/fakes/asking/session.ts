/** One file at the destination that asks: what it still wants, what it holds, how it ended. It believes nothing but bytes. */
import { createHash } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { Answer, Ask, AskHasher, FileDigestAsk, Item, ReadAsk } from '#core/ports/provider.ts';
import type { ByteRange } from '#core/ports/staging.ts';

export interface AskingTraits {
  /** Bytes of one read. */
  readonly readBytes: number;
  /** Reads that wait for their answer at once. */
  readonly readsMax: number;
  /** Asked one after the other before anything is read; those that `open` was given are not asked for. */
  readonly digests: readonly ('sha1' | 'md5')[];
  /** As some clouds want it: digests of blocks besides the MD5, which then is never known beforehand. */
  readonly blockBytes?: number;
  /** Asks for these ranges alone, holds no bytes, and compares what comes with these. */
  readonly sample?: {
    ranges(sizeBytes: number): readonly ByteRange[];
    holds(range: ByteRange, bytes: Uint8Array): boolean;
  };
  readonly habits: ReadonlySet<AskingHabit>;
}

export type AskingHabit =
  | 'out of order'
  | 'repeats'
  | 'overlaps'
  | 'past the end'
  | 'speaks of others'
  | 'asks before open answers'
  | 'forgets to tell the end'
  | 'settles'
  | 'refuses the file'
  | 'tells no progress';

export type AskingState = 'open' | 'paused' | 'held' | 'ended' | 'refused' | 'discarded' | 'expired';

export interface AskingSession {
  readonly id: string;
  readonly item: Item;
  state(): AskingState;
  /** Bytes taken in all, those that came twice twice. */
  takenBytes(): number;
  heldBytes(): number;
  content(): Uint8Array;
  /** What waits for an answer. */
  outstanding(): readonly Ask[];
  begin(): void;
  take(ask: ReadAsk | FileDigestAsk, answer: Answer, signal: AbortSignal): Promise<void>;
  become(state: AskingState): void;
}

interface Open {
  readonly ask: ReadAsk | FileDigestAsk;
  /** A read of nothing, which only its own answer ends. */
  readonly isEmpty: boolean;
  /** Of a read, what of it has not come since it was asked. */
  missing: readonly ByteRange[];
}

export function askingSession(parts: {
  readonly id: string;
  readonly item: Item;
  readonly traits: () => AskingTraits;
  readonly say: (ask: Ask) => void;
  readonly whenEnded: (content: Uint8Array) => void;
}): AskingSession {
  const { id, item, traits, say, whenEnded } = parts;
  const { sizeBytes } = item;
  const content = new Uint8Array(traits().sample === undefined ? sizeBytes : 0);
  const found = new Map(
    Object.entries(item.digests).flatMap(([name, digest]) => (digest === undefined ? [] : [[name, digest] as const])),
  );
  const open = new Map<string, Open>();
  let planned: ByteRange[] = [];
  let wanted: readonly FileDigestAsk[] = [];
  let missing: readonly ByteRange[] = [];
  let state: AskingState = 'open';
  let takenBytes = 0;

  function ask(one: ReadAsk | FileDigestAsk): void {
    const range = one.kind === 'read' ? clipped(one.range, sizeBytes) : null;
    const isEmpty = range !== null && range.end <= range.start;
    open.set(one.requestId, { ask: one, isEmpty, missing: range === null ? [] : [range] });
    say(one);
    if (traits().habits.has('repeats')) say(one);
    if (traits().habits.has('speaks of others')) say({ ...one, remoteId: `other-${id}` });
  }

  function more(): void {
    if (state !== 'open') return;
    const [digest, ...rest] = wanted;
    if (open.size === 0 && digest !== undefined) {
      wanted = rest;
      ask(digest);
      return;
    }
    const isHashing = [...open.values()].some((one) => one.ask.kind === 'digest');
    while (!isHashing && open.size < traits().readsMax && planned.length > 0) {
      const range = planned.shift();
      if (range === undefined) break;
      ask({ kind: 'read', remoteId: id, requestId: `read:${range.start}-${range.end}`, range });
    }
    if (open.size === 0) conclude();
  }

  function conclude(): void {
    const wrong = traits().sample === undefined && (['sha1', 'md5'] as const).some(isWrong);
    if (wrong || traits().habits.has('refuses the file')) {
      end('refused', new Fault('rejected', 'asking.refused', 'the destination refuses this file'));
      return;
    }
    end(traits().habits.has('settles') ? 'held' : 'ended', null);
    whenEnded(content);
  }

  function isWrong(algorithm: 'sha1' | 'md5'): boolean {
    const told = found.get(algorithm);
    return told !== undefined && told !== createHash(algorithm).update(content).digest('hex');
  }

  function end(next: AskingState, fault: Fault | null): void {
    state = next;
    if (!traits().habits.has('forgets to tell the end')) say({ kind: 'ended', remoteId: id, fault });
  }

  async function takeBytes(one: Open, answer: Answer & { kind: 'bytes' }, signal: AbortSignal): Promise<void> {
    const { range } = answer;
    const bytes = await bytesFrom(await answer.open(), signal);
    live();
    if (bytes.byteLength !== range.end - range.start) {
      throw new Fault('bug', 'asking.length', `${bytes.byteLength} bytes came for ${range.start} to ${range.end}`);
    }
    if (range.end > sizeBytes) throw new Fault('bug', 'asking.range', 'bytes past the end of the file');
    takenBytes += bytes.byteLength;
    const { sample } = traits();
    if (sample === undefined) content.set(bytes, range.start);
    else if (!sample.holds(range, bytes)) throw new Fault('bug', 'asking.content', 'these are not the bytes');
    missing = without(missing, range);
    for (const each of open.values()) each.missing = without(each.missing, range);
    if (!traits().habits.has('tells no progress')) {
      say({ kind: 'progress', remoteId: id, heldBytes: sizeBytes - sum(missing) });
    }
    for (const [requestId, each] of open) {
      const isThrough = each.ask.kind === 'read' && each.missing.length === 0 && !each.isEmpty;
      if (isThrough || (each === one && one.isEmpty)) open.delete(requestId);
    }
  }

  function live(): void {
    if (state === 'expired' || state === 'discarded')
      throw new Fault('gone', 'asking.gone', 'there is no such session');
  }

  return {
    id,
    item,
    state: () => state,
    takenBytes: () => takenBytes,
    heldBytes: () => sizeBytes - sum(missing),
    content: () => content,
    outstanding: () => (state === 'open' ? [...open.values()].map((one) => one.ask) : []),
    begin: () => {
      missing = sizeBytes === 0 ? [] : [{ start: 0, end: sizeBytes }];
      planned = plannedReads(sizeBytes, traits());
      wanted = digestAsks(id, traits(), item);
      more();
    },
    take: async (given, answer, signal) => {
      live();
      const one = open.get(given.requestId);
      if (answer.kind === 'bytes') {
        await takeBytes(one ?? { ask: given, isEmpty: false, missing: [] }, answer, signal);
      } else if (answer.kind === 'digest' && given.kind === 'digest') {
        const isWrong = given.algorithm === null && answer.blocks.length !== blockCount(sizeBytes, traits());
        if (isWrong) throw new Fault('bug', 'asking.blocks', `${answer.blocks.length} blocks`);
        if (one !== undefined) found.set(given.requestId.slice('digest:'.length), answer.digest);
        open.delete(given.requestId);
      } else if (answer.kind === 'hashing' && answer.hashedBytes > sizeBytes) {
        throw new Fault('bug', 'asking.hashing', 'more was hashed than there is');
      }
      if (one !== undefined) more();
    },
    become: (next) => {
      state = next;
      if (next === 'open') for (const { ask: one } of open.values()) say(one);
      if (next === 'open') more();
    },
  };
}

function plannedReads(sizeBytes: number, { readBytes, habits, sample }: AskingTraits): ByteRange[] {
  if (sample !== undefined) return [...sample.ranges(sizeBytes)];
  if (sizeBytes === 0) return habits.has('past the end') ? [{ start: 0, end: 0 }] : [];
  const count = Math.ceil(sizeBytes / readBytes);
  const overlap = habits.has('overlaps') ? Math.ceil(readBytes / 4) : 0;
  const ranges = Array.from({ length: count }, (_, index) => ({
    start: Math.max(0, index * readBytes - overlap),
    end: Math.min(sizeBytes, (index + 1) * readBytes),
  }));
  const last = ranges.at(-1);
  if (habits.has('past the end') && last !== undefined) {
    ranges[ranges.length - 1] = { start: last.start, end: sizeBytes + readBytes };
    ranges.push({ start: sizeBytes, end: sizeBytes }, { start: sizeBytes + 5, end: sizeBytes + 10 });
  }
  return habits.has('out of order') ? ranges.reverse() : ranges;
}

function digestAsks(id: string, { digests, blockBytes }: AskingTraits, { digests: known }: Item): FileDigestAsk[] {
  return digests
    .filter((algorithm) => known[algorithm] === undefined || (algorithm === 'md5' && blockBytes !== undefined))
    .map((algorithm) => {
      const isPlain = algorithm === 'sha1' || blockBytes === undefined;
      return {
        kind: 'digest',
        remoteId: id,
        requestId: `digest:${algorithm}`,
        algorithm: isPlain ? algorithm : null,
        hasher: () => (isPlain ? plainHasher(algorithm) : blockHasher(blockBytes)),
      };
    });
}

function plainHasher(algorithm: 'sha1' | 'md5'): AskHasher {
  const hash = createHash(algorithm);
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    digest: () => ({ value: hash.digest('hex'), blocks: [] }),
  };
}

function blockHasher(blockBytes: number): AskHasher {
  const pieces: Uint8Array[] = [];
  return {
    update: (bytes) => {
      pieces.push(bytes.slice());
    },
    digest: () => {
      const whole = Buffer.concat(pieces);
      const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
      const blocks = Array.from({ length: Math.ceil(whole.length / blockBytes) }, (_, index) =>
        md5(whole.subarray(index * blockBytes, (index + 1) * blockBytes)),
      );
      return { value: md5(whole), blocks };
    },
  };
}

const blockCount = (sizeBytes: number, { blockBytes }: AskingTraits): number =>
  blockBytes === undefined ? 0 : Math.ceil(sizeBytes / blockBytes);

function clipped({ start, end }: ByteRange, sizeBytes: number): ByteRange {
  return { start: Math.min(start, sizeBytes), end: Math.min(end, sizeBytes) };
}

function without(ranges: readonly ByteRange[], taken: ByteRange): readonly ByteRange[] {
  return ranges
    .flatMap(({ start, end }) => [
      { start, end: Math.min(end, taken.start) },
      { start: Math.max(start, taken.end), end },
    ])
    .filter(({ start, end }) => end > start);
}

function sum(ranges: readonly ByteRange[]): number {
  return ranges.reduce((total, { start, end }) => total + end - start, 0);
}

async function bytesFrom(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Uint8Array> {
  const reader = stream.getReader();
  const pieces: Uint8Array[] = [];
  const onAbort = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return Buffer.concat(pieces);
      pieces.push(value);
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
