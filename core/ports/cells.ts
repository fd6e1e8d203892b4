/** Small values under compare-and-set: gates, destinations, sealed credentials, idempotency keys. */
import type { RowKey } from './work-table.ts';

export interface Cell extends RowKey {
  /** Rises by one with each write, starts at 1. */
  readonly v: number;
  /** JSON, at most 32 KiB. */
  readonly value: unknown;
}

/**
 * Laws: `swap` writes if the cell's version is `v` (0: if it is absent) and answers whether it did; of racing swaps of one
 * version exactly one wins. A swap or drop repeated after a lost reply may answer false: the caller reads and looks.
 * `list` is ascending by sk and complete up to `limit`, `after` is exclusive. Reads are strongly consistent.
 */
export interface Cells {
  read(key: RowKey): Promise<Cell | null>;
  swap(key: RowKey, v: number, value: unknown): Promise<boolean>;
  drop(key: RowKey, v: number): Promise<boolean>;
  list(pk: string, page: { readonly after?: string; readonly limit: number }): Promise<readonly Cell[]>;
}
