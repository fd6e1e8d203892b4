/** What the engine works with, and its constants. */
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Destinations } from '#core/ports/destinations.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import type { Log } from '#core/ports/log.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import type { StagingSource } from '#core/ports/staging.ts';
import type { WorkTable } from '#core/ports/work-table.ts';

export interface Limits {
  /** Files of one destination that move at once: `MAX_CONCURRENT_UPLOADS`. */
  readonly files: number;
  /** Parts of one file that move at once: `MAX_CONCURRENT_PARTS`. */
  readonly parts: number;
  /** Parts that one function drives: more than this is spread over stripes. */
  readonly functionParts: number;
  /**
   * How long after `finish` was first called a holder that took over waits before it repeats it: another one may still be in the
   * middle of it. 0 where a dead holder is known to be dead, as after a restart on one machine.
   */
  readonly finishPatienceMs: number;
}

export interface Engine {
  readonly table: WorkTable;
  readonly cells: Cells;
  readonly source: StagingSource;
  readonly dispatcher: Dispatcher;
  readonly destinations: Destinations;
  readonly progress: ProgressSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  /** `{bootId}/{nonce}`: a name that no other claim ever has. */
  newHolder(): string;
}

/** How long one call may work. */
export interface Budget {
  /** Until no new part should be started, less what an orderly hand-over takes. */
  remainingMs(): number;
  /** Aborts when the function is about to be stopped. */
  readonly signal: AbortSignal;
}

export const LEASE_MS = 60_000;
export const RENEW_MS = 20_000;
/** Effects stop this long before the lease runs out, so that no clock within 5 s of ours sees two holders. */
export const MARGIN_MS = 10_000;
/** By which two clocks may differ. */
export const SKEW_MS = 5_000;

/** Receipts are committed when this much time has passed, or a wave of parts has landed. */
export const COMMIT_MS = 2_000;
/** A driver without a ready part looks again this often, this long, before it lets go. */
export const LINGER_MS = 2_000;
export const LINGER_STEP_MS = 250;

/** A waiting transfer looks by itself after twice its idle time, within these bounds. */
const IDLE_LEAST_MS = 60_000;
const IDLE_MOST_MS = 60 * 60_000;

/** A paused transfer looks by itself this often, should the end of its pause have been missed. */
export const PAUSE_LOOK_MS = 60 * 60_000;
/** How long a cancel waits for drivers to see it before it looks again. */
export const CANCEL_LOOK_MS = 5_000;

export const MAX_SESSIONS = 3;
export const MAX_ROUNDS = 8;

export function idleDelayMs(idleMs: number): number {
  return Math.min(IDLE_MOST_MS, Math.max(IDLE_LEAST_MS, 2 * idleMs));
}
