/** What is said of many rows at once: the sums above the list. Pure. */
import type { QueueSnapshot } from '../upload/queue.ts';
import { isRunning, type UploadState } from '../upload/upload-state.ts';
import type { Row } from './rows.ts';

export interface Totals {
  readonly stageRate: number;
  readonly moveRate: number;
  /** Not delivered yet, and of that what has not left this device. */
  readonly leftBytes: number;
  readonly localBytes: number;
  readonly etaSeconds: number | null;
  /** Files that this page has sent or is to send. */
  readonly ownFiles: number;
  /** Rows that have not ended. */
  readonly active: number;
}

export function totalsOf(rows: readonly Row[]): Totals {
  let active = 0;
  const uploads = new Set<UploadState>();
  let stageRate = 0;
  let moveRate = 0;
  let leftBytes = 0;
  for (const row of rows) {
    if (row.upload && !uploads.has(row.upload)) stageRate += row.stageRate;
    if (row.upload) uploads.add(row.upload);
    if (row.group === 'ended') continue;
    active += 1;
    moveRate += row.moveRate;
    leftBytes += row.sizeBytes - row.movedBytes;
  }
  let localBytes = 0;
  for (const upload of uploads) {
    if (!isRunning(upload.phase) && upload.phase !== 'queued' && upload.phase !== 'paused') continue;
    localBytes += upload.sizeBytes - upload.stagedBytes;
  }
  const slowest = Math.max(stageRate > 1 ? localBytes / stageRate : 0, moveRate > 1 ? leftBytes / moveRate : 0);
  const ownFiles = uploads.size;
  return {
    ownFiles,
    stageRate,
    moveRate,
    leftBytes,
    localBytes,
    etaSeconds: slowest > 0 ? Math.ceil(slowest) : null,
    active,
  };
}

/** True while bytes that nobody else has would be lost with the page. */
export function hasLocalBytes(queue: QueueSnapshot): boolean {
  return queue.uploads.some(({ phase }) => phase === 'queued' || isRunning(phase));
}
