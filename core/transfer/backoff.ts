/** When to try again, and when to stop trying. */
import { type Fault, UNKNOWN_CODE } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';

const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;

/** Faults in a row that end an attempt: about an hour of trying, longer where the other side asks for patience. */
const MOST_TRANSIENT = 30;
const MOST_UNKNOWN = 5;
const MOST_THROTTLED = 60;

/** Full jitter between half a second and twice the last bound; never sooner than the other side asked. */
export function backoffMs(clock: Clock, fault: Fault, streak: number): number {
  const bound = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(streak, 20));
  const jittered = FIRST_MS / 2 + clock.random() * bound;
  return Math.round(Math.max(jittered, Math.min(fault.retryAfterMs ?? 0, 60 * 60_000)));
}

export function isWorthRetrying(fault: Fault, streak: number): boolean {
  if (fault.kind === 'throttled') return streak < MOST_THROTTLED;
  if (fault.kind !== 'transient') return false;
  return streak < (fault.code === UNKNOWN_CODE ? MOST_UNKNOWN : MOST_TRANSIENT);
}
