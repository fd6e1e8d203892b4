/** The rows that an upload begins with. Made from the upload alone, so that whoever finds one missing makes it again. */
import { Fault } from './fault.ts';
import type { Clock } from './ports/clock.ts';
import type { Destinations } from './ports/destinations.ts';
import type { Provider } from './ports/provider.ts';
import type { RowKey, WorkTable } from './ports/work-table.ts';
import { type HeadState, headKey, queueOf, type UploadState } from './state.ts';
import { TransferLink } from './wire/transfer.ts';

/** A transfer looks for its first chunk by itself after this long, should the chunk's event be lost. */
const FIRST_LOOK_MS = 60_000;

/**
 * Creates what is absent. A transfer that need not wait for chunks is due at once; a destination that asks is told at once.
 * Answers those that are worth a hint now: the others have nothing to do before a chunk's event hints at them.
 */
export async function makeHeads(
  deps: { readonly table: WorkTable; readonly clock: Clock; readonly destinations: Destinations },
  upload: UploadState,
): Promise<RowKey[]> {
  const { createdAt, uploadId, ownerId, name, sizeBytes, layout, contentType, wanted: byHome, link } = upload;
  const needsNoChunk = sizeBytes === 0 || layout.kind === 'object' || Object.keys(upload.digests).length > 0;
  const wanted: RowKey[] = [];
  for (const { transferId, destinationId, folder } of upload.specs) {
    const mode = await modeOf(deps.destinations, destinationId);
    if (needsNoChunk || mode !== 'push') wanted.push(headKey(transferId));
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
        ...(byHome === undefined ? {} : { wanted: byHome }),
        ...(link === undefined ? {} : { link: TransferLink.parse(link) }),
        createdAt,
      },
      ...(mode === 'serve' ? { lane: mode } : {}),
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
        dueAt: needsNoChunk || mode === 'serve' ? createdAt : createdAt + FIRST_LOOK_MS,
        phase: 'staging',
        state,
        owner: { id: ownerId, sort: `${String(createdAt).padStart(14, '0')}#${transferId}` },
      },
      deps.clock.now(),
    );
  }
  return wanted;
}

/** Null for a destination that cannot be connected now: a function finds out when it can. */
async function modeOf(destinations: Destinations, id: string): Promise<Provider['mode'] | null> {
  try {
    return (await destinations.provider(id)).mode;
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}
