/** The work table in SQLite: each write is one statement, and won when it changed one row. */
import * as z from 'zod';
import type { Advance, WorkRow, WorkTable } from '#core/ports/work-table.ts';
import type { Database, SqlValues, Statement } from './database.ts';
import { type InOneGo, promised } from './in-one-go.ts';
import { FREE_OTHER_BOOTS, SQL } from './statements.ts';

export interface SqliteWorkTable extends WorkTable {
  /**
   * Ends the leases of holders that died with an earlier process: a holder is `{bootId}/{nonce}`, and those of another boot
   * are taken as run out at `now`, so the next claim of each is unclean. Answers how many. Only for a process that is alone.
   */
  freeOtherBoots(bootId: string, now: number): number;
}

const Stored = z.object({
  pk: z.string(),
  sk: z.string(),
  queue: z.string().nullable(),
  dueAt: z.number().nullable(),
  hold: z.enum(['lease', 'wait', 'rest']),
  token: z.number(),
  holder: z.string().nullable(),
  unclean: z.number(),
  phase: z.string(),
  state: z.string(),
  wish: z.enum(['pause', 'cancel']).nullable(),
  answers: z.string(),
  touched: z.number(),
  expiresAt: z.number().nullable(),
  listKey: z.string().nullable(),
  updatedAt: z.number(),
});
type Stored = z.infer<typeof Stored>;

const StoredKey = z.object({ pk: z.string(), sk: z.string() });
const Counted = z.object({ n: z.number() });
const StoredPurge = StoredKey.extend({ ownerId: z.string().nullable() });
const StoredEnd = StoredKey.extend({ endedAt: z.number() });
const Answers = z.record(z.string(), z.string());

export function sqliteWorkTable(db: Database): SqliteWorkTable {
  const statement = db.prepare(FREE_OTHER_BOOTS);
  return {
    ...promised<WorkTable>(workTableCalls(db)),
    freeOtherBoots: (bootId, now) => Number(statement.run({ boot: `${bootId}/`, now }).changes),
  };
}

/** The same without promises: what a caller wants done together, it does in one turn or one transaction. */
export function workTableCalls(db: Database): InOneGo<WorkTable> {
  const statements = prepare(db);
  const win = (name: keyof typeof SQL, values: SqlValues) => statements[name].run(values).changes === 1;

  return {
    get: ({ pk, sk }) => {
      const stored = statements.get.get({ pk, sk });
      return stored === undefined ? null : toRow(Stored.parse(stored));
    },
    query: (pk, prefix, { after = '', limit = -1 } = {}) =>
      statements.query.all({ pk, prefix, after, limit }).map((stored) => toRow(Stored.parse(stored))),
    create: ({ pk, sk, queue, dueAt, phase, state, expiresAt = null, owner }, now) => {
      const row = { pk, sk, queue, dueAt, phase, state: toJson(state), expiresAt, now };
      return win('create', { ...row, ownerId: owner?.id ?? null, sort: owner?.sort ?? '' }) ? 'created' : 'exists';
    },
    claim: ({ pk, sk }, { holder, now, until }) => {
      const claimed = statements.claim.get({ pk, sk, holder, now, until });
      if (claimed === undefined) return null;
      const stored = Stored.parse(claimed);
      return { row: toRow(stored), token: stored.token, unclean: stored.unclean === 1 };
    },
    renew: ({ pk, sk }, token, until, now) => win('renew', { pk, sk, token, until, now }),
    commit: ({ pk, sk }, token, advance, now, { unlessWish = null, ifTouched = null } = {}) =>
      win('commit', { pk, sk, token, now, unlessWish, ifTouched, queue: advance.queue ?? null, ...advanced(advance) }),
    release: ({ pk, sk }, token, release, now) =>
      win(release.to === 'ended' ? 'end' : 'release', {
        pk,
        sk,
        token,
        now,
        hold: release.to === 'rest' ? 'rest' : 'wait',
        dueAt: 'dueAt' in release ? release.dueAt : null,
        ...(release.advance === undefined ? { phase: null, state: null } : advanced(release.advance)),
      }),
    wake: ({ pk, sk }, at, now, from = 'wait') => win('wake', { pk, sk, at, now, from }),
    wish: ({ pk, sk }, wish, now) => win('wish', { pk, sk, wish, now }),
    answer: ({ pk, sk }, answers, now) => win('answer', { pk, sk, answers: toJson(answers), now }),
    touch: ({ pk, sk }, expiresAt, ifPhase, now) => win('touch', { pk, sk, expiresAt, ifPhase, now }),
    revive: ({ pk, sk }, token, { queue, dueAt, ...advance }, now) =>
      win('revive', { pk, sk, token, queue, dueAt, hold: 'wait', now, ...advanced(advance) }),
    due: (queue, now, limit) => statements.due.all({ queue, now, limit }).map((stored) => StoredKey.parse(stored)),
    owned: (ownerId, { after, limit }) => {
      const [listKey = '', pk = '', sk = ''] = after?.split('\n') ?? [];
      const found =
        after === undefined
          ? statements.owned.all({ ownerId, limit })
          : statements.ownedAfter.all({ ownerId, limit, listKey, pk, sk });
      return found.map((entry) => {
        const stored = Stored.parse(entry);
        return { row: toRow(stored), cursor: [stored.listKey, stored.pk, stored.sk].join('\n') };
      });
    },
    active: (ownerId, max) => Counted.parse(statements.active.get({ ownerId, max })).n,
    ended: (ownerId, { after: { endedAt, pk, sk }, limit }) =>
      statements.ended.all({ ownerId, endedAt, pk, sk, limit }).map((stored) => StoredEnd.parse(stored)),
    remove: ({ pk, sk }) => void statements.remove.run({ pk, sk }),
    expire: ({ pk, sk }, at, now) => win('expire', { pk, sk, at, now }),
    purge: (now, limit) => statements.purge.all({ now, limit }).map((stored) => StoredPurge.parse(stored)),
  };
}

function prepare(db: Database): Readonly<Record<keyof typeof SQL, Statement>> {
  const prepared = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)]);
  // The entries are those of SQL, whose names fromEntries forgets.
  return Object.fromEntries(prepared) as Record<keyof typeof SQL, Statement>;
}

function toRow({ state, answers, unclean: _unclean, listKey: _listKey, ...row }: Stored): WorkRow {
  return { ...row, state: JSON.parse(state), answers: Answers.parse(JSON.parse(answers)) };
}

function advanced({ phase, state }: Advance): { readonly phase: string; readonly state: string } {
  return { phase, state: toJson(state) };
}

function toJson(state: unknown): string {
  return JSON.stringify(state ?? null);
}
