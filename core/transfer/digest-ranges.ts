/** Which staged bytes a digest row reads next: asked by the step that reads, and by the look after a release. */
import { isCrc } from '#core/crc.ts';
import type { ByteRange } from '#core/ports/staging.ts';
import type { DigestState } from '#core/state.ts';
import type { DigestAlgorithm } from '#core/wire/digest.ts';
import type { StagedFile, StagedWindow } from './window.ts';

export type Reached = Pick<DigestState, 'algorithms' | 'cursorBytes' | 'pieces'>;

/** Bytes read between two looks at the clock and the budget. */
const RANGE_BYTES = 16 * 1024 * 1024;
/** Ranges that are read at once where their order does not matter: one stream from a cloud store is slower than a CRC. */
const STREAMS = 4;
/** How far behind the first gap bytes are read, and how many pieces a row may hold: both bound the row. */
const REACH_BYTES = 512 * 1024 * 1024;
const PIECES_MAX = 16;

/** CRCs alone need not be read in order: those of pieces combine. */
export function isAnyOrder(algorithms: readonly DigestAlgorithm[]): boolean {
  return algorithms.every(isCrc);
}

/** Ranges that lie wholly in the bucket and have not been read, ascending; none when there are none, or all has been read. */
export async function readyRanges(reached: Reached, file: StagedFile, window: StagedWindow): Promise<ByteRange[]> {
  if (isAnyOrder(reached.algorithms)) return rangesInGaps(reached, file, window);
  const range = { start: reached.cursorBytes, end: Math.min(reached.cursorBytes + RANGE_BYTES, file.sizeBytes) };
  if (!window.covers(range)) await window.refresh(range);
  const end = window.coveredEnd(range.start, range.end);
  return end > range.start ? [{ start: range.start, end }] : [];
}

async function rangesInGaps(reached: Reached, file: StagedFile, window: StagedWindow): Promise<ByteRange[]> {
  const reach = { start: reached.cursorBytes, end: Math.min(file.sizeBytes, reached.cursorBytes + REACH_BYTES) };
  const gaps = gapsBetween(reached.pieces, reach);
  const open = reached.pieces.length < PIECES_MAX ? gaps : gaps.slice(0, 1);
  const known = coveredRanges(open, file, window);
  if (known.length === STREAMS) return known;
  await window.refresh(reach);
  return coveredRanges(open, file, window);
}

function gapsBetween(pieces: DigestState['pieces'], reach: ByteRange): ByteRange[] {
  const gaps: ByteRange[] = [];
  let at = reach.start;
  for (const { start, end } of pieces) {
    if (start > at) gaps.push({ start: at, end: Math.min(start, reach.end) });
    at = Math.max(at, end);
  }
  gaps.push({ start: at, end: reach.end });
  return gaps.filter(({ start, end }) => end > start);
}

function coveredRanges(gaps: readonly ByteRange[], { layout }: StagedFile, window: StagedWindow): ByteRange[] {
  const chunkBytes = layout.kind === 'chunks' ? layout.chunkBytes : RANGE_BYTES;
  const ranges: ByteRange[] = [];
  for (const gap of gaps) {
    for (let at = gap.start; at < gap.end && ranges.length < STREAMS; ) {
      const end = window.coveredEnd(at, Math.min(at + RANGE_BYTES, gap.end));
      if (end > at) ranges.push({ start: at, end });
      // A chunk that is not there is stepped over.
      at = end > at ? end : (Math.floor(at / chunkBytes) + 1) * chunkBytes;
    }
  }
  return ranges;
}
