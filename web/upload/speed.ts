/** A smoothed rate and the time that is left at it. Pure. */

/** Half of what is shown comes from the last two seconds. */
const HALF_LIFE_MS = 2000;
/** Samples closer together than this are joined, so that a burst of progress events is one reading. */
const SAMPLE_MS = 200;

export interface Speed {
  readonly bytesPerSecond: number;
  readonly sampledAtMs: number;
  readonly pendingBytes: number;
  /** Weight gathered so far: a young average is divided by it, so that it does not start from zero. */
  readonly weight: number;
}

export function startSpeed(nowMs: number): Speed {
  return { bytesPerSecond: 0, sampledAtMs: nowMs, pendingBytes: 0, weight: 0 };
}

/** `movedBytes` may be 0 (time passes) or negative (a chunk is sent again). */
export function sampleSpeed(speed: Speed, movedBytes: number, nowMs: number): Speed {
  const pendingBytes = speed.pendingBytes + movedBytes;
  const elapsedMs = nowMs - speed.sampledAtMs;
  if (elapsedMs < SAMPLE_MS) return { ...speed, pendingBytes };
  const rate = Math.max(0, (pendingBytes * 1000) / elapsedMs);
  const keep = 0.5 ** (elapsedMs / HALF_LIFE_MS);
  const weight = keep * speed.weight + (1 - keep);
  const sum = keep * speed.weight * speed.bytesPerSecond + (1 - keep) * rate;
  return { bytesPerSecond: sum / weight, sampledAtMs: nowMs, pendingBytes: 0, weight };
}

/** Whole seconds for `leftBytes`, or null when nothing moves. */
export function etaSeconds(leftBytes: number, bytesPerSecond: number): number | null {
  if (leftBytes <= 0) return 0;
  return bytesPerSecond < 1 ? null : Math.ceil(leftBytes / bytesPerSecond);
}
