/** Time and chance: the two things a simulation must own. */

/**
 * Laws: `now` is epoch milliseconds and never goes back; `sleep` resolves no earlier than `ms` later and rejects with the
 * signal's reason as soon as it aborts; `random` is uniform in [0, 1).
 */
export interface Clock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
}
