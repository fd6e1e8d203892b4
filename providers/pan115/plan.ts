/** Parts of a file: of the sizes that OSS takes, along the chunks, and one after the other. */
import type { Plan } from '#core/ports/provider.ts';

const KIB = 1024;
const PARTS_MAX = 10_000;
/** Of every part but the last. */
const PART_BYTES_MIN = 100 * KIB;
/** A part must end well within one lease of work, also on a slow line. */
const PART_BYTES_MAX = 64 * KIB * KIB;

/** In order and one at a time: only so OSS can tell 115 the SHA-1 of the whole. */
export function planParts(sizeBytes: number, chunkBytes: number): Plan {
  return { partBytes: partBytesFor(sizeBytes, chunkBytes), inFlightMax: 1, order: 'ascending' };
}

/** A form holds the whole file. */
export function planForm(sizeBytes: number, chunkBytes: number): Plan {
  return { partBytes: chunkBytes * Math.ceil(sizeBytes / chunkBytes), inFlightMax: 1, order: 'ascending' };
}

function partBytesFor(sizeBytes: number, chunkBytes: number): number {
  const leastBytes = Math.max(PART_BYTES_MIN, Math.ceil(sizeBytes / PARTS_MAX));
  if (chunkBytes < leastBytes) return chunkBytes * Math.ceil(leastBytes / chunkBytes);
  for (let slices = Math.ceil(chunkBytes / PART_BYTES_MAX); chunkBytes / slices >= leastBytes; slices++) {
    if (chunkBytes % slices === 0) return chunkBytes / slices;
  }
  return chunkBytes;
}
