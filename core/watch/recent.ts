/** The newest transfers of an owner as the table has them: what is watched must not depend on what this process remembers. */
import type { WorkRow, WorkTable } from '#core/ports/work-table.ts';
import { HeadState } from '#core/state.ts';
import { statusOf } from '#core/view.ts';
import type { Status } from '#core/wire/transfer.ts';

export interface RecentTransfer {
  readonly row: WorkRow;
  readonly head: HeadState;
  readonly status: Status;
}

export interface Recent {
  /** 2,000 at most. */
  readonly underWay: readonly RecentTransfer[];
  /**
   * Of the newest that have ended, 400 at most: those that began long ago may be missing. Null: so many are under way that none of
   * these was seen.
   */
  readonly ended: readonly RecentTransfer[] | null;
}

const PAGE = 200;
const UNDER_WAY_MAX = 2_000;
const ENDED_MAX = 400;

export async function readRecent(table: Pick<WorkTable, 'owned'>, ownerId: string): Promise<Recent> {
  const underWay: RecentTransfer[] = [];
  const ended: RecentTransfer[] = [];
  let after: string | undefined;
  while (underWay.length < UNDER_WAY_MAX && ended.length < ENDED_MAX) {
    const page = await table.owned(ownerId, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { row, cursor } of page) {
      after = cursor;
      const transfer = recentOf(row);
      if (row.queue === null) ended.push(transfer);
      else underWay.push(transfer);
    }
    if (page.length < PAGE) return { underWay, ended };
  }
  return { underWay, ended: ended.length === 0 ? null : ended };
}

/** Without its stripes: one that is just being paused counts as paused. */
function recentOf(row: WorkRow): RecentTransfer {
  const head = HeadState.parse(row.state);
  const isHashing = head.events.at(-1)?.type === 'hashing';
  return { row, head, status: statusOf(head, row.wish, row.dueAt === null || row.hold === 'rest', isHashing) };
}
