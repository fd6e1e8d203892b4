/** Reads what a view needs beside the head: its stripes. */
import type { WorkRow, WorkTable } from './ports/work-table.ts';
import { HeadState, headKey, StripeState, stripePrefix, tagIn } from './state.ts';
import { viewOf } from './view.ts';
import type { TransferView } from './wire/transfer.ts';

/** `stagedBytes` is a lower bound; 0 when nothing is known. `head` is the row's state, for whoever has parsed it. Two strongly consistent reads at most. */
export async function readView(
  table: WorkTable,
  headRow: WorkRow,
  stagedBytes: number,
  head: HeadState = HeadState.parse(headRow.state),
): Promise<TransferView> {
  const isToldByHead = head.sessionNo === 0 || head.step.phase === 'done' || tagIn(head.step) !== undefined;
  const rows = isToldByHead
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
