/** Counts what a table and cells are asked to write, lost races included: a store charges for those too. */
import type { Cells } from '#core/ports/cells.ts';
import type { RowKey, WorkTable } from '#core/ports/work-table.ts';

export interface Tally {
  /** Calls by verb: `claim`, `commit`, …, and `gate` for cells. */
  readonly writes: ReadonlyMap<string, number>;
  /** The largest rows seen, by what they are. */
  readonly rows: ReadonlyMap<string, RowSize>;
  total(): number;
}

/** Bytes of UTF-8 JSON: of the state alone, and of the row with all its columns. */
export interface RowSize {
  readonly stateBytes: number;
  readonly rowBytes: number;
}

type Write = 'create' | 'claim' | 'renew' | 'commit' | 'release' | 'wake' | 'wish' | 'answer' | 'touch' | 'revive';

export function counted(table: WorkTable, cells: Cells): { table: WorkTable; cells: Cells; tally: Tally } {
  const writes = new Map<string, number>();
  const rows = new Map<string, RowSize>();
  const count = (verb: string) => writes.set(verb, (writes.get(verb) ?? 0) + 1);

  async function weigh(key: RowKey): Promise<void> {
    const row = await table.get(key);
    if (row === null) return;
    const kind = kindOf(key);
    const was = rows.get(kind) ?? { stateBytes: 0, rowBytes: 0 };
    rows.set(kind, {
      stateBytes: Math.max(was.stateBytes, Buffer.byteLength(JSON.stringify(row.state))),
      rowBytes: Math.max(was.rowBytes, Buffer.byteLength(JSON.stringify(row))),
    });
  }

  function noted<A extends readonly [RowKey, ...unknown[]], R>(verb: Write, write: (...args: A) => Promise<R>) {
    return async (...args: A): Promise<R> => {
      count(verb);
      const result = await write(...args);
      await weigh(args[0]);
      return result;
    };
  }

  return {
    table: {
      ...table,
      create: noted('create', table.create),
      claim: noted('claim', table.claim),
      renew: noted('renew', table.renew),
      commit: noted('commit', table.commit),
      release: noted('release', table.release),
      wake: noted('wake', table.wake),
      wish: noted('wish', table.wish),
      answer: noted('answer', table.answer),
      touch: noted('touch', table.touch),
      revive: noted('revive', table.revive),
    },
    cells: {
      ...cells,
      swap: async (...args) => {
        count('gate');
        return cells.swap(...args);
      },
    },
    tally: { writes, rows, total: () => [...writes.values()].reduce((sum, n) => sum + n, 0) },
  };
}

function kindOf({ pk, sk }: RowKey): string {
  if (sk.startsWith('S#')) return 'stripe';
  if (sk.startsWith('R#')) return 'receipts';
  if (sk.startsWith('H#')) return 'digest';
  return pk.startsWith('U#') ? 'upload' : 'head';
}
