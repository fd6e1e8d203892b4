/** Answers one transfer's questions: several at once, each only once at a time, none before its bytes are staged. */
import { Fault, toFault } from '#core/fault.ts';
import type { Answer, FileDigestAsk, Item, ReadAsk, ServeProvider } from '#core/ports/provider.ts';
import type { ByteRange } from '#core/ports/staging.ts';
import { backoffMs, isWorthRetrying } from '../backoff.ts';
import { type Engine, MARGIN_MS } from '../engine.ts';
import { stagedPart } from '../part-body.ts';
import { coverage } from './coverage.ts';
import { type Digesting, digesting } from './digesting.ts';
import { type Slots, slots } from './slots.ts';
import type { StagedWait } from './staged-wait.ts';
import { ANSWER_MS, ANSWER_TRIES, OPEN_ASKS_MAX, READS_PER_FILE, SLICE_BYTES } from './terms.ts';

export interface AnsweringParts {
  readonly engine: Engine;
  readonly provider: ServeProvider;
  readonly item: Item;
  readonly staged: StagedWait;
  /** Shared by everything that this process serves. */
  readonly reads: Slots;
  /** Called when something has come of an answer. */
  readonly onNews: () => void;
  readonly signal: AbortSignal;
}

export interface Answering {
  /** Begins to answer. What is being answered already goes on, and is not begun again. */
  begin(ask: ReadAsk | FileDigestAsk): void;
  /** Questions under way. */
  size(): number;
  /** A digest is being computed. */
  isHashing(): boolean;
  /** Bytes of the file that the destination has taken here, each counted once. */
  takenBytes(): number;
  /** Bytes that have been taken or hashed, those that were so twice twice. */
  movedBytes(): number;
  /** Questions were dropped because too many were open: they have to be asked again. */
  takeDropped(): boolean;
  /** What cannot be answered any more. */
  fault(): Fault | null;
  /** The answers under way are given up; resolves when none is, or when one will not let go. */
  stop(): Promise<void>;
}

/** What an answer's work may use. */
export interface AnswerTools extends AnsweringParts {
  /** So many bytes have been hashed. */
  moved(count: number): void;
  /** Does it, and again when it fails, a few times. Throws what then has to be dealt with by whoever serves. */
  patiently(signal: AbortSignal, work: (signal: AbortSignal) => Promise<void>): Promise<void>;
  /** A place among the reads of the process and of this transfer, for the time of the work. */
  inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

export function answering(parts: AnsweringParts): Answering {
  const { engine, onNews } = parts;
  const stopped = new AbortController();
  const signal = AbortSignal.any([parts.signal, stopped.signal]);
  const open = new Map<string, { readonly done: Promise<void>; readonly digesting: Digesting | null }>();
  const answered = new Map<string, Answer & { kind: 'digest' }>();
  const taken = coverage();
  const own = slots(READS_PER_FILE);
  let moved = 0;
  let fault: Fault | null = null;
  let isDropped = false;

  const tools: AnswerTools = {
    ...parts,
    moved: (count) => {
      moved += count;
    },
    patiently: async (while_, work) => {
      for (let tries = 1; ; tries++) {
        try {
          return await work(while_);
        } catch (error) {
          while_.throwIfAborted();
          const found = toFault(error);
          if (tries >= ANSWER_TRIES || !isWorthRetrying(found, tries)) throw found;
          engine.log.error('answer.fault', { transferId: parts.item.transferId, kind: found.kind, code: found.code });
          await engine.clock.sleep(backoffMs(engine.clock, found, tries), while_);
        }
      }
    },
    inTurn: async (while_, work) => {
      const leaveOwn = await own.take(while_);
      try {
        const leave = await parts.reads.take(while_);
        try {
          return await work();
        } finally {
          leave();
        }
      } finally {
        leaveOwn();
      }
    },
  };

  const give = (ask: ReadAsk | FileDigestAsk, answer: Answer, while_: AbortSignal): Promise<void> =>
    within(engine, ANSWER_MS, while_, (limited) => parts.provider.answer(ask, answer, { signal: limited }));

  async function read(ask: ReadAsk): Promise<void> {
    const { sizeBytes } = parts.item;
    const end = Math.min(ask.range.end, sizeBytes);
    let at = Math.min(ask.range.start, end);
    do {
      const slice = { start: at, end: Math.min(at + SLICE_BYTES, end) };
      await tools.patiently(signal, (while_) => giveBytes(ask, slice, while_));
      taken.add(slice);
      moved += slice.end - slice.start;
      onNews();
      at = slice.end;
    } while (at < end);
  }

  async function giveBytes(ask: ReadAsk, range: ByteRange, while_: AbortSignal): Promise<void> {
    const { item, staged } = parts;
    await staged.covered(range, while_);
    await tools.inTurn(while_, async () => {
      const part = stagedPart(engine.source, staged.window, { number: 1, range }, while_, () => {});
      try {
        await give(ask, { kind: 'bytes', range, sizeBytes: item.sizeBytes, open: part.body.open }, while_);
      } catch (error) {
        throw part.sourceFault() ?? error;
      }
    });
  }

  async function digest(ask: FileDigestAsk, work: Digesting): Promise<void> {
    const answer = answered.get(ask.requestId) ?? (await work.answer(signal));
    await tools.patiently(signal, (while_) => give(ask, answer, while_));
    answered.set(ask.requestId, answer);
  }

  async function settle(requestId: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!signal.aborted) fault ??= toFault(error);
    } finally {
      open.delete(requestId);
      onNews();
    }
  }

  return {
    begin: (ask) => {
      const known = open.get(ask.requestId);
      known?.digesting?.tell();
      if (known !== undefined || signal.aborted) return;
      if (open.size >= OPEN_ASKS_MAX) {
        isDropped = true;
        return;
      }
      const work = ask.kind === 'digest' ? digesting(tools, ask) : null;
      const doing = ask.kind === 'read' ? read(ask) : work === null ? Promise.resolve() : digest(ask, work);
      open.set(ask.requestId, { done: settle(ask.requestId, doing), digesting: work });
    },
    size: () => open.size,
    isHashing: () => [...open.values()].some((one) => one.digesting !== null),
    takenBytes: taken.bytes,
    movedBytes: () => moved,
    takeDropped: () => {
      const was = isDropped;
      isDropped = false;
      return was;
    },
    fault: () => fault,
    stop: async () => {
      stopped.abort(new Error('nobody answers any more'));
      const over = new AbortController();
      const late = engine.clock.sleep(MARGIN_MS, over.signal).then(
        () => engine.log.error('answer.ignores_abort', { transferId: parts.item.transferId }),
        () => undefined,
      );
      await Promise.race([late, Promise.all([...open.values()].map(({ done }) => done))]);
      over.abort('over');
    },
  };
}

/** What does not end in time is told to stop, and fails as something that may be tried again. */
async function within(
  { clock }: Engine,
  ms: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const late = new AbortController();
  const over = new AbortController();
  const fault = new Fault('transient', 'serve.answer_late', 'the destination has not taken an answer for minutes');
  const timer = clock.sleep(ms, over.signal).then(
    () => late.abort(fault),
    () => undefined,
  );
  try {
    await work(AbortSignal.any([signal, late.signal]));
  } finally {
    over.abort('over');
    await timer;
  }
}
