/** One row of the list: a transfer as the server sees it, joined with this page's own work on its upload. Pure. */
import type { Receipt, Status, TransferView } from '#core/wire/transfer.ts';
import type { ProgressSnapshot, Tracked } from '../progress/store.ts';
import type { QueueSnapshot } from '../upload/queue.ts';
import type { UploadState } from '../upload/upload-state.ts';

/** The public status words, and those that only the sending page can know. */
export type RowStatus = Status | 'queued' | 'preparing' | 'staging' | 'offline' | 'retrying' | 'waiting';
export type Tone = 'quiet' | 'moving' | 'good' | 'warn' | 'bad';
export type Group = 'underWay' | 'inLine' | 'ended';
export type RowVerb = 'pause' | 'resume' | 'retry' | 'cancel' | 'remove';

export interface Row {
  readonly key: string;
  readonly name: string;
  readonly folder: string;
  readonly destinationIds: readonly string[];
  readonly status: RowStatus;
  readonly tone: Tone;
  readonly group: Group;
  readonly sizeBytes: number;
  readonly stagedBytes: number;
  readonly movedBytes: number;
  /** Null unless the file is being hashed before it is sent. */
  readonly hashedBytes: number | null;
  readonly stageRate: number;
  readonly moveRate: number;
  readonly etaSeconds: number | null;
  readonly partsDone: number;
  readonly partCount: number;
  readonly chunksLeft: number;
  readonly instant: boolean;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly receipt: Receipt | null;
  readonly attempt: number;
  readonly addedAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly movedAtMs: number;
  readonly verbs: readonly RowVerb[];
  readonly upload: UploadState | null;
  readonly transfer: TransferView | null;
}

/** All rows: what moves first, then what waits, then what has ended, the latest first. */
export function joinRows(queue: QueueSnapshot, progress: ProgressSnapshot, nowMs: number): readonly Row[] {
  const rows: Row[] = [];
  const unnamed = new Set<string>();
  for (const upload of queue.uploads) {
    const transfers = upload.uploadId ? progress.byUpload.get(upload.uploadId) : undefined;
    if (!transfers) rows.push(localRow(upload, nowMs));
    if (upload.uploadId === null) unnamed.add(`${upload.sizeBytes} ${upload.name}`);
  }
  for (const tracked of progress.items) {
    const { view, movedAtMs } = tracked;
    const upload = queue.byUploadId.get(view.uploadId) ?? null;
    // The socket is often faster than the answer that gives this page's own upload its id: no file is shown twice.
    const isOwn = nowMs - movedAtMs < ANSWER_MS && unnamed.has(`${view.sizeBytes} ${view.name}`);
    if (upload) rows.push(transferRow(tracked, upload, nowMs));
    else if (!isOwn) rows.push(foreignRow(tracked, nowMs));
  }
  return rows.sort(byPlace);
}

/** The answer to a create comes this soon after the socket's news of it, or something is wrong. */
const ANSWER_MS = 3000;

function localRow(upload: UploadState, nowMs: number): Row {
  const status = localStatus(upload) ?? (upload.phase === 'canceled' ? 'cancelled' : 'pending');
  return {
    ...sharedOf(upload, status, nowMs),
    key: upload.key,
    name: upload.name,
    folder: folderOf(upload),
    destinationIds: upload.destinations.map(({ id }) => id),
    sizeBytes: upload.sizeBytes,
    stagedBytes: upload.sentBytes,
    movedBytes: 0,
    moveRate: 0,
    etaSeconds: isFresh(upload, nowMs) ? upload.etaSeconds : null,
    partsDone: 0,
    partCount: 0,
    instant: false,
    receipt: null,
    verbs: verbsOf(status, upload, true),
    attempt: 1,
    addedAtMs: upload.addedAtMs,
    startedAtMs: upload.startedAtMs,
    endedAtMs: upload.endedAtMs,
    movedAtMs: upload.movedAtMs,
    error: upload.error,
    upload,
    transfer: null,
  };
}

/** Of thousands of transfers few change at once: what nothing of this page belongs to is a row of its own news alone. */
function foreignRow(tracked: Tracked, nowMs: number): Row {
  const known = FOREIGN.get(tracked);
  if (known) return known;
  const row = transferRow(tracked, null, nowMs);
  FOREIGN.set(tracked, row);
  return row;
}

const FOREIGN = new WeakMap<Tracked, Row>();

