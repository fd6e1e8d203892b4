/** The work table and the cells in a Durable Object: each call is one call of the object, where it is one statement. */
import type { Cells } from '#core/ports/cells.ts';
import type { RowKey, WorkRow, WorkTable } from '#core/ports/work-table.ts';
import { type Asking, asking } from './asking.ts';
import type { TableNamespace } from './call.ts';

/** What one reply may hold stays far from the 32 MiB of a call: a row has 4 KiB of state, and its answers. */
const ROWS_MAX = 1_000;

/** Faults as those of `asking`. */
export function durableWorkTable(namespace: TableNamespace): WorkTable {
  const ask = asking(namespace);
  return {
    get: (key) => ask('get', key),
    query: (pk, prefix, page) => query(ask, pk, prefix, page),
    create: (row, now) => ask('create', row, now),
    claim: (key, by) => ask('claim', key, by),
    renew: (key, token, until, now) => ask('renew', key, token, until, now),
    commit: (key, token, advance, now, guard) => ask('commit', key, token, advance, now, guard),
    release: (key, token, release, now) => ask('release', key, token, release, now),
    wake: (key, at, now, from) => ask('wake', key, at, now, from),
    wish: (key, wish, now) => ask('wish', key, wish, now),
    answer: (key, answers, now) => ask('answer', key, answers, now),
    touch: (key, expiresAt, ifPhase, now) => ask('touch', key, expiresAt, ifPhase, now),
    revive: (key, token, as, now) => ask('revive', key, token, as, now),
    due: (queue, now, limit) => ask('due', queue, now, limit),
    owned: (ownerId, page) => ask('owned', ownerId, page),
    active: (ownerId, max) => ask('active', ownerId, max),
    ended: (ownerId, page) => ask('ended', ownerId, page),
    remove: (key) => ask('remove', key),
    expire: (key, at, now) => ask('expire', key, at, now),
    purge: (now, limit) => ask('purge', now, limit),
  };
}

/** A swap or drop whose reply was lost answers as if it had not been. Faults as those of `asking`. */
export function durableCells(namespace: TableNamespace): Cells {
  const ask = asking(namespace);
  return {
    read: (key) => ask('read', key),
    swap: (key, v, value) => ask('swap', key, v, value),
    drop: (key, v) => ask('drop', key, v),
    list: (pk, page) => ask('list', pk, page),
  };
}

async function query(
  ask: Asking,
  pk: RowKey['pk'],
  prefix: string,
  page: { readonly after?: string; readonly limit?: number } = {},
): Promise<readonly WorkRow[]> {
  const rows: WorkRow[] = [];
  const limit = page.limit ?? Number.POSITIVE_INFINITY;
  let after = page.after;
  while (rows.length < limit) {
    const wanted = Math.min(ROWS_MAX, limit - rows.length);
    const found = await ask('query', pk, prefix, { limit: wanted, ...(after === undefined ? {} : { after }) });
    rows.push(...found);
    if (found.length < wanted) break;
    after = found.at(-1)?.sk;
  }
  return rows;
}
