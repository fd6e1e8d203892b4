/** Counters by name, of which there are only so many. */

/** What found no name of its own any more. */
export const OTHER = 'other';

export function add(counts: Map<string, number>, name: string, count: number, namesMax: number): void {
  const known = counts.has(name) || counts.size < namesMax ? name : OTHER;
  counts.set(known, (counts.get(known) ?? 0) + count);
}

/** Null: it is not counted apart. */
export function countedApart(counts: ReadonlyMap<string, number>, name: string): number | null {
  return counts.get(name) ?? (counts.has(OTHER) ? null : 0);
}
