/** What the way in works with: from a client's announcement, or an object in the inbox, to rows that do work. */
import type { Clock } from '#core/ports/clock.ts';
import type { Destinations } from '#core/ports/destinations.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import type { Log } from '#core/ports/log.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import type { StagingIntake, StagingSource } from '#core/ports/staging.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import type { DigestAlgorithm } from '#core/wire/digest.ts';

export interface Intake {
  readonly table: WorkTable;
  readonly source: StagingSource;
  readonly staging: StagingIntake;
  readonly dispatcher: Dispatcher;
  readonly destinations: Destinations;
  readonly progress: ProgressSink;
  readonly clock: Clock;
  readonly log: Log;
  /** Part of the ids of inbox uploads, so that two buckets never share one. */
  readonly bucketName: string;
  /** Computed of the staged bytes of every file, for its receipt. Absent: what somebody claims or needs, and no more. */
  readonly receiptDigest?: DigestAlgorithm | undefined;
  /**
   * `guest`: somebody whom the owner has let in, and who may not use up the owner's own room. Absent: as much as there is room for.
   * Throws Fault `throttled` `uploads.too_many`.
   */
  readonly mayOpen?: (ownerId: string, transfers: number, who: 'owner' | 'guest') => Promise<void>;
}

/** A presigned put lives this long; the sweep after an upload's end waits longer. */
export const TICKET_SECONDS = 15 * 60;
/** Tickets handed out with the answer to a create: enough to start, the rest is signed as it is needed. */
export const FIRST_WINDOW = 16;
