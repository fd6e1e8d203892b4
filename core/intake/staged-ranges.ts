/** Which chunks of an upload are in the bucket, told in ranges. */
import type { StagingSource } from '#core/ports/staging.ts';
import type { UploadState } from '#core/state.ts';
import { chunkPrefix } from '#core/wire/keys.ts';

export interface Staged {
  /** Inclusive ranges of chunk numbers, ascending. */
  readonly ranges: [number, number][];
  readonly stagedBytes: number;
}

const PAGE = 1_000;

/** Lists the bucket: ten pages at most. */
export async function stagedRanges(
  source: Pick<StagingSource, 'list'>,
  upload: Pick<UploadState, 'layout' | 'uploadId' | 'sizeBytes'>,
): Promise<Staged> {
  const { layout, uploadId } = upload;
  if (layout.kind === 'object') return { ranges: [[1, 1]], stagedBytes: upload.sizeBytes };
  const prefix = chunkPrefix(uploadId);
  const ranges: [number, number][] = [];
  let stagedBytes = 0;
  for (let after: string | undefined; ; ) {
    const page = await source.list({ prefix, limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { key, sizeBytes } of page) {
      const number = chunkNumber(key.slice(prefix.length), layout.count);
      // Whoever holds the bucket's keys may lay other objects beside the chunks.
      if (number === null) continue;
      const last = ranges.at(-1);
      if (last !== undefined && last[1] === number - 1) last[1] = number;
      else ranges.push([number, number]);
      stagedBytes += sizeBytes;
    }
    if (page.length < PAGE) return { ranges, stagedBytes };
    after = page.at(-1)?.key;
  }
}

function chunkNumber(rest: string, count: number): number | null {
  const number = /^\d{5}$/.test(rest) ? Number(rest) : 0;
  return number >= 1 && number <= count ? number : null;
}
