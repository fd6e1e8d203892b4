/** How long to wait before the next try. Pure: the random number comes in. */

/** Tries of one request before its failure is the file's failure. */
export const TRIES_MAX = 8;
const FLOOR_MS = 500;
const CAP_MS = 30_000;
/** A server that asks for more than this is asked again anyway. */
const RETRY_AFTER_CAP_MS = 120_000;

/**
 * Milliseconds to wait after failure number `failures` (1, 2, …): full jitter between 0.5 s and 1, 2, 4 … 30 s.
 * A `Retry-After` of the server is the least; up to a second is added, so that its clients do not come back as one.
 */
export function backoffMs(failures: number, random: number, retryAfterMs?: number): number {
  if (retryAfterMs !== undefined) return Math.min(retryAfterMs, RETRY_AFTER_CAP_MS) + random * 1000;
  const ceilingMs = Math.min(CAP_MS, 1000 * 2 ** (Math.max(1, failures) - 1));
  return FLOOR_MS + random * (ceilingMs - FLOOR_MS);
}

/** Milliseconds of a `Retry-After` header, in seconds or as a date. Undefined when absent or unreadable. */
export function retryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  if (!header) return undefined;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