function transferRow({ view, movedAtMs }: Tracked, upload: UploadState | null, nowMs: number): Row {
  const isOver = view.endedAt !== null || view.phase === 'canceled' || view.phase === 'done';
  // A file that changed had its upload removed: its transfers are canceled, but the news is why.
  const isBroken = upload?.phase === 'failed' && view.phase !== 'done';
  const local = upload && (isBroken || !isOver) ? localStatus(upload) : null;
  const isStaging = local === 'staging' && view.status === 'uploading';
  const isFinishing = view.phase === 'finishing';
  // A pause that came as late as this is not kept.
  const isPaused = !isBroken && !isOver && !isFinishing && (view.status === 'paused' || view.wish === 'pause');
  const known = view.waitsFor === undefined ? view.status : 'waiting';
  const status = isPaused ? 'paused' : isStaging ? 'uploading' : (local ?? known);
  const stagedBytes = Math.max(view.stagedBytes, upload?.sentBytes ?? 0, view.movedBytes);
  return {
    ...sharedOf(upload, status, nowMs),
    key: upload && view.destinationId === upload.destinations[0]?.id ? upload.key : view.id,
    name: view.name,
    folder: view.path,
    destinationIds: [view.destinationId],
    sizeBytes: view.sizeBytes,
    stagedBytes: view.instant ? 0 : Math.min(stagedBytes, view.sizeBytes),
    movedBytes: view.phase === 'done' ? view.sizeBytes : view.movedBytes,
    moveRate: view.status === 'uploading' ? view.speedBytesPerSecond : 0,
    etaSeconds: etaOf(view, upload, nowMs),
    partsDone: view.partsDone,
    partCount: view.partCount,
    instant: view.instant || view.status === 'quick_success',
    receipt: view.receipt,
    attempt: view.attempt,
    addedAtMs: Date.parse(view.createdAt),
    startedAtMs: upload?.startedAtMs ?? Date.parse(view.startedAt ?? view.createdAt),
    endedAtMs: view.endedAt ? Date.parse(view.endedAt) : null,
    movedAtMs: Math.max(movedAtMs, upload?.movedAtMs ?? 0),
    error: view.error ?? (isBroken ? upload.error : null),
    verbs: view.wish === 'cancel' && !isBroken ? [] : verbsOf(status, upload, isOver).filter(isTaken),
    upload,
    transfer: view,
  };

  /** The server takes neither any more while the destination finishes the file. */
  function isTaken(verb: RowVerb): boolean {
    return !isFinishing || (verb !== 'pause' && verb !== 'cancel');
  }
}

function sharedOf(upload: UploadState | null, status: RowStatus, nowMs: number) {
  const isHashing = upload?.phase === 'hashing';
  return {
    status,
    tone: TONES[status],
    group: groupOf(status),
    hashedBytes: isHashing ? upload.hashedBytes : null,
    stageRate: isFresh(upload, nowMs) ? upload.bytesPerSecond : 0,
    chunksLeft: upload?.phase === 'staged' ? 0 : (upload?.chunksLeft ?? 0),
  };
}

/** What a person can do with it now. A transfer that failed at the server keeps its staged bytes and can be retried. */
function verbsOf(status: RowStatus, upload: UploadState | null, isDeliveryOver: boolean): readonly RowVerb[] {
  if (status !== 'failed') return VERBS[status] ?? ['pause', 'cancel'];
  if (upload?.phase !== 'failed') return ['retry'];
  if (HOPELESS.has(upload.error?.code ?? '')) return ['remove'];
  return upload.uploadId && !isDeliveryOver ? ['retry', 'cancel'] : ['retry', 'remove'];
}

/** Failures of this page that the same file cannot get over. */
const HOPELESS: ReadonlySet<string> = new Set(['client.file_changed', 'client.gone', 'client.name']);

/** Null once the page has nothing more to do with the file. */
function localStatus(upload: UploadState): RowStatus | null {
  switch (upload.phase) {
    case 'staged':
    case 'canceled':
      return null;
    case 'sending':
      if (upload.waiting === 'offline') return 'offline';
      return upload.waiting === 'retry' ? 'retrying' : 'staging';
    default:
      return upload.waiting === 'offline' ? 'offline' : upload.phase;
  }
}

/** A rate is of bytes that moved: one that nothing has moved for is a memory. */
function isFresh(upload: UploadState | null, nowMs: number): upload is UploadState {
  return upload?.phase === 'sending' && nowMs - upload.movedAtMs < RATE_LIFE_MS;
}

const RATE_LIFE_MS = 5000;

/** The later of the two ends: a file is delivered no sooner than it is staged. */
function etaOf(view: TransferView, upload: UploadState | null, nowMs: number): number | null {
  const local = upload?.phase !== 'sending' ? 0 : isFresh(upload, nowMs) ? upload.etaSeconds : null;
  if (local === null) return null;
  if (view.status !== 'uploading') return local === 0 ? null : local;
  return view.etaSeconds === null ? local || null : Math.max(local, view.etaSeconds);
}

function folderOf({ destinations, folder }: UploadState): string {
  const path = destinations[0]?.path ?? '/';
  return `/${[...path.split('/'), ...folder.split('/')].filter(Boolean).join('/')}`;
}

const TONES: Record<RowStatus, Tone> = {
  queued: 'quiet',
  preparing: 'moving',
  staging: 'moving',
  offline: 'warn',
  retrying: 'warn',
  waiting: 'quiet',
  pending: 'quiet',
  hashing: 'moving',
  checking: 'moving',
  quick_success: 'good',
  uploading: 'moving',
  success: 'good',
  failed: 'bad',
  cancelled: 'quiet',
  paused: 'warn',
};

const VERBS: Partial<Record<RowStatus, readonly RowVerb[]>> = {
  quick_success: [],
  success: [],
  cancelled: [],
  paused: ['resume', 'cancel'],
};

function groupOf(status: RowStatus): Group {
  if (status === 'queued' || status === 'waiting') return 'inLine';
  const isEnded = status === 'success' || status === 'quick_success' || status === 'failed' || status === 'cancelled';
  return isEnded ? 'ended' : 'underWay';
}

const PLACES: Record<Group, number> = { underWay: 0, inLine: 1, ended: 2 };

function byPlace(a: Row, b: Row): number {
  if (a.group !== b.group) return PLACES[a.group] - PLACES[b.group];
  const byKey = a.key < b.key ? -1 : 1;
  if (a.group === 'ended') return (b.endedAtMs ?? b.addedAtMs) - (a.endedAtMs ?? a.addedAtMs) || -byKey;
  // What this page sends comes first, in the order it was picked; then what others sent, the latest first.
  if (a.upload && b.upload) return a.upload.addedAtMs - b.upload.addedAtMs || byKey;
  if (a.upload || b.upload) return a.upload ? -1 : 1;
  return b.addedAtMs - a.addedAtMs || byKey;
}
