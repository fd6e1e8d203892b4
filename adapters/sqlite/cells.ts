/** Cells in SQLite: each write is one statement, and won when it changed one row. */
import * as z from 'zod';
import type { Cell, Cells } from '#core/ports/cells.ts';
import type { Database } from './database.ts';
import { type InOneGo, promised } from './in-one-go.ts';

const Stored = z.object({ pk: z.string(), sk: z.string(), v: z.number(), value: z.string() });

const KEYED = 'pk = :pk AND sk = :sk';

export function sqliteCells(db: Database): Cells {
  return promised<Cells>(cellsCalls(db));
}

/** The same without promises, as `workTableCalls`. */
export function cellsCalls(db: Database): InOneGo<Cells> {
  const read = db.prepare(`SELECT * FROM cells WHERE ${KEYED}`);
  const list = db.prepare('SELECT * FROM cells WHERE pk = :pk AND sk > :after ORDER BY sk LIMIT :limit');
  const insert = db.prepare('INSERT INTO cells (pk, sk, v, value) VALUES (:pk, :sk, 1, :json) ON CONFLICT DO NOTHING');
  const update = db.prepare(`UPDATE cells SET v = v + 1, value = :json WHERE ${KEYED} AND v = :v`);
  const drop = db.prepare(`DELETE FROM cells WHERE ${KEYED} AND v = :v`);

  return {
    read: ({ pk, sk }) => {
      const stored = read.get({ pk, sk });
      return stored === undefined ? null : toCell(stored);
    },
    swap: ({ pk, sk }, v, value) => {
      const json = JSON.stringify(value ?? null);
      const { changes } = v === 0 ? insert.run({ pk, sk, json }) : update.run({ pk, sk, json, v });
      return changes === 1;
    },
    drop: ({ pk, sk }, v) => drop.run({ pk, sk, v }).changes === 1,
    list: (pk, { after = '', limit }) => list.all({ pk, after, limit }).map(toCell),
  };
}

function toCell(stored: unknown): Cell {
  const { value, ...cell } = Stored.parse(stored);
  return { ...cell, value: JSON.parse(value) };
}
