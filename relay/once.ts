/** Whether something is seen for the first time: here, or by any of several relays. */
import type { Clock } from '#core/ports/clock.ts';

/** Answers true once for each id, and false ever after, up to `untilMs`, after which nobody asks. */
export type Once = (id: string, untilMs: number) => Promise<boolean>;

export interface OnceAmongPorts {
  readonly here: Once;
  /** True for the first of all who take this name within `ttlMs`. Bounded in time; rejects when it cannot be known. */
  readonly take: (name: string, ttlMs: number) => Promise<boolean>;
  readonly clock: Pick<Clock, 'now'>;
  readonly onUnknown: (error: unknown) => void;
}

/** Far more than come in 30 s; beyond it everything counts as seen until the oldest are over. */
const REMEMBERED_MAX = 10_000;
/** By so much may the clocks of two relays differ. */
const SKEW_MAX_MS = 60_000;

export function onceHere(clock: Pick<Clock, 'now'>): Once {
  /** Id and end, in the order of seeing. */
  const seen = new Map<string, number>();

  function forgetOver(): void {
    for (const [id, untilMs] of seen) if (untilMs <= clock.now()) seen.delete(id);
  }

  return async (id, untilMs) => {
    if (seen.has(id)) return false;
    if (seen.size >= REMEMBERED_MAX) forgetOver();
    if (seen.size >= REMEMBERED_MAX) return false;
    seen.set(id, untilMs);
    return true;
  };
}

/** Where it cannot be known whether another relay has seen it, this one decides alone. */
export function onceAmong({ here, take, clock, onUnknown }: OnceAmongPorts): Once {
  return async (id, untilMs) => {
    if (!(await here(id, untilMs))) return false;
    try {
      return await take(id, untilMs - clock.now() + SKEW_MAX_MS);
    } catch (error) {
      onUnknown(error);
      return true;
    }
  };
}
