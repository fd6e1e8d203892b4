/** Transfers as senders by a link see them: how far they are, and nothing of where to, by what means or why not. */
import type { Status, TransferView } from '#core/wire/transfer.ts';

const DELIVERY_FAILED = { code: 'link.delivery_failed', message: 'the file is here, and could not be passed on yet' };

/** Words for whoever need not know what a destination is asked. */
const WORDS: Readonly<Record<Status, Status>> = {
  pending: 'pending',
  hashing: 'pending',
  checking: 'pending',
  paused: 'pending',
  uploading: 'uploading',
  quick_success: 'success',
  success: 'success',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** The same answer with its transfers reduced. Nothing is asked of senders. */
export function reduced<T extends { readonly transfers: readonly TransferView[]; readonly asks?: unknown }>(answer: T) {
  const { transfers, ...rest } = answer;
  return { ...rest, ...('asks' in answer ? { asks: [] } : {}), transfers: transfers.map(reducedTransfer) };
}

/** Built anew, so that a field which views get one day is not told by chance. `rank` orders views and is nothing but numbers. */
function reducedTransfer(view: TransferView): TransferView {
  const { id, uploadId, name, status, phase, sizeBytes, stagedBytes, movedBytes, rank, error, createdAt, endedAt } =
    view;
  return {
    id,
    uploadId,
    destinationId: 'link',
    path: '/',
    name,
    status: WORDS[status],
    phase,
    wish: null,
    sizeBytes,
    stagedBytes,
    movedBytes,
    partCount: 0,
    partsDone: 0,
    speedBytesPerSecond: 0,
    etaSeconds: null,
    attempt: 1,
    rank,
    error: error === null ? null : DELIVERY_FAILED,
    receipt: null,
    instant: false,
    createdAt,
    startedAt: null,
    endedAt,
  };
}
