/** A limit on the rate of bytes in one direction, shared by every request, in the order in which they ask. */

export interface Throttle {
  /** Resolves when `bytes` more may pass. Resolves at once without a limit. */
  take(bytes: number): Promise<void>;
  /** The most that should be taken at once, so that one request does not move in jerks. */
  readonly sliceBytes: number;
}

/** Bursts are bounded by a twentieth of a second of the rate. Throws RangeError for a rate that is no positive number. */
export function throttle(bytesPerSecond: number | undefined): Throttle {
  if (bytesPerSecond === undefined) return { take: () => Promise.resolve(), sliceBytes: Number.POSITIVE_INFINITY };
  if (!(bytesPerSecond > 0)) throw new RangeError(`bytesPerSecond is ${bytesPerSecond}`);
  const msPerByte = 1000 / bytesPerSecond;
  let freeAtMs = 0;
  return {
    sliceBytes: Math.max(1, Math.floor((bytesPerSecond * BURST_MS) / 1000)),
    take(bytes) {
      const nowMs = performance.now();
      const startMs = Math.max(freeAtMs, nowMs - BURST_MS);
      freeAtMs = startMs + bytes * msPerByte;
      const waitMs = freeAtMs - nowMs;
      return waitMs <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, waitMs));
    },
  };
}

const BURST_MS = 50;
