/** What is done to many rows at once: a few at a time, to the end, and with a count of what was refused. */
import { toUploadError, type UploadError } from '../upload/error.ts';
import type { Row, RowVerb } from './rows.ts';

export interface BulkCount {
  readonly done: number;
  readonly refused: number;
  readonly all: number;
  /** Of the last refusal. */
  readonly error: UploadError | null;
}

/** Requests under way at once: more would only wait in the browser, and run out of time there. */
const AT_ONCE = 4;

/**
 * Runs `act` for each of `rows`, with those rows of the same upload that are not being dealt with already. A row that is
 * refused stops none of the others. Never rejects; stops at the next row once the signal aborts.
 */
export async function actOnAll(options: {
  readonly rows: readonly Row[];
  readonly all: readonly Row[];
  readonly act: (row: Row, siblings: readonly Row[]) => Promise<void>;
  readonly onCount: (count: BulkCount) => void;
  readonly signal: AbortSignal;
}): Promise<BulkCount> {
  const { rows, all, act, onCount, signal } = options;
  const siblings = Map.groupBy(all, ({ upload, key }) => upload?.key ?? key);
  const begun = new Set<Row>();
  let count: BulkCount = { done: 0, refused: 0, all: rows.length, error: null };
  const queue = rows.values();

  async function work(): Promise<void> {
    for (const row of queue) {
      if (signal.aborted) return;
      begun.add(row);
      const others = siblings.get(row.upload?.key ?? row.key) ?? [];
      try {
        await act(
          row,
          others.filter((other) => !begun.has(other)),
        );
        count = { ...count, done: count.done + 1 };
      } catch (cause) {
        count = { ...count, refused: count.refused + 1, error: toUploadError(cause) };
      }
      onCount(count);
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return count;
}

/** Of these rows, those that the verb can be said to now. */
export function rowsFor(verb: RowVerb, rows: readonly Row[]): readonly Row[] {
  return rows.filter((row) => row.verbs.includes(verb));
}
