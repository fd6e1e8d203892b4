/** Transfers as the API shows them: the table's truth, with what the bucket holds. */
import { stagedRanges } from '#core/intake/staged-ranges.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { readView } from '#core/read-view.ts';
import { HeadState, UploadState, uploadKey } from '#core/state.ts';
import { HARD_EXPIRY_MS, IDLE_EXPIRY_MS } from '#core/transfer/collect.ts';
import { isoTime } from '#core/wire/time.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { UploadView } from '#core/wire/upload.ts';
import type { ApiDeps } from './api.ts';

/** A listing of the bucket is believed this long by those who only look. */
const FRESH_MS = 2_000;
const CACHED_MOST = 1_000;

export interface Viewer {
  view(headRow: WorkRow): Promise<TransferView>;
}

export function viewer({ engine }: Pick<ApiDeps, 'engine'>): Viewer {
  const cache = new Map<string, { readonly atMs: number; readonly bytes: Promise<number> }>();
  const stagedBytes = (upload: HeadState['file']): Promise<number> => {
    const now = engine.clock.now();
    const cached = cache.get(upload.uploadId);
    if (cached !== undefined && now - cached.atMs < FRESH_MS) return cached.bytes;
    if (cache.size >= CACHED_MOST) cache.clear();
    const bytes = listed(upload);
    // Who waits for it is told of the error; the next one asks again.
    bytes.catch(() => cache.delete(upload.uploadId));
    cache.set(upload.uploadId, { atMs: now, bytes });
    return bytes;
  };
  const listed = async (file: HeadState['file']): Promise<number> => {
    const row = await engine.table.get(uploadKey(file.uploadId));
    if (row === null || row.phase !== 'open') return 0;
    return (await stagedRanges(engine.source, UploadState.parse(row.state))).stagedBytes;
  };
  return {
    view: async (headRow) => {
      const { file, step } = HeadState.parse(headRow.state);
      return readView(engine.table, headRow, step.phase === 'done' ? file.sizeBytes : await stagedBytes(file));
    },
  };
}

export function uploadView(row: WorkRow, upload: UploadState): UploadView {
  const { layout, uploadId, name, sizeBytes, createdAt } = upload;
  return {
    id: uploadId,
    name,
    sizeBytes,
    phase: row.phase === 'removing' || row.phase === 'removed' ? row.phase : 'open',
    chunkBytes: layout.kind === 'chunks' ? layout.chunkBytes : Math.max(1, sizeBytes),
    chunkCount: layout.kind === 'chunks' ? layout.count : 1,
    createdAt: isoTime(createdAt),
    expiresAt: isoTime(expiryOf(row, createdAt)),
  };
}

/** The earliest time at which an upload without any further news is given up. */
function expiryOf(row: WorkRow, createdAt: number): number {
  return Math.min(Math.max(row.expiresAt ?? 0, createdAt + IDLE_EXPIRY_MS), createdAt + HARD_EXPIRY_MS);
}
