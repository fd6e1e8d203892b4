/** What each verb of the work table writes, and on which condition: one item, one conditional write. */
import type { Advance, CommitGuard, Move, Release, Wish } from '#core/ports/work-table.ts';
import type { Values, Write } from './items.ts';
import { toJson, toWord } from './rows.ts';

export interface Claimant {
  readonly holder: string;
  readonly now: number;
  readonly until: number;
}

export interface Revival extends Advance {
  readonly queue: string;
  readonly dueAt: number;
}

const EXISTS = 'attribute_exists(#pk)';
const WORKS = 'attribute_exists(#queue)';
const HELD = '#token = :token AND #hold = :lease';
const LEASED =
  '#hold = :lease, #token = #token + :one, #holder = :holder, #dueAt = :until, #claimCall = :call, #seq = :seq';
/** Rows of nobody get this one as their place, and stay off the index for want of an owner. */
const NO_PLACE = '-';

/** `seq` rises with each call of the process; `call` is this call's own. */
export function claimFree({ holder, now, until }: Claimant, call: string, seq: number): Write {
  return {
    set: `#takenFrom = #hold, ${LEASED}, #updatedAt = :now`,
    if: `${WORKS} AND attribute_exists(#dueAt) AND (#hold = :wait OR #dueAt <= :now)`,
    values: { holder, now, until, call, seq, lease: 'lease', wait: 'wait', one: 1 },
    returns: 'item',
  };
}

/** A holder's own live lease once more, as it was read. */
export function claimAgain(token: number, { holder, now, until }: Claimant, call: string, seq: number): Write {
  return {
    set: `${LEASED}, #updatedAt = :now`,
    if: `${HELD} AND #holder = :holder`,
    values: { token, holder, now, until, call, seq, lease: 'lease', one: 1 },
    returns: 'item',
  };
}

export function renewal(token: number, until: number, now: number): Write {
  return {
    set: '#dueAt = :until, #updatedAt = :now',
    if: HELD,
    values: { token, until, now, lease: 'lease' },
  };
}

/** `seq` keeps out a commit that was given up as lost and arrives after a later one of the same holder. */
export function commitment(token: number, move: Move, now: number, seq: number, guard: CommitGuard): Write {
  const { unlessWish, ifTouched } = guard;
  const conditions = [HELD, '#seq <= :seq'];
  if (unlessWish !== undefined) conditions.push('(attribute_not_exists(#wish) OR #wish <> :unlessWish)');
  if (ifTouched !== undefined) conditions.push('#touched = :ifTouched');
  return {
    set: `#phase = :phase, #state = :state, #seq = :seq, #updatedAt = :now${move.queue === undefined ? '' : ', #queue = :queue'}`,
    if: conditions.join(' AND '),
    values: {
      token,
      now,
      seq,
      lease: 'lease',
      ...advanced(move),
      ...(move.queue === undefined ? {} : { queue: move.queue }),
      ...(unlessWish === undefined ? {} : { unlessWish }),
      ...(ifTouched === undefined ? {} : { ifTouched }),
    },
  };
}

/** What is left behind is a condition too, so that a repeat after a lost reply finds its own work done. */
export function releasing(token: number, release: Release, now: number): Write {
  const isEnd = release.to === 'ended';
  const dueAt = 'dueAt' in release ? release.dueAt : null;
  const queueLeft = isEnd ? 'attribute_not_exists(#queue)' : WORKS;
  const gone = ['#holder', ...(dueAt === null ? ['#dueAt'] : []), ...(isEnd ? ['#queue'] : [])];
  return {
    set: [
      '#hold = :hold, #updatedAt = :now',
      ...(dueAt === null ? [] : ['#dueAt = :dueAt']),
      ...(release.advance === undefined ? [] : ['#phase = :phase, #state = :state']),
      ...(isEnd ? ['#listKey = if_not_exists(#listEnded, :noPlace), #endedAt = :now'] : []),
    ].join(', '),
    remove: gone.join(', '),
    if: `#token = :token AND (#hold = :lease OR (${queueLeft} AND ${asLeft(dueAt, release.advance)}))`,
    values: {
      token,
      now,
      lease: 'lease',
      hold: release.to === 'rest' ? 'rest' : 'wait',
      noPlace: NO_PLACE,
      ...(dueAt === null ? {} : { dueAt }),
      ...(release.advance === undefined ? {} : advanced(release.advance)),
    },
  };
}

