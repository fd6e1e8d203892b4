/** A part whose bytes are read straight from the bucket, object by object, as its driver reads them. */
import { isBucketFault, type PartLink } from '#clients/agents/links.ts';
import { Fault, type FaultKind, toFault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { PartBody } from '#core/ports/provider.ts';
import type { BucketBytes, BucketDoor } from './bucket-door.ts';
import type { PartHead } from './part.ts';
import { passed } from './passed-bytes.ts';

export interface PullParts {
  readonly head: PartHead;
  readonly door: BucketDoor;
  /** Asks the home, each time anew: what it answers is good for minutes. */
  readonly locate: (from: number) => Promise<PartLink>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** So many more have come; told now and then, and at the end. */
  readonly onBytes: (sizeBytes: number) => void;
  /** The bucket cannot be had from here; told once for each stream. */
  readonly onUnreached: (fault: Fault) => void;
  /** The same part over the line, where the bucket cannot be had from the beginning on; null: there is no such way. */
  readonly line: PartBody | null;
}

export interface PulledPart {
  readonly body: PartBody;
  /** What went wrong with the staged bytes, however the driver reports it. */
  readonly sourceFault: () => Fault | null;
}

/** In a row, without a MiB in between: a store that sends some and breaks is asked on and on, and comes to the end. */
const TRIES = 3;
const PROGRESS_BYTES = 1024 * 1024;
const PAUSE_MS = 250;

export function pulledPart(parts: PullParts): PulledPart {
  const { head, line, onUnreached } = parts;
  let sourceFault: Fault | null = null;
  let isUnreached = false;

  function noted(error: unknown): unknown {
    if (error instanceof Fault && isBucketFault(error)) {
      if (!isUnreached) onUnreached(error);
      isUnreached = true;
    } else if (error instanceof Fault && error.code.startsWith('staging.')) {
      sourceFault = error;
    }
    return error;
  }

  async function open(): Promise<ReadableStream<Uint8Array>> {
    if (isUnreached && line !== null) return line.open();
    const bytes = pieces(parts);
    let first: Uint8Array | null;
    try {
      first = await bytes.next();
    } catch (error) {
      noted(error);
      if (isUnreached && line !== null && !parts.signal.aborted) return line.open();
      throw error;
    }
    return streamOf(first, bytes, noted);
  }

  return { body: { ...head, open }, sourceFault: () => sourceFault };
}

/** A broken reading goes on at the byte where it broke. */
function pieces({ head, door, locate, clock, signal, onBytes }: PullParts): BucketBytes {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  let current: BucketBytes | null = null;
  let at = 0;
  let failures = 0;
  let brokeAt = 0;
  let toldAt = 0;

  function tell(): void {
    if (at > toldAt) onBytes(at - toldAt);
    toldAt = at;
  }

  async function some(): Promise<Uint8Array | null> {
    while (at < head.sizeBytes) {
      stop.throwIfAborted();
      current ??= await door.read(await locate(at), stop);
      const piece = await current.next();
      if (piece !== null) return piece;
      current = null;
    }
    return null;
  }

  return {
    next: async () => {
      for (;;) {
        try {
          const piece = await some();
          at += piece?.byteLength ?? 0;
          passed(piece?.byteLength ?? 0);
          if (piece === null || at - toldAt >= TOLD_BYTES) tell();
          return piece;
        } catch (error) {
          stop.throwIfAborted();
          current?.cancel();
          current = null;
          failures = at - brokeAt >= PROGRESS_BYTES ? 1 : failures + 1;
          brokeAt = at;
          if (failures >= TRIES || !AGAIN.has(toFault(error).kind)) throw error;
          await clock.sleep(PAUSE_MS * 2 ** failures, stop);
        }
      }
    },
    cancel: () => {
      tell();
      over.abort(new Error('the driver does not want the rest'));
    },
  };
}

const TOLD_BYTES = 1024 * 1024;
const AGAIN: ReadonlySet<FaultKind> = new Set(['transient', 'throttled']);

function streamOf(
  first: Uint8Array | null,
  bytes: BucketBytes,
  noted: (error: unknown) => unknown,
): ReadableStream<Uint8Array> {
  let ahead: Uint8Array | null | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const piece = ahead === undefined ? await bytes.next().catch((error) => Promise.reject(noted(error))) : ahead;
        ahead = undefined;
        if (piece === null) controller.close();
        else controller.enqueue(piece);
      },
      cancel: bytes.cancel,
    },
    { highWaterMark: 0 },
  );
}
