/** Transfers that have ended since the last look, each end once. */
import type { WorkRow, WorkTable } from '#core/ports/work-table.ts';
import { HeadState } from '#core/state.ts';

export interface SeenEnd {
  readonly row: WorkRow;
  readonly head: HeadState;
}

export interface Ends {
  readonly news: readonly SeenEnd[];
  /** For the next look. */
  readonly fromMs: number;
  readonly counted: readonly string[];
}

/** By which an end may come up later than another one of a later time. */
const LATE_MS = 60_000;
const PAGE = 200;
const PAGES_MAX = 10;
/** Of the last minute; where more have ended, those before them are not looked for again. */
const COUNTED_MAX = 100;

/** Those from `fromMs` on, 2,000 at most, that are not among `counted`. What was tried again meanwhile has no end any more. */
export async function endsSince(
  table: Pick<WorkTable, 'ended' | 'get'>,
  ownerId: string,
  last: { readonly fromMs: number; readonly counted: readonly string[]; readonly atMs: number },
): Promise<Ends> {
  const counted = new Set(last.counted);
  const news: SeenEnd[] = [];
  const seen: { readonly name: string; readonly endedAt: number }[] = [];
  let after = { pk: '', sk: '', endedAt: last.fromMs };
  let isAll = false;
  for (let page = 0; page < PAGES_MAX && !isAll; page++) {
    const places = await table.ended(ownerId, { after, limit: PAGE });
    for (const { pk, sk, endedAt } of places) {
      const row = await table.get({ pk, sk });
      if (row === null || row.queue !== null) continue;
      const head = HeadState.parse(row.state);
      const name = `${head.file.transferId}#${head.attempt}`;
      if (!counted.has(name)) news.push({ row, head });
      seen.push({ name, endedAt });
    }
    after = places.at(-1) ?? after;
    isAll = places.length < PAGE;
  }
  const quietMs = isAll ? Math.max(last.fromMs, last.atMs - LATE_MS) : after.endedAt;
  const tooMany = seen.filter(({ endedAt }) => endedAt >= quietMs).slice(0, -COUNTED_MAX);
  const fromMs = Math.max(quietMs, (tooMany.at(-1)?.endedAt ?? 0) + 1);
  return { news, fromMs, counted: seen.filter(({ endedAt }) => endedAt >= fromMs).map(({ name }) => name) };
}
