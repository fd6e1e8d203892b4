/** How fast one account may be asked: 115 counts by account, over all of its endpoints and all who ask in its name. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { alone, change, type PaceClock, type Shared } from '../shared.ts';

export interface Pace {
  /** Resolves when a request may go. Throws Fault `throttled` `pan115.limited` when that would take more than 30 s. */
  turn(signal: AbortSignal): Promise<void>;
  /** Lets nothing go for so long, in any process. Never rejects. */
  holdOff(ms: number): Promise<void>;
}

/** About half of what an account was seen to sustain. */
const PER_SECOND = 2;
/** Who waits holds a lease: past this it is put back into the queue. This also bounds how many wait. */
const WAIT_MAX_MS = 30_000;

const Booked = z.object({ nextAtMs: z.number() });

interface Waiting {
  readonly resolve: (atMs: number) => void;
  readonly reject: (reason: unknown) => void;
}

/** One per account and process. All that wait when a booking begins are booked by one write, each at a moment of its own. */
export function pace({
  clock,
  perSecond = PER_SECOND,
  shared = alone(),
}: {
  readonly clock: PaceClock;
  readonly perSecond?: number;
  readonly shared?: Shared;
}): Pace {
  const everyMs = 1000 / perSecond;
  let waiting: Waiting[] = [];
  let isBooking = false;
  let quietUntilMs = 0;

  async function book(): Promise<void> {
    isBooking = true;
    while (waiting.length > 0) {
      const mine = waiting;
      waiting = [];
      await bookFor(mine).catch((error: unknown) => {
        for (const { reject } of mine) reject(error);
      });
    }
    isBooking = false;
  }

  async function bookFor(mine: readonly Waiting[]): Promise<void> {
    let firstAtMs = 0;
    let fitting = 0;
    await change({ shared, clock, area: 'pan115' }, (value) => {
      const now = clock.now();
      firstAtMs = Math.max(now, quietUntilMs, nextAtMsOf(value));
      fitting = Math.min(mine.length, Math.max(0, Math.floor((now + WAIT_MAX_MS - firstAtMs) / everyMs) + 1));
      return fitting === 0 ? null : { nextAtMs: firstAtMs + fitting * everyMs };
    });
    for (const [index, { resolve, reject }] of mine.entries()) {
      const atMs = firstAtMs + index * everyMs;
      if (index < fitting) resolve(atMs);
      else reject(askedTooOften(atMs - clock.now()));
    }
  }

  return {
    turn: async (signal) => {
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      waiting.push({ resolve, reject });
      if (!isBooking) void book();
      const waitMs = (await promise) - clock.now();
      if (waitMs > 0) await clock.sleep(waitMs, signal);
    },
    holdOff: async (ms) => {
      const untilMs = clock.now() + ms;
      quietUntilMs = Math.max(quietUntilMs, untilMs);
      const told = change({ shared, clock, area: 'pan115' }, (value) =>
        untilMs > nextAtMsOf(value) ? { nextAtMs: untilMs } : null,
      );
      // Whom it does not reach hears it from 115.
      await told.catch(() => undefined);
    },
  };
}

function nextAtMsOf(value: unknown): number {
  return Booked.safeParse(value).data?.nextAtMs ?? 0;
}

function askedTooOften(waitMs: number): Fault {
  const text = 'this 115 account is asked too often: it goes on by itself';
  return new Fault('throttled', 'pan115.limited', text, { retryAfterMs: waitMs });
}
