/** Tells viewers what a commit changed. Never before the commit, and never in its way. */

import type { RowKey } from '#core/ports/work-table.ts';
import { readView } from '#core/read-view.ts';
import { HeadState } from '#core/state.ts';
import { traceOf } from '#core/trace.ts';
import type { Engine } from './engine.ts';

/**
 * Reads the transfer back and publishes its view. A rumour that cannot be told is dropped: the table has the truth. Answers what it
 * read, null if it could not.
 */
export async function publishTransfer(engine: Engine, key: RowKey, stagedBytes: number): Promise<HeadState | null> {
  try {
    const row = await engine.table.get(key);
    if (row === null) return null;
    const head = HeadState.parse(row.state);
    const view = await readView(engine.table, row, stagedBytes, head);
    await engine.progress.publish([{ kind: 'transfer', ownerId: head.file.ownerId, view }]);
    return head;
  } catch (error) {
    engine.log.error('progress.lost', { ...key, ...traceOf(error) });
    return null;
  }
}
