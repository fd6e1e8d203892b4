/** A transfer's rows as its viewer sees them. */
import type { WorkRow } from './ports/work-table.ts';
import { type HeadState, headRank, type StripeState, servedIn, tagIn } from './state.ts';
import { isoTime } from './wire/time.ts';
import type { Status, TransferView } from './wire/transfer.ts';

export interface ViewParts {
  readonly head: HeadState;
  readonly wish: WorkRow['wish'];
  /** Parked because of a pause wish: nobody works on it now. */
  readonly isParked: boolean;
  readonly isHashing: boolean;
  readonly stripes: readonly StripeState[];
  /** Lower bound of the bytes in the bucket. */
  readonly stagedBytes: number;
}

/** Rates of stripes are smoothed by their holder and go stale with it; a paused or ended transfer has none. */
export function viewOf({ head, wish, isParked, isHashing, stripes: all, stagedBytes }: ViewParts): TransferView {
  const { file, step } = head;
  // What a canceled transfer had moved is given up with its session, whether its rows are still there or not.
  const stripes = step.phase === 'canceled' ? [] : all;
  const isDone = step.phase === 'done';
  const plan = step.phase === 'moving' || step.phase === 'finishing' ? step.plan : null;
  const resumed = step.phase === 'failed' && 'plan' in step.resume ? step.resume.plan : null;
  const partCount = isDone ? step.parts : ((plan ?? resumed)?.partCount ?? 0);
  const isWhole = isDone || tagIn(step) !== undefined;
  const served = servedIn(step);
  const movedBytes = isWhole ? file.sizeBytes : (served?.heldBytes ?? 0) + sum(stripes, (stripe) => stripe.doneBytes);
  const rate = (served?.rateBytesPerSecond ?? 0) + sum(stripes, (stripe) => stripe.rateBytesPerSecond);
  const speed = step.phase === 'moving' && !isParked ? rate : 0;
  const endedAt = 'endedAt' in step ? step.endedAt : null;
  const isPaused = wish === 'pause' && isParked;
  const waiting = queuedFor(head) ?? (speed > 0 ? undefined : stripes.find((stripe) => stripe.waitsFor)?.waitsFor);
  const waitsFor = endedAt === null && !isPaused ? waiting : undefined;
  const partsDone = isWhole ? partCount : sum(stripes, (stripe) => stripe.doneParts);
  return {
    id: file.transferId,
    uploadId: file.uploadId,
    destinationId: file.destinationId,
    path: file.folder,
    name: file.name,
    status: statusOf(head, wish, isParked, isHashing),
    phase: step.phase,
    wish,
    sizeBytes: file.sizeBytes,
    stagedBytes: isDone ? file.sizeBytes : Math.max(stagedBytes, Math.min(movedBytes, file.sizeBytes)),
    movedBytes,
    partCount,
    partsDone,
    speedBytesPerSecond: Math.round(speed),
    etaSeconds: speed > 0 ? Math.ceil((file.sizeBytes - movedBytes) / speed) : null,
    attempt: head.attempt,
    rank: [...headRank(head), partsDone],
    error: step.phase === 'failed' ? step.error : null,
    ...(waitsFor === undefined ? {} : { waitsFor }),
    receipt: isDone ? step.receipt : null,
    instant: isDone && step.instant,
    ...(file.link === undefined ? {} : { link: file.link }),
    createdAt: isoTime(file.createdAt),
    startedAt: head.startedAt === null ? null : isoTime(head.startedAt),
    endedAt: endedAt === null ? null : isoTime(endedAt),
  };
}

/** The public word for a phase; `paused` only once the pause has taken hold. */
export function statusOf(head: HeadState, wish: WorkRow['wish'], isParked: boolean, isHashing: boolean): Status {
  const step = head.step;
  switch (step.phase) {
    case 'done':
      return step.instant ? 'quick_success' : 'success';
    case 'failed':
      return 'failed';
    case 'canceled':
      return 'cancelled';
    case 'finishing':
      return 'uploading';
    case 'staging':
      return pausedOr(isHashing ? 'hashing' : 'pending');
    case 'opening':
      return pausedOr(isHashing ? 'hashing' : 'checking');
    case 'moving':
      return pausedOr(isHashing && step.served !== undefined ? 'hashing' : 'uploading');
    default:
      return step satisfies never;
  }

  function pausedOr(word: Status): Status {
    return wish === 'pause' && isParked ? 'paused' : word;
  }
}

/** Whatever it does next is an event after the one that says so. */
function queuedFor({ events }: HeadState): string | undefined {
  const last = events.at(-1);
  return last?.type === 'queued' ? last.code : undefined;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
