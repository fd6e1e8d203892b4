/** Transfers that have not arrived yet and can go on: what is known of them, and which parts are there already. */
import { createHash } from 'node:crypto';
import type { WorkRow, WorkTable } from '#core/ports/work-table.ts';
import { HeadState, ReceiptsState, receiptsPrefix, StripeState, stripePrefix, tagIn } from '#core/state.ts';

export interface Resumable {
  /** The same for every attempt to bring this name into this folder of this destination. */
  readonly sessionId: string;
  readonly row: WorkRow;
  readonly head: HeadState;
}

export interface PartsThere {
  readonly count: number;
  /** Numbers, ascending. */
  readonly done: readonly number[];
  /** Epoch ms of the last news, the transfer's own or a part's. */
  readonly updatedAtMs: number;
}

/** Rows that are looked at, those under way first: beyond them are old ones that have ended. */
const SCANNED_MOST = 2_000;
const PAGE = 200;

/** The owner's, those under way first, then the newest; `limit` of them at most. */
export async function listResumable(
  table: Pick<WorkTable, 'owned'>,
  ownerId: string,
  limit: number,
): Promise<readonly Resumable[]> {
  const found: Resumable[] = [];
  let after: string | undefined;
  for (let scanned = 0; scanned < SCANNED_MOST; scanned += PAGE) {
    const page = await table.owned(ownerId, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    for (const { row, cursor } of page) {
      after = cursor;
      if (row.wish === 'cancel' || (row.queue === null && row.phase !== 'failed')) continue;
      const head = HeadState.parse(row.state);
      found.push({ sessionId: sessionIdOf(head), row, head });
      if (found.length === limit) return found;
    }
    if (page.length < PAGE) break;
  }
  return found;
}

/** Before a destination has named its parts, they are the chunks in which the file is staged. */
export async function partsThere(table: WorkTable, { row, head }: Resumable): Promise<PartsThere> {
  const { file, step, sessionNo } = head;
  const live = step.phase === 'failed' ? step.resume : step;
  const count = 'plan' in live ? live.plan.partCount : file.layout.kind === 'chunks' ? file.layout.count : 1;
  if (!('plan' in live)) return { count, done: [], updatedAtMs: row.updatedAt };
  if (tagIn(step) !== undefined) return { count, done: [1], updatedAtMs: row.updatedAt };
  const stripes = await table.query(row.pk, stripePrefix(sessionNo));
  const blocks = await table.query(row.pk, receiptsPrefix(sessionNo));
  const numbers = [
    ...stripes.flatMap(({ state }) => Object.keys(StripeState.parse(state).have)),
    ...blocks.flatMap(({ state }) => Object.keys(ReceiptsState.parse(state).have)),
  ];
  return {
    count,
    done: [...new Set(numbers.map(Number))].sort((a, b) => a - b),
    updatedAtMs: Math.max(row.updatedAt, ...stripes.map(({ updatedAt }) => updatedAt)),
  };
}

function sessionIdOf({ file }: HeadState): string {
  const named = JSON.stringify([file.destinationId, file.folder, file.name]);
  return createHash('sha256').update(named).digest('hex').slice(0, 32);
}
