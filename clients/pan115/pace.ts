/** How fast one account may be asked: 115 counts by account, over all of its endpoints. */
import { Fault } from '#core/fault.ts';

/** The part of a clock that pacing needs. Epoch milliseconds; `sleep` rejects with the signal's reason. */
export interface PaceClock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Pace {
  /** Resolves when a request may go. Throws Fault `throttled` `pan115.limited` when that would take more than 30 s. */
  turn(signal: AbortSignal): Promise<void>;
  /** Lets nothing go for so long. */
  holdOff(ms: number): void;
}

/** About half of what an account was seen to sustain. */
const PER_SECOND = 2;
/** Who waits holds a lease: past this it is put back into the queue. This also bounds how many wait. */
const WAIT_MAX_MS = 30_000;

/** One per account, shared by all that ask in its name. */
export function pace({
  clock,
  perSecond = PER_SECOND,
}: {
  readonly clock: PaceClock;
  readonly perSecond?: number;
}): Pace {
  let nextAtMs = 0;
  return {
    turn: async (signal) => {
      signal.throwIfAborted();
      const now = clock.now();
      const waitMs = Math.max(0, nextAtMs - now);
      if (waitMs > WAIT_MAX_MS) {
        throw new Fault('throttled', 'pan115.limited', 'this 115 account is asked too often: it goes on by itself', {
          retryAfterMs: waitMs,
        });
      }
      nextAtMs = now + waitMs + 1000 / perSecond;
      if (waitMs > 0) await clock.sleep(waitMs, signal);
    },
    holdOff: (ms) => {
      nextAtMs = Math.max(nextAtMs, clock.now() + ms);
    },
  };
}
