/** Which rows of the list are shown: those of a state, of a destination, with a text in name or folder. Pure. */
import type { Row } from './rows.ts';

export const FILTERS = ['all', 'active', 'finished', 'failed'] as const;
export type Filter = (typeof FILTERS)[number];

export interface Wanted {
  readonly filter: Filter;
  /** Empty: all of them. */
  readonly destinationId: string;
  /** For `narrow` in small letters; empty: whatever it is called. */
  readonly search: string;
}

export interface Narrowed {
  readonly shown: readonly Row[];
  /** How many each filter would show. */
  readonly counts: Readonly<Record<Filter, number>>;
}

export function narrow(rows: readonly Row[], { filter, destinationId, search }: Wanted): Narrowed {
  const counts = { all: 0, active: 0, finished: 0, failed: 0 };
  const shown: Row[] = [];
  for (const row of rows) {
    if (destinationId !== '' && !row.destinationIds.includes(destinationId)) continue;
    if (search !== '' && !`${row.folder}/${row.name}`.toLocaleLowerCase().includes(search)) continue;
    const own = filterOf(row);
    counts.all += 1;
    counts[own] += 1;
    if (filter === 'all' || filter === own) shown.push(row);
  }
  return { shown, counts };
}

function filterOf(row: Row): Exclude<Filter, 'all'> {
  if (row.status === 'failed') return 'failed';
  return row.group === 'ended' ? 'finished' : 'active';
}
