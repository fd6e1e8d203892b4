/** Which bytes of a file are held: half-open ranges, sorted, never touching. */

export interface Range {
  readonly start: number;
  readonly end: number;
}

export function withRange(held: readonly Range[], added: Range): readonly Range[] {
  if (added.start >= added.end) return held;
  const apart = held.filter((one) => one.end < added.start || one.start > added.end);
  const touching = held.filter((one) => one.end >= added.start && one.start <= added.end);
  const merged = {
    start: Math.min(added.start, ...touching.map(({ start }) => start)),
    end: Math.max(added.end, ...touching.map(({ end }) => end)),
  };
  return [...apart, merged].sort((a, b) => a.start - b.start);
}

export function holds(held: readonly Range[], { start, end }: Range): boolean {
  return start >= end || held.some((one) => one.start <= start && one.end >= end);
}
