/**
 * The work table in a map, for tests and the simulation. Every write reads, decides and writes without giving way, and state
 * is kept as JSON text, so that what comes out is a copy and is what a durable adapter would give.
 */
import type { Advance, EndedPlace, NewRow, Release, RowKey, WorkRow, WorkTable } from '#core/ports/work-table.ts';

interface Stored extends Omit<WorkRow, 'state'> {
  readonly stateJson: string;
  readonly unclean: boolean;
  readonly owner: NewRow['owner'] | null;
  readonly ttlAt: number | null;
  readonly endedAt: number | null;
}

type Change = Partial<Omit<Stored, 'pk' | 'sk' | 'owner' | 'updatedAt'>>;

interface Rows {
  find(key: RowKey): Stored | null;
  group(pk: string): Stored[];
  all(): Stored[];
  put(row: Stored): Stored;
  /** The one way to change a row: `decide` answers what changes, or null when its condition does not hold. */
  change(key: RowKey, now: number, decide: (row: Stored) => Change | null): Stored | null;
  remove(key: RowKey): void;
}

export function memoryWorkTable(): WorkTable {
  const rows = memoryRows();
  const win = (...call: Parameters<Rows['change']>) => rows.change(...call) !== null;

  return {
    ...lists(rows),
    get: async (key) => {
      const row = rows.find(key);
      return row === null ? null : toRow(row);
    },
    create: async (row, now) => {
      if (rows.find(row) !== null) return 'exists';
      rows.put(fresh(row, now));
      return 'created';
    },
    claim: async (key, by) => {
      const row = rows.change(key, by.now, (was) => claimed(was, by));
      return row === null ? null : { row: toRow(row), token: row.token, unclean: row.unclean };
    },
    renew: async (key, token, until, now) => win(key, now, (row) => (isHeld(row, token) ? { dueAt: until } : null)),
    commit: async (key, token, advance, now, { unlessWish, ifTouched } = {}) =>
      win(key, now, (row) => {
        const isBarred = unlessWish !== undefined && row.wish === unlessWish;
        const isTouched = ifTouched !== undefined && row.touched !== ifTouched;
        if (!isHeld(row, token) || isBarred || isTouched) return null;
        return { ...advanced(advance), queue: advance.queue ?? row.queue };
      }),
    release: async (key, token, release, now) =>
      win(key, now, (row) => {
        const left = released(row, token, release);
        return left !== null && release.to === 'ended' ? { ...left, endedAt: now } : left;
      }),
    wake: async (key, at, now, from = 'wait') => win(key, now, (row) => woken(row, at, from)),
    wish: async (key, wish, now) =>
      win(key, now, (row) => {
        const isFinal = row.wish === 'cancel' && wish !== 'cancel';
        return row.queue === null || row.phase === 'finishing' || isFinal ? null : { wish };
      }),
    answer: async (key, answers, now) => win(key, now, (row) => ({ answers: { ...row.answers, ...answers } })),
    touch: async (key, expiresAt, ifPhase, now) =>
      win(key, now, (row) => {
        const change = { touched: row.touched + 1, expiresAt: Math.max(row.expiresAt ?? expiresAt, expiresAt) };
        return row.phase === ifPhase ? change : null;
      }),
    revive: async (key, token, { queue, dueAt, ...advance }, now) =>
      win(key, now, (row) => {
        const change = { ...advanced(advance), queue, hold: 'wait', dueAt, ttlAt: null, endedAt: null } as const;
        return row.token === token && (row.queue === null || isAlready(row, change)) ? change : null;
      }),
    remove: async (key) => rows.remove(key),
    expire: async (key, at, now) => win(key, now, () => ({ ttlAt: at })),
  };
}

function lists(rows: Rows): Pick<WorkTable, 'query' | 'due' | 'owned' | 'active' | 'ended' | 'purge'> {
  return {
    query: async (pk, prefix, { after, limit } = {}) =>
      rows
        .group(pk)
        .filter(({ sk }) => sk.startsWith(prefix) && (after === undefined || sk > after))
        .sort(byKey)
        .slice(0, limit)
        .map(toRow),
    due: async (name, now, limit) =>
      rows
        .all()
        .flatMap(({ pk, sk, queue, dueAt }) =>
          queue === name && dueAt !== null && dueAt <= now ? [{ pk, sk, dueAt }] : [],
        )
        .sort((a, b) => a.dueAt - b.dueAt || byKey(a, b))
        .slice(0, limit)
        .map(({ pk, sk }) => ({ pk, sk })),
    owned: async (ownerId, { after, limit }) =>
      rows
        .all()
        .flatMap((row) => (row.owner?.id === ownerId ? [{ row, place: placeOf(row) }] : []))
        .filter(({ place }) => after === undefined || comparePlaces(place, after.split('\n')) < 0)
        .sort((a, b) => comparePlaces(b.place, a.place))
        .slice(0, limit)
        .map(({ row, place }) => ({ row: toRow(row), cursor: place.join('\n') })),
    active: async (ownerId, max) =>
      Math.min(max, rows.all().filter(({ owner, queue }) => owner?.id === ownerId && queue !== null).length),
    ended: async (ownerId, { after, limit }) =>
      rows
        .all()
        .flatMap(({ pk, sk, owner, endedAt }) =>
          owner?.id === ownerId && endedAt !== null ? [{ pk, sk, endedAt }] : [],
        )
        .filter((place) => compareEnds(place, after) > 0)
        .sort(compareEnds)
        .slice(0, limit),
    purge: async (now, limit) => {
      const over = rows.all().filter(({ ttlAt }) => ttlAt !== null && ttlAt <= now);
      const purged = over.slice(0, limit);
      for (const row of purged) rows.remove(row);
      return purged.map(({ pk, sk, owner }) => ({ pk, sk, ownerId: owner?.id ?? null }));
    },
  };
}

