/** The rows that an upload begins with. Made from the upload alone, so that whoever finds one missing makes it again. */
import type { Clock } from './ports/clock.ts';
import type { WorkTable } from './ports/work-table.ts';
import { type HeadState, headKey, type UploadState, waitingQueue } from './state.ts';

/** A transfer looks for its first chunk by itself after this long, should the chunk's event be lost. */
const FIRST_LOOK_MS = 60_000;

/** Creates what is absent. A transfer that need not wait for chunks is due at once. */
export async function makeHeads(
  deps: { readonly table: WorkTable; readonly clock: Clock },
  upload: UploadState,
): Promise<void> {
  const { createdAt, uploadId, ownerId, name, sizeBytes, layout, contentType } = upload;
  const needsNoChunk = sizeBytes === 0 || layout.kind === 'object' || Object.keys(upload.digests).length > 0;
  for (const { transferId, destinationId, folder } of upload.specs) {
    const state: HeadState = {
      v: 1,
      file: {
        uploadId,
        transferId,
        ownerId,
        destinationId,
        folder,
        name,
        sizeBytes,
        ...(contentType === undefined ? {} : { contentType }),
        layout,
        claimed: upload.digests,
        createdAt,
      },
      attempt: 1,
      sessionNo: 0,
      failures: 0,
      streak: 0,
      startedAt: null,
      events: [{ seq: 1, at: createdAt, type: 'staging' }],
      step: { phase: 'staging' },
    };
    await deps.table.create(
      {
        ...headKey(transferId),
        queue: waitingQueue(destinationId),
        dueAt: needsNoChunk ? createdAt : createdAt + FIRST_LOOK_MS,
        phase: 'staging',
        state,
        owner: { id: ownerId, sort: `${String(createdAt).padStart(14, '0')}#${transferId}` },
      },
      deps.clock.now(),
    );
  }
}
