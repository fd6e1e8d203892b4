/** Reads what a view needs beside the head: its stripes. */
import type { WorkRow, WorkTable } from './ports/work-table.ts';
import { HeadState, headKey, StripeState, stripePrefix } from './state.ts';
import { viewOf } from './view.ts';
import type { TransferView } from './wire/transfer.ts';

/** `stagedBytes` is a lower bound; 0 when nothing is known. Two strongly consistent reads at most. */
export async function readView(table: WorkTable, headRow: WorkRow, stagedBytes: number): Promise<TransferView> {
  const head = HeadState.parse(headRow.state);
  const rows =
    head.sessionNo === 0
      ? []
      : await table.query(headKey(head.file.transferId).pk, stripePrefix(head.sessionNo), { limit: 8 });
  return viewOf({
    head,
    wish: headRow.wish,
    isParked: (headRow.dueAt === null || headRow.hold === 'rest') && rows.every((row) => row.hold !== 'lease'),
    isHashing: head.events.at(-1)?.type === 'hashing',
    stripes: rows.map((row) => StripeState.parse(row.state)),
    stagedBytes,
  });
}