export function waking(at: number, now: number, from: 'wait' | 'rest'): Write {
  return {
    set: '#hold = :wait, #dueAt = :at, #updatedAt = :now',
    if: `${WORKS} AND #hold IN (:wait, :from) AND (attribute_not_exists(#dueAt) OR #dueAt >= :at)`,
    values: { at, now, from, wait: 'wait' },
  };
}

export function wishing(wish: Wish | null, now: number): Write {
  const notFinal = ' AND (attribute_not_exists(#wish) OR #wish <> :cancel)';
  return {
    set: wish === null ? '#updatedAt = :now' : '#wish = :wish, #updatedAt = :now',
    ...(wish === null ? { remove: '#wish' } : {}),
    if: `${WORKS} AND #phase <> :finishing${wish === 'cancel' ? '' : notFinal}`,
    values: { now, finishing: 'finishing', cancel: 'cancel', ...(wish === null ? {} : { wish }) },
  };
}

/** As many as fit an expression of 4 KiB: about 90. */
export function answering(answers: Readonly<Record<string, string>>, now: number): Write {
  const given = Object.entries(answers).map(([name, text], at) => ({ at: `answer${at}`, name, text }));
  return {
    set: ['#updatedAt = :now', ...given.map(({ at }) => `#answers.#${at} = :${at}`)].join(', '),
    if: EXISTS,
    values: { now, ...Object.fromEntries(given.map(({ at, text }) => [at, toWord(text)])) },
    names: Object.fromEntries(given.map(({ at, name }) => [at, toWord(name)])),
  };
}

/** `later`: the row keeps an expiry that lies behind the given one. */
export function touching(
  expiry: 'moves' | 'is later',
  expiresAt: number,
  ifPhase: string,
  now: number,
  call: string,
): Write {
  const moves = ' AND (attribute_not_exists(#expiresAt) OR #expiresAt <= :expiresAt)';
  return {
    set: `#touched = #touched + :one, #touchCall = :call, #updatedAt = :now${expiry === 'moves' ? ', #expiresAt = :expiresAt' : ''}`,
    if: `#phase = :ifPhase AND (attribute_not_exists(#touchCall) OR #touchCall <> :call)${expiry === 'moves' ? moves : ''}`,
    values: { expiresAt, ifPhase, now, call, one: 1 },
  };
}

export function reviving(token: number, as: Revival, now: number, call: string): Write {
  const { queue, dueAt } = as;
  return {
    set: `#queue = :queue, #hold = :hold, #dueAt = :dueAt, #phase = :phase, #state = :state, #lifeCall = :call,
      #listKey = if_not_exists(#listActive, :noPlace), #updatedAt = :now`,
    remove: '#ttlAt, #endedAt',
    if: `#token = :token AND (attribute_not_exists(#queue) OR (#queue = :queue AND ${asLeft(dueAt, as)}))`,
    values: { token, now, call, queue, dueAt, hold: 'wait', noPlace: NO_PLACE, ...advanced(as) },
  };
}

/** The attribute counts seconds; rounded up, since a row stays until its time. */
export function expiring(at: number, now: number): Write {
  return {
    set: '#ttlAt = :ttlAt, #updatedAt = :now',
    if: EXISTS,
    values: { now, ttlAt: Math.ceil(at / 1000) },
  };
}

function asLeft(dueAt: number | null, advance: Advance | undefined): string {
  const due = dueAt === null ? 'attribute_not_exists(#dueAt)' : '#dueAt = :dueAt';
  return `#hold = :hold AND ${due}${advance === undefined ? '' : ' AND #phase = :phase AND #state = :state'}`;
}

function advanced({ phase, state }: Advance): Values & { readonly phase: string; readonly state: string } {
  return { phase, state: toJson(state) };
}
