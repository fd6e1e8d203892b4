/** One line of the customer's list: a file on its way, or one that was handed in. Pure. */
import type { QueueSnapshot } from '../upload/queue.ts';
import { isRunning, type UploadState } from '../upload/upload-state.ts';
import type { Arrival, Outcome } from './arrivals.ts';

export type DropStatus =
  | 'inLine'
  | 'reading'
  | 'sending'
  | 'offline'
  | 'retrying'
  | 'paused'
  | 'failed'
  | 'canceled'
  | Outcome;
export type DropTone = 'quiet' | 'moving' | 'good' | 'warn' | 'bad';
export type DropVerb = 'pause' | 'resume' | 'retry' | 'cancel' | 'remove';

export interface DropRow {
  readonly key: string;
  readonly name: string;
  readonly folder: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly status: DropStatus;
  readonly tone: DropTone;
  readonly bytesPerSecond: number;
  readonly etaSeconds: number | null;
  readonly error: UploadState['error'];
  readonly verbs: readonly DropVerb[];
  readonly atMs: number;
  /** Handed in by an earlier visit of the page. */
  readonly isEarlier: boolean;
}

/** Of this visit; where it has none yet, of what was handed in before. */
export interface DropTotals {
  /** All that were not taken back. */
  readonly files: number;
  /** Whole, and none of this device's business any more. */
  readonly received: number;
  readonly delivered: number;
  readonly failed: number;
  /** Without those that failed. */
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly bytesPerSecond: number;
  readonly etaSeconds: number | null;
  /** Files that this device still has to send, or is told not to. */
  readonly left: number;
}

/** What is under way first, in the order it was picked; then what is over, the latest first. */
export function dropRows(queue: QueueSnapshot, arrivals: readonly Arrival[], nowMs: number): readonly DropRow[] {
  const outcomes = new Map(arrivals.map((arrival) => [arrival.uploadId, arrival]));
  const rows = queue.uploads.map((upload) => ownRow(upload, outcomes.get(upload.uploadId ?? ''), nowMs));
  const earlier = arrivals.filter(({ uploadId }) => !queue.byUploadId.has(uploadId)).map(earlierRow);
  return [...rows, ...earlier].sort(byPlace);
}

export function dropTotals(rows: readonly DropRow[]): DropTotals {
  const wanted = rows.filter(({ status }) => status !== 'canceled');
  const own = wanted.filter(({ isEarlier }) => !isEarlier);
  const counted = own.length > 0 ? own : wanted;
  const received = counted.filter(({ status }) => RECEIVED.has(status));
  const moving = counted.filter(({ status }) => status !== 'failed' && !RECEIVED.has(status));
  const bytesPerSecond = sum(moving, (row) => row.bytesPerSecond);
  const leftBytes = sum(moving, (row) => row.sizeBytes - row.sentBytes);
  return {
    files: counted.length,
    received: received.length,
    delivered: counted.filter(({ status }) => status === 'delivered').length,
    failed: counted.filter(({ status }) => status === 'failed').length,
    sizeBytes: sum([...moving, ...received], (row) => row.sizeBytes),
    sentBytes: sum([...moving, ...received], (row) => row.sentBytes),
    bytesPerSecond,
    etaSeconds: bytesPerSecond >= 1 ? Math.ceil(leftBytes / bytesPerSecond) : null,
    left: moving.length,
  };
}

/** A rate is of bytes that moved: one that nothing has moved for is a memory. */
const RATE_LIFE_MS = 5000;

/** Failures that the same file cannot get over. */
const HOPELESS: ReadonlySet<string> = new Set([
  'client.file_changed',
  'client.gone',
  'client.name',
  'upload.closed',
  'upload.expired',
  'upload.unknown',
  'link.file_too_large',
  'link.suffix_refused',
  'link.file_refused',
  'link.expired',
  'link.revoked',
]);

const RECEIVED: ReadonlySet<DropStatus> = new Set(['placing', 'delivered', 'held', 'withdrawn', 'kept']);

const TONES: Record<DropStatus, DropTone> = {
  inLine: 'quiet',
  reading: 'moving',
  sending: 'moving',
  offline: 'warn',
  retrying: 'warn',
  paused: 'warn',
  failed: 'bad',
  canceled: 'quiet',
  placing: 'good',
  delivered: 'good',
  held: 'warn',
  withdrawn: 'quiet',
  kept: 'good',
};

function ownRow(upload: UploadState, arrival: Arrival | undefined, nowMs: number): DropRow {
  const status = statusOf(upload, arrival);
  const isFresh = upload.phase === 'sending' && nowMs - upload.movedAtMs < RATE_LIFE_MS;
  return {
    key: upload.key,
    name: upload.name,
    folder: upload.folder,
    sizeBytes: upload.sizeBytes,
    sentBytes: upload.phase === 'staged' ? upload.sizeBytes : upload.sentBytes,
    status,
    tone: TONES[status],
    bytesPerSecond: isFresh ? upload.bytesPerSecond : 0,
    etaSeconds: isFresh ? upload.etaSeconds : null,
    error: upload.error,
    verbs: verbsOf(status, upload),
    atMs: upload.endedAtMs ?? upload.addedAtMs,
    isEarlier: false,
  };
}

function earlierRow({ uploadId, name, folder, sizeBytes, outcome, atMs }: Arrival): DropRow {
  return {
    ...{ key: uploadId, name, folder, sizeBytes, sentBytes: sizeBytes, status: outcome, tone: TONES[outcome], atMs },
    ...{ bytesPerSecond: 0, etaSeconds: null, error: null, verbs: [], isEarlier: true },
  };
}

function statusOf(upload: UploadState, arrival: Arrival | undefined): DropStatus {
  const { phase, waiting } = upload;
  if (phase === 'staged') return arrival?.outcome ?? 'placing';
  if (phase === 'queued') return 'inLine';
  if (isRunning(phase) && waiting !== null) return waiting === 'offline' ? 'offline' : 'retrying';
  if (phase === 'preparing' || phase === 'hashing') return 'reading';
  return phase;
}

function verbsOf(status: DropStatus, { error }: UploadState): readonly DropVerb[] {
  if (status === 'failed') return HOPELESS.has(error?.code ?? '') ? ['remove'] : ['retry', 'cancel'];
  if (status === 'canceled') return ['remove'];
  if (RECEIVED.has(status)) return [];
  return status === 'paused' ? ['resume', 'cancel'] : ['pause', 'cancel'];
}

function sum(rows: readonly DropRow[], value: (row: DropRow) => number): number {
  return rows.reduce((all, row) => all + value(row), 0);
}

function isOver({ status }: DropRow): boolean {
  return status === 'canceled' || RECEIVED.has(status);
}

function byPlace(a: DropRow, b: DropRow): number {
  if (isOver(a) !== isOver(b)) return isOver(a) ? 1 : -1;
  // What failed wants to be seen.
  if (!isOver(a) && (a.status === 'failed') !== (b.status === 'failed')) return a.status === 'failed' ? -1 : 1;
  return isOver(a) ? b.atMs - a.atMs : a.atMs - b.atMs;
}
