/** Cells in SQLite: each write is one statement, and won when it changed one row. */
import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import type { Cell, Cells } from '#core/ports/cells.ts';

const Stored = z.object({ pk: z.string(), sk: z.string(), v: z.number(), value: z.string() });

export function sqliteCells(db: DatabaseSync): Cells {
  const read = db.prepare('SELECT * FROM cells WHERE pk = ? AND sk = ?');
  const list = db.prepare('SELECT * FROM cells WHERE pk = ? AND sk > ? ORDER BY sk LIMIT ?');
  const insert = db.prepare('INSERT INTO cells (pk, sk, v, value) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING');
  const update = db.prepare('UPDATE cells SET v = v + 1, value = ? WHERE pk = ? AND sk = ? AND v = ?');
  const drop = db.prepare('DELETE FROM cells WHERE pk = ? AND sk = ? AND v = ?');

  return {
    read: async ({ pk, sk }) => {
      const stored = read.get(pk, sk);
      return stored === undefined ? null : toCell(stored);
    },
    swap: async ({ pk, sk }, v, value) => {
      const json = JSON.stringify(value ?? null);
      const { changes } = v === 0 ? insert.run(pk, sk, json) : update.run(json, pk, sk, v);
      return changes === 1;
    },
    drop: async ({ pk, sk }, v) => drop.run(pk, sk, v).changes === 1,
    list: async (pk, { after, limit }) => list.all(pk, after ?? '', limit).map(toCell),
  };
}

function toCell(stored: unknown): Cell {
  const { value, ...cell } = Stored.parse(stored);
  return { ...cell, value: JSON.parse(value) };
}
