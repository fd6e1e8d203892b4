/**
 * How many chunks are in flight at once. Pure: time and bytes come in, the next state comes out.
 *
 * One more is added while that raises the throughput; a step that gained nothing is taken back and not tried again for a
 * while. Trouble (429, 5xx, a stall) halves. Six is what a browser opens to one HTTP/1.1 host. On a line so fast that it would
 * be through before the first step, all six start at once; on a slow one the first chunk is to be through early, since its
 * delivery starts with it.
 */

export const IN_FLIGHT_START = 3;
export const IN_FLIGHT_MAX = 6;
/** Below the usual three only while the bucket itself asks for less. */
const IN_FLIGHT_MIN = 1;
const WINDOW_MS = 2000;
/** After a step up that gained nothing. */
const HOLD_MS = 30_000;
/** After trouble; also the time in which more trouble counts as the same. */
const COOL_MS = 5000;
const GAIN = 1.05;
/** A line is fast that takes so much within its first half second; less than these bytes may only have filled buffers. */
const FAST_BYTES_PER_SECOND = 32 * 1024 * 1024;
const FAST_BYTES = 4 * 1024 * 1024;
const FAST_MS = 500;

export interface Concurrency {
  readonly limit: number;
  readonly windowStartMs: number;
  readonly windowBytes: number;
  /** False as soon as a slot stood free in this window: its rate then says nothing about the limit. */
  readonly saturated: boolean;
  /** Bytes per second before the last step up, or null when the last window was no such trial. */
  readonly rateBefore: number | null;
  readonly holdUntilMs: number;
  readonly troubleAtMs: number;
}

export function startConcurrency(nowMs: number): Concurrency {
  return {
    limit: IN_FLIGHT_START,
    windowStartMs: nowMs,
    windowBytes: 0,
    saturated: true,
    rateBefore: null,
    holdUntilMs: 0,
    troubleAtMs: Number.NEGATIVE_INFINITY,
  };
}

/** A chunk is begun while none is in flight: time in which nobody sent says nothing about the line. */
export function onStart(state: Concurrency, nowMs: number): Concurrency {
  return { ...state, windowStartMs: nowMs, windowBytes: 0, saturated: true, rateBefore: null };
}

/** Bytes have left. `inFlight` is the number of chunks in flight now. */
export function onBytes(state: Concurrency, sentBytes: number, inFlight: number, nowMs: number): Concurrency {
  const windowBytes = state.windowBytes + sentBytes;
  const saturated = state.saturated && inFlight >= state.limit;
  const elapsedMs = nowMs - state.windowStartMs;
  if (isFast(state, windowBytes, elapsedMs)) return { ...state, windowBytes, saturated, limit: IN_FLIGHT_MAX };
  if (elapsedMs < WINDOW_MS) return { ...state, windowBytes, saturated };
  const fresh = { ...state, windowStartMs: nowMs, windowBytes: 0, saturated: true };
  if (!saturated) return { ...fresh, rateBefore: null };
  const rate = (windowBytes * 1000) / elapsedMs;
  if (state.rateBefore !== null && rate < state.rateBefore * GAIN) {
    return {
      ...fresh,
      limit: Math.max(IN_FLIGHT_MIN, state.limit - 1),
      rateBefore: null,
      holdUntilMs: nowMs + HOLD_MS,
    };
  }
  if (state.limit >= IN_FLIGHT_MAX || nowMs < state.holdUntilMs) return { ...fresh, rateBefore: null };
  return { ...fresh, limit: state.limit + 1, rateBefore: rate };
}

/** The bucket asked for less, or a chunk stood still. Chunks that fail together halve the limit once. */
export function onTrouble(state: Concurrency, nowMs: number): Concurrency {
  if (nowMs - state.troubleAtMs < COOL_MS) return state;
  return {
    ...state,
    limit: Math.max(IN_FLIGHT_MIN, Math.floor(state.limit / 2)),
    windowStartMs: nowMs,
    windowBytes: 0,
    saturated: true,
    rateBefore: null,
    holdUntilMs: nowMs + COOL_MS,
    troubleAtMs: nowMs,
  };
}

function isFast({ troubleAtMs }: Concurrency, windowBytes: number, elapsedMs: number): boolean {
  const isFirst = elapsedMs < FAST_MS && troubleAtMs === Number.NEGATIVE_INFINITY;
  return isFirst && windowBytes >= FAST_BYTES && windowBytes * 1000 >= FAST_BYTES_PER_SECOND * elapsedMs;
}