function memoryRows(): Rows {
  const groups = new Map<string, Map<string, Stored>>();
  const find = ({ pk, sk }: RowKey) => groups.get(pk)?.get(sk) ?? null;

  function put(row: Stored): Stored {
    groups.set(row.pk, (groups.get(row.pk) ?? new Map<string, Stored>()).set(row.sk, row));
    return row;
  }

  return {
    find,
    put,
    group: (pk) => [...(groups.get(pk)?.values() ?? [])],
    all: () => [...groups.values()].flatMap((group) => [...group.values()]),
    change: (key, now, decide) => {
      const row = find(key);
      const change = row === null ? null : decide(row);
      return row === null || change === null ? null : put({ ...row, ...change, updatedAt: now });
    },
    remove: ({ pk, sk }) => {
      const group = groups.get(pk);
      group?.delete(sk);
      if (group?.size === 0) groups.delete(pk);
    },
  };
}

function fresh(row: NewRow, now: number): Stored {
  return {
    pk: row.pk,
    sk: row.sk,
    queue: row.queue,
    dueAt: row.dueAt,
    hold: 'wait',
    token: 0,
    holder: null,
    unclean: false,
    phase: row.phase,
    stateJson: toJson(row.state),
    wish: null,
    answers: {},
    touched: 0,
    expiresAt: row.expiresAt ?? null,
    owner: row.owner ?? null,
    ttlAt: null,
    endedAt: row.queue === null ? now : null,
    updatedAt: now,
  };
}

function claimed(
  row: Stored,
  by: { readonly holder: string; readonly now: number; readonly until: number },
): Change | null {
  if (row.queue === null || row.dueAt === null) return null;
  const isDue = row.dueAt <= by.now;
  const isOwn = row.holder === by.holder;
  if (row.hold !== 'wait' && !isDue && !isOwn) return null;
  const unclean = isOwn && !isDue ? row.unclean : row.hold === 'lease';
  return { hold: 'lease', token: row.token + 1, holder: by.holder, dueAt: by.until, unclean };
}

function released(row: Stored, token: number, release: Release): Change | null {
  const hold = release.to === 'rest' ? 'rest' : 'wait';
  const queue = release.to === 'ended' ? null : row.queue;
  const dueAt = 'dueAt' in release ? release.dueAt : null;
  const left = { ...(release.advance && advanced(release.advance)), hold, queue, dueAt, holder: null } as const;
  const isRepeat = row.token === token && isAlready(row, left) && (release.to === 'ended') === (row.queue === null);
  return isHeld(row, token) || isRepeat ? left : null;
}

function woken(row: Stored, at: number, from: 'wait' | 'rest'): Change | null {
  const mayWake = row.queue !== null && (row.hold === 'wait' || (from === 'rest' && row.hold === 'rest'));
  return mayWake && (row.dueAt === null || row.dueAt >= at) ? { hold: 'wait', dueAt: at } : null;
}

function isHeld(row: Stored, token: number): boolean {
  return row.token === token && row.hold === 'lease';
}

/** Whether a repeated call finds its own work done. */
function isAlready(row: Stored, change: Change): boolean {
  const now: Readonly<Record<string, unknown>> = { ...row };
  return Object.entries(change).every(([field, value]) => now[field] === value);
}

function advanced({ phase, state }: Advance): { readonly phase: string; readonly stateJson: string } {
  return { phase, stateJson: toJson(state) };
}

function placeOf({ queue, owner, pk, sk }: Stored): readonly string[] {
  return [`${queue === null ? 0 : 1}#${owner?.sort ?? ''}`, pk, sk];
}

function compareEnds(a: EndedPlace, b: EndedPlace): number {
  return a.endedAt - b.endedAt || byKey(a, b);
}

function comparePlaces(a: readonly string[], b: readonly string[]): number {
  for (const [index, own] of a.entries()) {
    const other = b[index] ?? '';
    if (own !== other) return own < other ? -1 : 1;
  }
  return 0;
}

function byKey(a: RowKey, b: RowKey): number {
  return comparePlaces([a.pk, a.sk], [b.pk, b.sk]);
}

function toRow({
  stateJson,
  unclean: _unclean,
  owner: _owner,
  ttlAt: _ttlAt,
  endedAt: _endedAt,
  ...row
}: Stored): WorkRow {
  return { ...row, state: JSON.parse(stateJson), answers: { ...row.answers } };
}

function toJson(state: unknown): string {
  return JSON.stringify(state ?? null);
}
