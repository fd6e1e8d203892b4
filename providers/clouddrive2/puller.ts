/**
 * Files that we carry by ourselves: each is asked for from its beginning to its end, one range after the other, and poured into a
 * sink. The server asks for nothing here, so that the asking is ours.
 */
import { Fault } from '#core/fault.ts';
import type { Answer, Ask, FileDigestAsk, Item, ReadAsk } from '#core/ports/provider.ts';
import type { ByteRange } from '#core/ports/staging.ts';
import { chunksOf } from './chunks.ts';
import { AREA } from './faults.ts';

/** Where the bytes of one file go. Calls never overlap. */
export interface Sink {
  /** Most bytes of one ask. */
  readonly askBytes: number;
  /** `one-go`: begins only when the file's last byte is there, because it cannot stand still, and after a failure at the beginning. */
  readonly manner: 'resumable' | 'one-go';
  /** How many of the file's first bytes it holds: asking goes on behind them. */
  held(signal: AbortSignal): Promise<number>;
  /** Resolves when the bytes are taken. A range that starts at 0 begins anew. */
  write(range: ByteRange, bytes: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Checks what it has and gives it its name. Repeatable. */
  finish(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface Puller {
  attach(remoteId: string, item: Item, sink: Sink, signal: AbortSignal): Promise<void>;
  /** Ends what is under way and lets the sink go. Resolves when that is done. */
  detach(remoteId: string): Promise<void>;
  hold(remoteId: string, what: 'pause' | 'resume'): void;
  answer(ask: ReadAsk | FileDigestAsk, answer: Answer, signal: AbortSignal): Promise<void>;
  outstanding(): readonly Ask[];
  /** Of a file that is carried now and not finished; null of any other. */
  heldBytes(remoteId: string): number | null;
}

interface Pull {
  readonly remoteId: string;
  readonly sizeBytes: number;
  readonly sink: Sink;
  /** All before it is in the sink. */
  heldBytes: number;
  /** How often it had to begin anew. */
  falls: number;
  /** The look at the end of the file is over, or was not needed. */
  isEndThere: boolean;
  isPaused: boolean;
  isFinished: boolean;
  readonly letGo: AbortController;
  /** The end of what is under way. */
  working: Promise<unknown>;
}

export function puller(tell: (ask: Ask) => void): Puller {
  const pulls = new Map<string, Pull>();

  function askNext(pull: Pull): void {
    const ask = nextOf(pull);
    if (ask !== null) tell(ask);
  }

  async function take(
    pull: Pull,
    ask: ReadAsk,
    answer: Answer & { kind: 'bytes' },
    signal: AbortSignal,
  ): Promise<void> {
    if (pull.isFinished) return;
    if (ask.requestId === END) {
      if (pull.isEndThere) return;
      await drained(await answer.open(), signal);
      pull.isEndThere = true;
      askNext(pull);
      return;
    }
    const { range } = answer;
    const isNews = range.end > pull.heldBytes;
    if (isNews && range.start > pull.heldBytes && pull.falls > 0 && pull.falls < FALLS_MAX) {
      // What was begun before the fall is passed by, to its end.
      if (range.end >= ask.range.end) askNext(pull);
      return;
    }
    if (isNews) await pour(pull, answer, signal);
    if (pull.heldBytes === pull.sizeBytes) {
      await pull.sink.finish(signal);
      pull.isFinished = true;
      tell({ kind: 'progress', remoteId: pull.remoteId, heldBytes: pull.sizeBytes });
      tell({ kind: 'ended', remoteId: pull.remoteId, fault: null });
      return;
    }
    if (!isNews) return;
    tell({ kind: 'progress', remoteId: pull.remoteId, heldBytes: pull.heldBytes });
    if (range.end >= ask.range.end) askNext(pull);
  }

  return {
    attach: async (remoteId, item, sink, signal) => {
      if (pulls.has(remoteId)) return;
      const heldBytes = await sink.held(signal);
      const isEndThere = sink.manner === 'resumable' || item.sizeBytes <= heldBytes;
      const pull: Pull = {
        remoteId,
        sizeBytes: item.sizeBytes,
        sink,
        heldBytes,
        falls: 0,
        isEndThere,
        isPaused: false,
        isFinished: false,
        letGo: new AbortController(),
        working: Promise.resolve(),
      };
      if (pulls.has(remoteId)) return;
      pulls.set(remoteId, pull);
      askNext(pull);
    },
    detach: async (remoteId) => {
      const pull = pulls.get(remoteId);
      pulls.delete(remoteId);
      if (pull === undefined) return;
      pull.letGo.abort(notAttached());
      await pull.working;
      // What counts has been synced or answered before.
      await pull.sink.close().catch(() => 'lets go all the same');
    },
    hold: (remoteId, what) => {
      const pull = pulls.get(remoteId);
      const isPaused = what === 'pause';
      if (pull === undefined || pull.isPaused === isPaused) return;
      pull.isPaused = isPaused;
      askNext(pull);
    },
    answer: async (ask, answer, signal) => {
      const pull = pulls.get(ask.remoteId);
      if (pull === undefined) throw notAttached();
      if (ask.kind !== 'read' || answer.kind !== 'bytes')
        throw new Fault('bug', `${AREA}.wrong_answer`, 'bytes were asked for');
      // One after the other: a repeated answer finds its bytes taken.
      const both = AbortSignal.any([signal, pull.letGo.signal]);
      const work = pull.working.then(() => {
        both.throwIfAborted();
        return take(pull, ask, answer, both);
      });
      pull.working = work.catch(() => 'told to whoever answered');
      await work;
    },
    heldBytes: (remoteId) => {
      const pull = pulls.get(remoteId);
      return pull === undefined || pull.isFinished ? null : pull.heldBytes;
    },
    outstanding: () => [...pulls.values()].map(nextOf).filter((ask) => ask !== null),
  };
}

function notAttached(): Fault {
  return new Fault('gone', `${AREA}.not_attached`, 'this file is not carried any more');
}

/** The look at the last byte is answered when the whole file is staged. */
const END = 'end';
/** Times that a file is begun anew before whoever serves it is told to let it rest. */
const FALLS_MAX = 3;

function nextOf(pull: Pull): ReadAsk | null {
  const { remoteId, sizeBytes, sink, heldBytes, falls, isEndThere, isPaused, isFinished } = pull;
  if (isPaused || isFinished) return null;
  if (!isEndThere) return { kind: 'read', remoteId, requestId: END, range: { start: sizeBytes - 1, end: sizeBytes } };
  const end = Math.min(heldBytes + sink.askBytes, sizeBytes);
  return { kind: 'read', remoteId, requestId: `at:${heldBytes}:${falls}`, range: { start: heldBytes, end } };
}

async function pour(pull: Pull, answer: Answer & { kind: 'bytes' }, signal: AbortSignal): Promise<void> {
  const { range } = answer;
  if (range.start > pull.heldBytes || (range.start < pull.heldBytes && range.start !== 0)) {
    throw new Fault('transient', `${AREA}.out_of_order`, 'bytes came that do not follow the ones before them');
  }
  try {
    await pull.sink.write(range, await answer.open(), signal);
    pull.heldBytes = range.end;
  } catch (error) {
    if (pull.sink.manner === 'one-go' && range.start > 0) {
      pull.heldBytes = 0;
      pull.falls += 1;
    }
    throw error;
  }
}

async function drained(bytes: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<void> {
  let sizeBytes = 0;
  for await (const chunk of chunksOf(bytes, signal)) sizeBytes += chunk.length;
  if (sizeBytes !== 1) throw new Fault('transient', `${AREA}.source_length`, 'the last byte of the file did not come');
}
