/** Keys of the staging bucket. */
import type { UploadId } from './ids.ts';

export const STAGING_PREFIX = 'staging/';
export const INBOX_PREFIX = 'inbox/';

/** Chunk numbers have five digits, so that a LIST returns a window of chunks in order. */
export const MAX_CHUNKS = 10_000;

export function chunkPrefix(uploadId: UploadId): string {
  return `${STAGING_PREFIX}${uploadId}/`;
}

/** `staging/{uploadId}/00001`. `number` is 1 to 10,000. */
export function chunkKey(uploadId: UploadId, number: number): string {
  return `${chunkPrefix(uploadId)}${String(number).padStart(5, '0')}`;
}
