/** What the buttons of a row do: to this page's own sending, and to the server's delivery. */
import type { TransferView } from '#core/wire/transfer.ts';
import type { TransferVerb } from '../upload/client.ts';
import { toUploadError } from '../upload/error.ts';
import { isEnd } from '../upload/upload-state.ts';
import type { Console } from './console.ts';
import type { Row, RowVerb } from './rows.ts';

/** Rejects with an `UploadError` when the server refused. `rows` are all rows, for the siblings of the same upload. */
export async function act(running: Console, verb: RowVerb, row: Row, rows: readonly Row[]): Promise<void> {
  const { queue, progress } = running;
  // What was clicked may be a flush behind what has happened since.
  const upload = row.upload && (queue.current(row.upload.key) ?? row.upload);
  if (verb === 'remove') {
    if (upload) await queue.dismiss(upload.key);
    return;
  }
  const isLocal = upload !== null && !isEnd(upload.phase);
  const others = rows.filter((other) => other !== row && upload !== null && other.upload?.key === upload.key);
  const isLast = others.every(({ group, status }) => group === 'ended' || (verb === 'pause' && status === 'paused'));
  if (isLocal && verb === 'cancel' && isLast) return queue.cancel(upload.key);
  // The bytes of one file serve all its destinations: they stop only when nobody waits for them any more.
  if (isLocal && verb === 'pause' && isLast) queue.pause(upload.key);
  if (isLocal && (verb === 'resume' || verb === 'retry')) queue.resume(upload.key);
  const transfers = row.transfer ? [row.transfer] : upload?.uploadId ? progress.ofUpload(upload.uploadId) : [];
  for (const transfer of transfers) if (isWanted(verb, transfer)) await tell(running, verb, transfer);
}

async function tell({ api, progress }: Console, verb: TransferVerb, { id }: TransferView): Promise<void> {
  const view = await api.actOnTransfer(id, verb).catch((cause: unknown) => {
    const error = toUploadError(cause);
    // It ended in the meantime: the next frame says how.
    if (error.status === 409 && verb !== 'retry') return null;
    throw error;
  });
  if (view) progress.adopt([view]);
}

/** Of a failed row the failure may be this page's alone, or the server's alone. */
function isWanted(verb: TransferVerb, transfer: TransferView): boolean {
  if (verb === 'retry') return transfer.phase === 'failed';
  // A resume goes to one that seems not to be paused, too: the pause may be newer than what is shown.
  return transfer.phase !== 'done' && transfer.phase !== 'failed' && transfer.phase !== 'canceled';
}
