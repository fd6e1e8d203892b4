/** Views of transfers for tests about progress. */
import { TransferId, UploadId } from '#core/wire/ids.ts';
import type { TransferView } from '#core/wire/transfer.ts';

export const MEBIBYTE = 1024 * 1024;

export function uploadId(number: number): UploadId {
  return UploadId.parse(`upl_${String(number).padStart(26, '0')}`);
}

export function transferId(number: number): TransferId {
  return TransferId.parse(`trf_${String(number).padStart(26, '0')}`);
}

/** Transfer `number` of upload `number`: 100 MiB, on its way. */
export function transferView(number: number, changes: Partial<TransferView> = {}): TransferView {
  return {
    id: transferId(number),
    uploadId: uploadId(number),
    destinationId: 'folder',
    path: '/影视',
    name: `${number}.mp4`,
    status: 'uploading',
    phase: 'moving',
    wish: null,
    sizeBytes: 100 * MEBIBYTE,
    stagedBytes: 0,
    movedBytes: 0,
    partCount: 10,
    partsDone: 0,
    speedBytesPerSecond: 0,
    etaSeconds: null,
    attempt: 1,
    rank: [1, 1, 2, 0, 0, 0, 0],
    error: null,
    receipt: null,
    instant: false,
    createdAt: new Date(1_800_000_000_000 + number * 1000).toISOString(),
    startedAt: null,
    endedAt: null,
    ...changes,
  };
}

/** The same transfer after `parts` parts of 10 MiB. */
export function movedView(number: number, parts: number, changes: Partial<TransferView> = {}): TransferView {
  return transferView(number, {
    movedBytes: parts * 10 * MEBIBYTE,
    partsDone: parts,
    rank: [1, 1, 2, 0, 0, 0, parts],
    ...changes,
  });
}

export function doneView(number: number): TransferView {
  return movedView(number, 10, {
    phase: 'done',
    status: 'success',
    stagedBytes: 100 * MEBIBYTE,
    rank: [1, 1, 4, 0, 0, 0, 10],
    endedAt: '2027-01-15T08:00:00.000Z',
  });
}
