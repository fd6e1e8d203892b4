/** What is answered about an upload, whoever asks: the owner, or a sender by a link. Who may ask was settled before. */
import { Fault } from '#core/fault.ts';
import { makeHeads } from '#core/heads.ts';
import { openAsks, readHeads, readUpload } from '#core/intake/announce.ts';
import { FIRST_WINDOW } from '#core/intake/intake.ts';
import { stagedRanges } from '#core/intake/staged-ranges.ts';
import { signChunks } from '#core/intake/tickets.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { HeadState, type UploadState, uploadKey } from '#core/state.ts';
import { cancel, retry, type WishEngine } from '#core/transfer/wishes.ts';
import type { CompleteAnswer, CreateUploadAnswer, SignAnswer, UploadAnswer } from '#core/wire/upload.ts';
import type { ApiDeps } from './api.ts';
import { uploadView, viewer } from './viewing.ts';

export interface Found {
  readonly row: WorkRow;
  readonly upload: UploadState;
}

/** What has ended meanwhile, or whose bytes are gone already, needs no cancel. */
const NOTHING_TO_CANCEL = ['transfer.ended', 'transfer.not_failed', 'upload.expired'];

/** `host`: the `Host` header under which the client reaches us, if there is one. */
export function uploadDesk(deps: Pick<ApiDeps, 'engine' | 'intake'>) {
  const { engine, intake } = deps;
  const { view } = viewer(deps);
  const transfersOf = (heads: readonly WorkRow[]) => Promise.all(heads.map(view));
  const told = async ({ row, upload }: Found): Promise<CompleteAnswer> => {
    const heads = await readHeads(intake, upload);
    return { upload: uploadView(row, upload), transfers: await transfersOf(heads) };
  };
  return {
    /** The first presigned puts are with it. */
    created: async (upload: UploadState, host: string | undefined): Promise<CreateUploadAnswer> => {
      const { row } = await readUpload(intake, upload.uploadId, upload.ownerId);
      const heads = await readHeads(intake, upload);
      const count = upload.layout.kind === 'chunks' && row.phase === 'open' ? upload.layout.count : 0;
      const numbers = Array.from({ length: Math.min(count, FIRST_WINDOW) }, (_, i) => i + 1);
      const chunks = await signChunks(intake, upload, numbers, nameOf(host));
      const transfers = await transfersOf(heads);
      return { upload: uploadView(row, upload), transfers, chunks, asks: openAsks(heads) };
    },

    read: async ({ row, upload }: Found): Promise<UploadAnswer> => {
      const heads = await readHeads(intake, upload);
      const { ranges } = row.phase === 'open' ? await stagedRanges(intake.source, upload) : { ranges: [] };
      const transfers = await transfersOf(heads);
      return { upload: uploadView(row, upload), staged: ranges, transfers, asks: openAsks(heads) };
    },

    /** Fault `rejected` `upload.closed`, and those of `signChunks`. */
    sign: async ({ row, upload }: Found, numbers: readonly number[], host: string | undefined): Promise<SignAnswer> => {
      if (row.phase !== 'open') throw new Fault('rejected', 'upload.closed', 'this upload takes no more bytes');
      return { chunks: await signChunks(intake, upload, numbers, nameOf(host)) };
    },

    /** Fault `rejected` `upload.size_mismatch`. */
    complete: async ({ row, upload }: Found): Promise<CompleteAnswer> => {
      const heads = await readHeads(intake, upload);
      if (row.phase === 'open') {
        const { stagedBytes } = await stagedRanges(intake.source, upload);
        const isOver = heads.length > 0 && heads.every((head) => head.queue === null);
        if (stagedBytes !== upload.sizeBytes && !isOver) {
          const reason = `${stagedBytes} of ${upload.sizeBytes} bytes are staged`;
          throw new Fault('rejected', 'upload.size_mismatch', reason);
        }
        await engine.dispatcher.send(heads.filter((head) => head.queue !== null).map(({ pk, sk }) => ({ pk, sk })));
      }
      return { upload: uploadView(row, upload), transfers: await transfersOf(heads) };
    },

    /** Faults as those of `cancelAll`. */
    remove: async (found: Found): Promise<CompleteAnswer> => {
      const { row, upload } = found;
      // A create that died half way would otherwise be repaired, and deliver, later.
      if (row.phase === 'open') await makeHeads(engine, upload);
      await cancelAll(engine, await readHeads(intake, upload));
      await engine.dispatcher.send([uploadKey(upload.uploadId)]);
      return told(found);
    },

    transfersOf,
  };
}

/** Cancels what can be; then it is Fault `rejected` `transfer.finishing` if one is just being finished. */
export async function cancelAll(engine: WishEngine, heads: readonly WorkRow[]): Promise<void> {
  let finishing: Fault | null = null;
  for (const head of heads) {
    const { transferId } = HeadState.parse(head.state).file;
    if (head.phase === 'done' || head.phase === 'canceled') continue;
    try {
      if (head.phase === 'failed') await retry(engine, transferId);
      await cancel(engine, transferId);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'transfer.finishing') finishing = error;
      else if (!NOTHING_TO_CANCEL.includes(error.code)) throw error;
    }
  }
  if (finishing !== null) throw finishing;
}

/** Without the port. */
function nameOf(host: string | undefined): string | undefined {
  return host?.replace(/:\d+$/, '');
}
