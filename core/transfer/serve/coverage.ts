/** Which bytes of a file have been taken, each counted once. */
import type { ByteRange } from '#core/ports/staging.ts';

export interface Coverage {
  add(range: ByteRange): void;
  bytes(): number;
}

/** Ranges apart from each other that are remembered; beyond, what is added does not count. */
const RANGES_MAX = 4_096;

export function coverage(): Coverage {
  let ranges: readonly ByteRange[] = [];
  let bytes = 0;
  return {
    add: ({ start, end }) => {
      if (end <= start) return;
      const isApart = (range: ByteRange) => range.end < start || range.start > end;
      const touching = ranges.filter((range) => !isApart(range));
      if (touching.length === 0 && ranges.length >= RANGES_MAX) return;
      const joined = {
        start: Math.min(start, ...touching.map((range) => range.start)),
        end: Math.max(end, ...touching.map((range) => range.end)),
      };
      const before = touching.reduce((total, range) => total + range.end - range.start, 0);
      bytes += joined.end - joined.start - before;
      ranges = [...ranges.filter(isApart), joined];
    },
    bytes: () => bytes,
  };
}
