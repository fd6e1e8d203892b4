/** Which chunks are still to be sent, and which of them to have signed next. */
import type { ChunkTicket } from '#core/wire/upload.ts';

/** The most that one call of `…/sign` takes. */
export const WINDOW_MAX = 64;
const WINDOW_MIN = 8;
/** A window holds what the line can take in this time: a third of a presigned URL's life, so that few expire unused. */
const WINDOW_SECONDS = 300;
/**
 * A ticket is begun with until it is this old. Its own `expiresAt` is the server's clock, which a browser's may be hours
 * away from; a server that signs for a shorter time answers 403, and the chunk gets a fresh ticket.
 */
const TICKET_AGE_MS = 8 * 60_000;

export interface HeldTicket {
  readonly ticket: ChunkTicket;
  readonly receivedAtMs: number;
}

/** The chunks 1 to `count` of an upload: each is to do, in flight, or staged. */
export interface ChunkSet {
  readonly count: number;
  /** The lowest chunk that is to do, or null. */
  next(): number | null;
  begin(number: number): void;
  /** Back to the chunks to do. */
  giveBack(number: number): void;
  staged(number: number): void;
  /** What the server listed, as inclusive ranges. Chunks in flight stay so; others not listed are to do again. */
  adopt(ranges: readonly (readonly [number, number])[]): void;
  readonly toDo: number;
  readonly inFlight: number;
  isStaged(number: number): boolean;
  /** Up to `limit` numbers that are to do, ascending. */
  firstToDo(limit: number): number[];
}

const TO_DO = 0;
const IN_FLIGHT = 1;
const STAGED = 2;

export function chunkSet(count: number): ChunkSet {
  const states = new Uint8Array(count + 1);
  let toDo = count;
  let inFlight = 0;
  let lowest = 1;

  function move(number: number, to: number): void {
    const from = states[number];
    if (from === undefined || number < 1 || from === to) return;
    if (from === TO_DO) toDo -= 1;
    if (from === IN_FLIGHT) inFlight -= 1;
    if (to === TO_DO) {
      toDo += 1;
      lowest = Math.min(lowest, number);
    }
    if (to === IN_FLIGHT) inFlight += 1;
    states[number] = to;
  }

  function firstToDo(limit: number): number[] {
    const numbers: number[] = [];
    while (lowest <= count && states[lowest] !== TO_DO) lowest += 1;
    for (let number = lowest; number <= count && numbers.length < limit; number += 1) {
      if (states[number] === TO_DO) numbers.push(number);
    }
    return numbers;
  }

  return {
    count,
    next: () => firstToDo(1)[0] ?? null,
    begin: (number) => move(number, IN_FLIGHT),
    giveBack: (number) => move(number, TO_DO),
    staged: (number) => move(number, STAGED),
    adopt(ranges) {
      const listed = new Uint8Array(count + 1);
      for (const [first, last] of ranges) listed.fill(1, Math.max(1, first), Math.min(count, last) + 1);
      for (let number = 1; number <= count; number += 1) {
        if (listed[number]) move(number, STAGED);
        else if (states[number] === STAGED) move(number, TO_DO);
      }
    },
    get toDo() {
      return toDo;
    },
    get inFlight() {
      return inFlight;
    },
    isStaged: (number) => states[number] === STAGED,
    firstToDo,
  };
}

/** True when the ticket may still be begun with. */
export function isUsable(held: HeldTicket | undefined, nowMs: number): held is HeldTicket {
  return held !== undefined && nowMs - held.receivedAtMs < TICKET_AGE_MS;
}

/** How many chunks to have signed in one call, 8 to 64: what the line takes in five minutes. */
export function windowSize(bytesPerSecond: number, chunkBytes: number): number {
  const fits = Math.ceil((bytesPerSecond * WINDOW_SECONDS) / chunkBytes);
  return Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, fits));
}

/** Numbers to have signed next, ascending: the lowest that are to do and hold no usable ticket, `limit` at most. */
export function numbersToSign(
  chunks: ChunkSet,
  held: ReadonlyMap<number, HeldTicket>,
  limit: number,
  nowMs: number,
): number[] {
  const unsigned = chunks.firstToDo(WINDOW_MAX).filter((number) => !isUsable(held.get(number), nowMs));
  return unsigned.slice(0, limit);
}
