/** A transfer in the words of `/api/upload/progress` and `/ws/upload/progress`. */
import { epochMs } from '#core/wire/time.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { UploadProgress } from '#core/wire/upload-progress.ts';

/** `nowMs`: epoch milliseconds, to which a transfer under way has taken its time. */
export function uploadProgressOf(view: TransferView, nowMs: number): UploadProgress {
  const share = view.sizeBytes === 0 ? 0 : view.movedBytes / view.sizeBytes;
  const endMs = view.endedAt === null ? nowMs : epochMs(view.endedAt);
  const elapsedMs = view.startedAt === null ? 0 : Math.max(0, endMs - epochMs(view.startedAt));
  return {
    id: view.id,
    file_name: view.name,
    file_path: filePathOf(view),
    file_size: view.sizeBytes,
    status: view.status,
    percentage: view.phase === 'done' ? 100 : Math.floor(share * 1000) / 10,
    uploaded_bytes: view.movedBytes,
    total_bytes: view.sizeBytes,
    total_parts: view.partCount,
    uploaded_parts: view.partsDone,
    speed_mbps: Math.round(view.speedBytesPerSecond / 1e4) / 100,
    elapsed_seconds: Math.round(elapsedMs / 100) / 10,
    eta_seconds: view.etaSeconds,
    error_message: view.error?.message ?? null,
    file_id: view.receipt?.remoteId ?? null,
    is_quick_upload: view.instant,
  };
}

/** Of the file at its destination. */
export function filePathOf({ path, name }: Pick<TransferView, 'path' | 'name'>): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}
