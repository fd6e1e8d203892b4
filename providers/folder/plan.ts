/** Parts of a file: a folder takes any, so they follow the chunks. */
import type { Plan } from '#core/ports/provider.ts';

const PARTS_MAX = 10_000;
const IN_FLIGHT_MAX = 8;

/** A part must end well within one lease of work, also on a slow disk. */
const PART_BYTES_MAX = 64 * 1024 * 1024;

export function planParts(sizeBytes: number, chunkBytes: number): Plan {
  return { partBytes: partBytesFor(sizeBytes, chunkBytes), inFlightMax: IN_FLIGHT_MAX, order: 'any' };
}

function partBytesFor(sizeBytes: number, chunkBytes: number): number {
  const least = Math.ceil(sizeBytes / PARTS_MAX);
  if (chunkBytes < least) return chunkBytes * Math.ceil(least / chunkBytes);
  const slices = slicesWanted(chunkBytes);
  return chunkBytes / slices >= least ? chunkBytes / slices : chunkBytes;
}

/** The fewest equal slices of a chunk that are small enough; 1 when none of the first 4,096 divides it. */
function slicesWanted(chunkBytes: number): number {
  const fewest = Math.ceil(chunkBytes / PART_BYTES_MAX);
  for (let slices = fewest; slices <= 4_096; slices++) if (chunkBytes % slices === 0) return slices;
  return 1;
}
