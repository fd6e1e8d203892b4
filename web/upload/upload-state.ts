/** What a viewer sees of one file on its way into staging. */
import type { UploadAnswer } from '#core/wire/upload.ts';
import type { Waiting } from './patience.ts';
import type { UploadRecord } from './record.ts';

/**
 * `queued → preparing → (hashing →) sending → staged`. `paused` and `failed` lead back to `queued`; `canceled` and
 * `staged` are ends. In `staged` the bucket lists every chunk: the page may be closed.
 */
export type UploadPhase = 'queued' | 'preparing' | 'hashing' | 'sending' | 'paused' | 'staged' | 'failed' | 'canceled';

/** A new object for each change. */
export interface UploadState {
  readonly key: string;
  readonly uploadId: string | null;
  readonly name: string;
  readonly folder: string;
  readonly destinations: UploadRecord['destinations'];
  readonly phase: UploadPhase;
  readonly waiting: Waiting;
  readonly sizeBytes: number;
  /** Bytes the bucket has; with those on their way it is `sentBytes`. */
  readonly stagedBytes: number;
  readonly sentBytes: number;
  readonly hashedBytes: number;
  readonly chunkCount: number;
  readonly chunksLeft: number;
  readonly bytesPerSecond: number;
  readonly etaSeconds: number | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly addedAtMs: number;
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** When the last byte moved. */
  readonly movedAtMs: number;
}

export function initialState(record: UploadRecord, nowMs: number): UploadState {
  return {
    key: record.key,
    uploadId: record.begun?.uploadId ?? null,
    name: record.name,
    folder: record.folder,
    destinations: record.destinations,
    phase: 'queued',
    waiting: null,
    sizeBytes: record.sizeBytes,
    stagedBytes: 0,
    sentBytes: 0,
    hashedBytes: 0,
    chunkCount: record.begun?.chunkCount ?? 0,
    chunksLeft: record.begun?.chunkCount ?? 0,
    bytesPerSecond: 0,
    etaSeconds: null,
    error: null,
    addedAtMs: record.addedAtMs,
    startedAtMs: null,
    endedAtMs: null,
    movedAtMs: nowMs,
  };
}

/** True while bytes move or are about to. */
export function isRunning(phase: UploadPhase): boolean {
  return phase === 'preparing' || phase === 'hashing' || phase === 'sending';
}

export function isEnd(phase: UploadPhase): boolean {
  return phase === 'staged' || phase === 'canceled';
}

/** True when the server needs no further byte: all chunks are listed, or everything was delivered already. */
export function isSettled(answer: UploadAnswer): boolean {
  const { chunkCount } = answer.upload;
  const listed = answer.staged.reduce((sum, [first, last]) => sum + (last - first + 1), 0);
  return listed >= chunkCount || isDelivered(answer.transfers);
}

export function isDelivered(transfers: UploadAnswer['transfers']): boolean {
  return transfers.length > 0 && transfers.every((transfer) => transfer.phase === 'done');
}
