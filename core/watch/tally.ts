/** What transfers do, counted as it is told: since this process began, and therefore from 0 after each start. */
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressFeed } from '#core/ports/progress.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { epochMs } from '#core/wire/time.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';
import { add, countedApart } from './counts.ts';

export interface Tally {
  /** The newest view of each transfer that is under way and was told of; 4,096 at most. */
  readonly underWay: ReadonlyMap<TransferId, TransferView>;
  /** Bytes that arrived, by destination. */
  readonly movedBytes: ReadonlyMap<string, number>;
  /** Of one destination; null where it is not counted apart. */
  movedTo(destinationId: string): number | null;
  /** By status, and failures by code. */
  readonly ended: ReadonlyMap<string, number>;
  readonly failures: ReadonlyMap<string, number>;
  /** From the first session to the end, of those that were delivered. */
  readonly delivered: { readonly count: number; readonly seconds: number };
}

const UNDER_WAY_MAX = 4_096;
const ENDED_MAX = 4_096;
/** Destinations and codes that are counted apart; what comes after them is `other`. */
const NAMES_MAX = 128;

/** Listens for as long as the process lives. */
export function tallyOf(feed: ProgressFeed, clock: Clock): Tally {
  const startedAtMs = clock.now();
  const underWay = new Map<TransferId, TransferView>();
  /** Bytes that had arrived when a transfer failed: a retry goes on from there. */
  const failedAt = new Map<TransferId, number>();
  /** Ends that were counted: the same one may be told twice. */
  const told = new Set<string>();
  const movedBytes = new Map<string, number>();
  const ended = new Map<string, number>();
  const failures = new Map<string, number>();
  const delivered = { count: 0, seconds: 0 };

  function move(view: TransferView): void {
    const seen = underWay.get(view.id);
    const isOld = view.startedAt !== null && epochMs(view.startedAt) < startedAtMs;
    // What was there before this process was, it has not moved.
    const before = seen?.movedBytes ?? failedAt.get(view.id) ?? (isOld ? view.movedBytes : 0);
    failedAt.delete(view.id);
    if (!view.instant) add(movedBytes, view.destinationId, Math.max(0, view.movedBytes - before), NAMES_MAX);
  }

  function end(view: TransferView, endedAt: string): void {
    underWay.delete(view.id);
    add(ended, view.status, 1, NAMES_MAX);
    if (view.error !== null) add(failures, view.error.code, 1, NAMES_MAX);
    if (view.status === 'failed') {
      failedAt.set(view.id, view.movedBytes);
      dropOldest(failedAt, ENDED_MAX);
    }
    if (view.status !== 'success' || view.startedAt === null) return;
    delivered.count += 1;
    delivered.seconds += Math.max(0, epochMs(endedAt) - epochMs(view.startedAt)) / 1000;
  }

  function take(view: TransferView): void {
    const name = `${view.id}#${view.attempt}`;
    if (told.has(name) || !isNews(underWay.get(view.id), view)) return;
    move(view);
    if (view.endedAt === null) {
      underWay.delete(view.id);
      underWay.set(view.id, view);
      dropOldest(underWay, UNDER_WAY_MAX);
    } else {
      told.add(name);
      dropOldest(told, ENDED_MAX);
      end(view, view.endedAt);
    }
  }

  feed.subscribe((rumours) => {
    for (const rumour of rumours) if (rumour.kind === 'transfer') take(rumour.view);
  });
  const movedTo = (id: string): number | null => countedApart(movedBytes, id);
  return { underWay, movedBytes, movedTo, ended, failures, delivered };
}

function dropOldest<K>(
  kept: { readonly size: number; keys(): Iterator<K>; delete(key: K): unknown },
  max: number,
): void {
  const oldest = kept.keys().next();
  if (kept.size > max && !oldest.done) kept.delete(oldest.value);
}
