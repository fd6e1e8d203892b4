/**
 * One sync for all who write at about the same time. The writes of one turn of the event loop share a transaction, and each is
 * answered when that is on the disk: nobody is told of what could still be lost. Reads come from a connection of their own, which
 * sees what is durable and nothing else.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Cells } from '#core/ports/cells.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { cellsCalls } from './cells.ts';
import { workTableCalls } from './work-table.ts';

/** Rejects what its caller's write threw, and when the transaction could not be made durable. */
type Grouped = <Answer>(write: () => Answer) => Promise<Answer>;

export interface GroupedState {
  readonly table: WorkTable;
  readonly cells: Cells;
  /** Resolves when no write waits for its sync; whether that was made, its writer is told. */
  settled(): Promise<void>;
}

/** Two connections to one file. Every write has to come this way: what else is written by `writing` meanwhile shares its fate. */
export function groupedState(writing: DatabaseSync, reading: DatabaseSync): GroupedState {
  const { grouped, settled } = commitGroups(writing);
  return { table: groupedTable(grouped, writing, reading), cells: groupedCells(grouped, writing, reading), settled };
}

function commitGroups(db: DatabaseSync): { readonly grouped: Grouped; settled(): Promise<void> } {
  const begin = db.prepare('BEGIN IMMEDIATE');
  const commit = db.prepare('COMMIT');
  const rollback = db.prepare('ROLLBACK');
  let open: Promise<void> | null = null;

  /** The group under way, which ends when everybody who is ready in this turn has written. */
  function joined(): Promise<void> {
    if (open !== null) return open;
    begin.run();
    open = new Promise((resolve, reject) => {
      setImmediate(() => {
        open = null;
        try {
          commit.run();
          resolve();
        } catch (error) {
          if (db.isOpen && db.isTransaction) rollback.run();
          reject(error);
        }
      });
    });
    // A failure is told to each writer, of whom there may be none any more.
    open.catch(() => 'told');
    return open;
  }

  return {
    grouped: async (write) => {
      const durable = joined();
      const answer = write();
      await durable;
      return answer;
    },
    settled: async () => {
      await Promise.allSettled([open]);
    },
  };
}

function groupedTable(grouped: Grouped, writing: DatabaseSync, reading: DatabaseSync): WorkTable {
  const { get, query, due, owned, active, ended } = workTableCalls(reading);
  const calls = workTableCalls(writing);
  return {
    get: async (...args) => get(...args),
    query: async (...args) => query(...args),
    due: async (...args) => due(...args),
    owned: async (...args) => owned(...args),
    active: async (...args) => active(...args),
    ended: async (...args) => ended(...args),
    create: (...args) => grouped(() => calls.create(...args)),
    claim: (...args) => grouped(() => calls.claim(...args)),
    renew: (...args) => grouped(() => calls.renew(...args)),
    commit: (...args) => grouped(() => calls.commit(...args)),
    release: (...args) => grouped(() => calls.release(...args)),
    wake: (...args) => grouped(() => calls.wake(...args)),
    wish: (...args) => grouped(() => calls.wish(...args)),
    answer: (...args) => grouped(() => calls.answer(...args)),
    touch: (...args) => grouped(() => calls.touch(...args)),
    revive: (...args) => grouped(() => calls.revive(...args)),
    remove: (...args) => grouped(() => calls.remove(...args)),
    expire: (...args) => grouped(() => calls.expire(...args)),
    purge: (...args) => grouped(() => calls.purge(...args)),
  };
}

function groupedCells(grouped: Grouped, writing: DatabaseSync, reading: DatabaseSync): Cells {
  const { read, list } = cellsCalls(reading);
  const calls = cellsCalls(writing);
  return {
    read: async (...args) => read(...args),
    list: async (...args) => list(...args),
    swap: (...args) => grouped(() => calls.swap(...args)),
    drop: (...args) => grouped(() => calls.drop(...args)),
  };
}
