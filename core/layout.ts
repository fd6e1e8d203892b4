/** Where the bytes of a file lie in the bucket. */
import type { ByteRange } from './ports/staging.ts';
import type { Layout } from './state.ts';

/** Part size that the seeds name; a file larger than 10,000 of them gets larger chunks. */
const CHUNK_BYTES = 10 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;
/** S3, OSS and 115 take at most 10,000 parts; leaving a margin keeps sizes multiples of a MiB. */
const MAX_COUNT = 9_900;

/** Equal chunks but the last; whole MiB; none for an empty file. */
export function chunkLayout(sizeBytes: number): Layout & { kind: 'chunks' } {
  const least = Math.ceil(sizeBytes / MAX_COUNT / MEBIBYTE) * MEBIBYTE;
  const chunkBytes = Math.max(CHUNK_BYTES, least);
  return { kind: 'chunks', chunkBytes, count: Math.ceil(sizeBytes / chunkBytes) };
}

export function chunkSize(layout: Layout & { kind: 'chunks' }, sizeBytes: number, number: number): number {
  return Math.min(layout.chunkBytes, sizeBytes - (number - 1) * layout.chunkBytes);
}

/** Numbers of the chunks under a range, both included; an empty range lies under none. */
export function chunksUnder(
  layout: Layout & { kind: 'chunks' },
  range: ByteRange,
): { readonly from: number; readonly to: number } | null {
  if (range.end <= range.start) return null;
  return {
    from: Math.floor(range.start / layout.chunkBytes) + 1,
    to: Math.floor((range.end - 1) / layout.chunkBytes) + 1,
  };
}
