/** Places at the gates of one process: nothing is lost with them but the places of holders that are dead as well. */
import { memoryCells } from '#adapters/memory/cells.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { RowKey } from '#core/ports/work-table.ts';
import { GATE_SK } from '#core/state.ts';

/** All cells are in `durable` but those of gates, which would cost two syncs per lease. Only for a process that is alone. */
export function gatesInMemory(durable: Cells): Cells {
  const gates = memoryCells();
  const homeOf = ({ sk }: RowKey): Cells => (sk === GATE_SK ? gates : durable);
  return {
    read: (key) => homeOf(key).read(key),
    swap: (key, v, value) => homeOf(key).swap(key, v, value),
    drop: (key, v) => homeOf(key).drop(key, v),
    list: (pk, page) => durable.list(pk, page),
  };
}
