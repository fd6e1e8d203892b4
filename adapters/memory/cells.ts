/** Cells in a map. Values are kept as JSON text, so that what comes out is what a durable adapter would give. */
import type { Cell, Cells } from '#core/ports/cells.ts';
import type { RowKey } from '#core/ports/work-table.ts';

interface Stored extends RowKey {
  readonly v: number;
  readonly json: string;
}

export function memoryCells(): Cells {
  const cells = new Map<string, Map<string, Stored>>();
  const find = ({ pk, sk }: RowKey) => cells.get(pk)?.get(sk);

  return {
    read: async (key) => {
      const stored = find(key);
      return stored === undefined ? null : toCell(stored);
    },
    swap: async ({ pk, sk }, v, value) => {
      if ((find({ pk, sk })?.v ?? 0) !== v) return false;
      const group = cells.get(pk) ?? new Map<string, Stored>();
      cells.set(pk, group.set(sk, { pk, sk, v: v + 1, json: JSON.stringify(value ?? null) }));
      return true;
    },
    drop: async ({ pk, sk }, v) => {
      if (find({ pk, sk })?.v !== v) return false;
      return cells.get(pk)?.delete(sk) ?? false;
    },
    list: async (pk, { after, limit }) =>
      [...(cells.get(pk)?.values() ?? [])]
        .filter(({ sk }) => after === undefined || sk > after)
        .sort((a, b) => (a.sk < b.sk ? -1 : 1))
        .slice(0, limit)
        .map(toCell),
  };
}

function toCell({ pk, sk, v, json }: Stored): Cell {
  return { pk, sk, v, value: JSON.parse(json) };
}
