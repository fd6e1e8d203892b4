/** The rate that viewers see. */

/** About the last five seconds count. */
const WINDOW_MS = 5_000;

/** Bytes per second, after so many more bytes in so many milliseconds (1 or more). */
export function smoothed(rate: number, bytes: number, elapsedMs: number): number {
  const weight = Math.min(1, elapsedMs / WINDOW_MS);
  return Math.round(rate * (1 - weight) + (bytes / elapsedMs) * 1000 * weight);
}
