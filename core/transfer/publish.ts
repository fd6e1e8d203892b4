/** Tells viewers what a commit changed. Never before the commit, and never in its way. */

import type { RowKey } from '#core/ports/work-table.ts';
import { readView } from '#core/read-view.ts';
import { HeadState } from '#core/state.ts';
import { traceOf } from '#core/trace.ts';
import type { Engine } from './engine.ts';

/** Reads the transfer back and publishes its view. A rumour that cannot be told is dropped: the table has the truth. */
export async function publishTransfer(engine: Engine, head: RowKey, stagedBytes: number): Promise<void> {
  try {
    const row = await engine.table.get(head);
    if (row === null) return;
    const view = await readView(engine.table, row, stagedBytes);
    const { ownerId } = HeadState.parse(row.state).file;
    await engine.progress.publish([{ kind: 'transfer', ownerId, view }]);
  } catch (error) {
    engine.log.error('progress.lost', { ...head, ...traceOf(error) });
  }
}
