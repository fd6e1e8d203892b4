/** How long to wait before asking again, and when to stop asking. */
import type { Clock } from '#core/ports/clock.ts';

/** Attempts after the first; with the waits below about 45 s in all. */
export const RETRIES_MAX = 8;
/** Of a server that names the time when it may have room again: a week, if that is a minute each time. */
export const TURNS_MAX = 7 * 24 * 60;
const FIRST_MS = 250;
const LONGEST_MS = 10_000;
/** A server that asks for more is asked again sooner. */
const ASKED_MAX_MS = 60_000;

/** Waits for a doubling time, a part of it by chance, or as long as the other side asked. Rejects when the signal aborts. */
export async function waitBefore(
  clock: Clock,
  retry: number,
  signal: AbortSignal,
  askedMs: number | null = null,
): Promise<void> {
  const doubledMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** retry);
  const ms = askedMs === null ? doubledMs * (0.5 + clock.random() / 2) : Math.min(ASKED_MAX_MS, askedMs);
  await clock.sleep(ms, signal);
}

/** `Retry-After` in seconds; dates are not used by stores. */
export function retryAfterMs(header: string | null | undefined): number | null {
  const seconds = header ? Number(header) : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}
