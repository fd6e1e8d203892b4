/** What the processes of a destination tell each other, beside its gate. */
import type { Cells } from '#core/ports/cells.ts';
import type { SharedValue } from '#core/ports/connection.ts';
import { gateKey } from '#core/state.ts';

/** It stays when the destination goes: an account that was to be left alone still is when somebody makes it anew. */
export function sharedValue(cells: Cells, destinationId: string, name: string): SharedValue {
  const key = { pk: gateKey(destinationId).pk, sk: `SHARED#${name}` };
  return {
    read: () => cells.read(key),
    swap: (v, value) => cells.swap(key, v, value),
  };
}
