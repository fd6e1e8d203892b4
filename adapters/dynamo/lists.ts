/** The lists of the work table: rows of one pk by the table itself, consistent; `due`, `owned` and `ended` by the indexes, which may lag. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { RowKey, WorkTable } from '#core/ports/work-table.ts';
import type { Items } from './items.ts';
import { type Stored, toRow, toStored } from './rows.ts';

const Due = z.object({ pk: z.string(), sk: z.string(), dueAt: z.number() });
const Ended = z.object({ pk: z.string(), sk: z.string(), endedAt: z.number() });
const Place = z.object({ pk: z.string(), sk: z.string(), listKey: z.string() });

/** As many rows as one batch reads. */
const BATCH_MAX = 100;
/** Rounds of `owned` that may find nothing but places of rows which are gone. */
const ROUNDS_MAX = 20;

export function dynamoLists(items: Items): Pick<WorkTable, 'query' | 'due' | 'owned' | 'active' | 'ended'> {
  return {
    query: async (pk, prefix, page = {}) =>
      (await itemsUnder(items, pk, prefix, page)).map((item) => toRow(toStored(item))),
    due: async (queue, now, limit) => {
      if (limit < 1) return [];
      const values = { queue, now };
      const found = await items.query({ index: 'due', where: '#queue = :queue AND #dueAt <= :now', values, limit });
      // Which of two rows of one time comes first is nowhere said: it is the key that decides, so that it is known.
      return found
        .map((item) => Due.parse(item))
        .sort((a, b) => a.dueAt - b.dueAt || order(a, b))
        .map(({ pk, sk }) => ({ pk, sk }));
    },
    owned: (ownerId, page) => owned(items, ownerId, page),
    active: async (ownerId, max) => {
      if (max < 1) return 0;
      const where = '#ownerId = :ownerId AND begins_with(#listKey, :active)';
      return items.count({ index: 'owner', where, values: { ownerId, active: '1#' }, limit: max });
    },
    ended: async (ownerId, { after, limit }) => {
      if (limit < 1) return [];
      const { endedAt, pk, sk } = after;
      const found = await items.query({
        index: 'ended',
        where: '#ownerId = :ownerId AND #endedAt >= :endedAt',
        values: { ownerId, endedAt },
        limit,
        ...(pk === '' ? {} : { after: { ownerId, endedAt, pk, sk } }),
      });
      return found.map((item) => Ended.parse(item));
    },
  };
}

/** Items of a pk whose sk starts with `prefix`, ascending; `after` is an sk, exclusive. Strongly consistent. */
export async function itemsUnder(
  items: Items,
  pk: string,
  prefix: string,
  { after = '', limit }: { readonly after?: string; readonly limit?: number },
): ReturnType<Items['query']> {
  if (limit !== undefined && limit < 1) return [];
  const isWithin = after.startsWith(prefix);
  // DynamoDB refuses to start outside of what it is asked for.
  if (!isWithin && Buffer.compare(Buffer.from(after), Buffer.from(prefix)) > 0) return [];
  return items.query({
    where: prefix === '' ? '#pk = :pk' : '#pk = :pk AND begins_with(#sk, :prefix)',
    values: { pk, prefix },
    ...(isWithin && after !== '' ? { after: { pk, sk: after } } : {}),
    ...(limit === undefined ? {} : { limit }),
  });
}

/** The index has the places, the table the rows. A row that has gone meanwhile leaves a place that is passed over. */
async function owned(
  items: Items,
  ownerId: string,
  { after, limit }: { readonly after?: string; readonly limit: number },
): ReturnType<WorkTable['owned']> {
  const found: { readonly stored: Stored; readonly cursor: string }[] = [];
  let cursor = after;
  for (let round = 0; found.length < limit; round++) {
    if (round === ROUNDS_MAX)
      throw new Fault('transient', 'table.lagging', 'the list of an owner names rows that are gone');
    const wanted = Math.min(limit - found.length, BATCH_MAX);
    const places = await items.query({
      index: 'owner',
      where: '#ownerId = :ownerId',
      values: { ownerId },
      order: 'descending',
      limit: wanted,
      ...(cursor === undefined ? {} : { after: { ownerId, ...placeOf(cursor) } }),
    });
    // An index that lags may name a row at its old and at its new place.
    const listed = new Map(places.map((place) => Place.parse(place)).map((place) => [idOf(place), place]));
    const rows = new Map((await items.getAll([...listed.values()])).map(toStored).map((row) => [idOf(row), row]));
    for (const [id, { listKey }] of listed) {
      const stored = rows.get(id);
      if (stored !== undefined) found.push({ stored, cursor: listKey });
    }
    const last = places.at(-1);
    if (last === undefined || places.length < wanted) break;
    cursor = Place.parse(last).listKey;
  }
  return found.map((entry) => ({ row: toRow(entry.stored), cursor: entry.cursor }));
}

/** A place ends with its row's key. */
function placeOf(cursor: string): { readonly listKey: string; readonly pk: string; readonly sk: string } {
  const [pk = '', sk = ''] = cursor.split('\n').slice(-2);
  return { listKey: cursor, pk, sk };
}

function idOf({ pk, sk }: RowKey): string {
  return `${pk}\n${sk}`;
}

function order(a: RowKey, b: RowKey): number {
  if (a.pk !== b.pk) return a.pk < b.pk ? -1 : 1;
  return a.sk < b.sk ? -1 : 1;
}
