/** The rows that an upload begins with. Made from the upload alone, so that whoever finds one missing makes it again. */
import { Fault } from './fault.ts';
import type { Clock } from './ports/clock.ts';
import type { Destinations } from './ports/destinations.ts';
import type { WorkTable } from './ports/work-table.ts';
import { type HeadState, headKey, queueOf, type UploadState } from './state.ts';

/** A transfer looks for its first chunk by itself after this long, should the chunk's event be lost. */
const FIRST_LOOK_MS = 60_000;

/** Creates what is absent. A transfer that need not wait for chunks is due at once; a destination that asks is told at once. */
export async function makeHeads(
  deps: { readonly table: WorkTable; readonly clock: Clock; readonly destinations: Destinations },
  upload: UploadState,
): Promise<void> {
  const { createdAt, uploadId, ownerId, name, sizeBytes, layout, contentType } = upload;
  const needsNoChunk = sizeBytes === 0 || layout.kind === 'object' || Object.keys(upload.digests).length > 0;
  for (const { transferId, destinationId, folder } of upload.specs) {
    const lane = await laneOf(deps.destinations, destinationId);
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
      ...(lane === undefined ? {} : { lane }),
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
        queue: queueOf(state, 'waiting'),
        dueAt: needsNoChunk || lane === 'serve' ? createdAt : createdAt + FIRST_LOOK_MS,
        phase: 'staging',
        state,
        owner: { id: ownerId, sort: `${String(createdAt).padStart(14, '0')}#${transferId}` },
      },
      deps.clock.now(),
    );
  }
}

/** Of a destination that cannot be connected now, a function finds out when it can. */
async function laneOf(destinations: Destinations, id: string): Promise<HeadState['lane']> {
  try {
    return (await destinations.provider(id)).mode === 'serve' ? 'serve' : undefined;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
