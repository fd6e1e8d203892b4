/** Parts of a file: of the sizes that every S3 takes, and along the chunks, so that a part lies in as few as can be. */
import type { Plan } from '#core/ports/provider.ts';
import { PART_BYTES_MAX, PART_BYTES_MIN } from './settings.ts';

const MIB = 1024 * 1024;
const PARTS_MAX = 10_000;
const IN_FLIGHT_MAX = 16;

/** Where there is a choice: fewer requests than smaller ones, and done well within a lease on a slow line. */
const PART_BYTES_WANTED = 16 * MIB;
/** The largest chunk that is one part: it must end well within one lease of work. */
const WHOLE_CHUNK_BYTES_MAX = 64 * MIB;

/** `wantedBytes` is the destination's own setting. */
export function planParts(sizeBytes: number, chunkBytes: number, wantedBytes?: number): Plan {
  const leastBytes = Math.max(PART_BYTES_MIN, Math.ceil(sizeBytes / PARTS_MAX));
  const partBytes =
    chunkBytes >= sizeBytes
      ? ofOneObject(sizeBytes, chunkBytes, Math.max(leastBytes, wantedBytes ?? PART_BYTES_WANTED))
      : ofChunks(chunkBytes, leastBytes, wantedBytes);
  return { partBytes, inFlightMax: IN_FLIGHT_MAX, order: 'any' };
}

/** All bytes are in one staged object: no part can span two, wherever it is cut. */
function ofOneObject(sizeBytes: number, chunkBytes: number, wantedBytes: number): number {
  return sizeBytes <= wantedBytes ? chunkBytes : Math.ceil(wantedBytes / MIB) * MIB;
}

/** A multiple or a divisor of the chunk. */
function ofChunks(chunkBytes: number, leastBytes: number, wantedBytes: number | undefined): number {
  if (chunkBytes < leastBytes) return chunkBytes * Math.ceil(Math.max(leastBytes, wantedBytes ?? 0) / chunkBytes);
  if (wantedBytes !== undefined && wantedBytes > chunkBytes) return chunkBytes * Math.floor(wantedBytes / chunkBytes);
  const mostBytes = wantedBytes ?? Math.max(leastBytes, WHOLE_CHUNK_BYTES_MAX);
  for (let slices = Math.ceil(chunkBytes / mostBytes); chunkBytes / slices >= leastBytes; slices++) {
    if (chunkBytes % slices === 0) return chunkBytes / slices;
  }
  return Math.min(chunkBytes, PART_BYTES_MAX);
}
