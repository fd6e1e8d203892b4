/** What a viewer is shown first: the table's truth. */
import type { Engine } from '#core/transfer/engine.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { viewer } from '../functions/viewing.ts';

const SNAPSHOT_MOST = 200;

/** Reads the newest transfers of an owner, active ones first. */
export function newestTransfers(engine: Engine): (ownerId: string) => Promise<readonly TransferView[]> {
  const { view } = viewer({ engine });
  return async (ownerId) =>
    Promise.all((await engine.table.owned(ownerId, { limit: SNAPSHOT_MOST })).map(({ row }) => view(row)));
}
