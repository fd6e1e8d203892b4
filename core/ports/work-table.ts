/** The truth about deliveries: rows that do work, each written by its lease's holder and by the API in separate fields. */

export interface RowKey {
  readonly pk: string;
  readonly sk: string;
}

export type Wish = 'pause' | 'cancel';

/**
 * `lease`: held until `dueAt`. `wait`: may be claimed by any hint, even before `dueAt`. `rest`: only from `dueAt` on.
 * A row without `queue` has ended, a row with a queue but without `dueAt` is parked: nobody may claim it until a wake.
 */
export type Hold = 'lease' | 'wait' | 'rest';

export interface WorkRow extends RowKey {
  readonly queue: string | null;
  readonly dueAt: number | null;
  readonly hold: Hold;
  /** Rises by one with each claim, never falls. */
  readonly token: number;
  readonly holder: string | null;
  /** Written by the holder only. `state` is JSON, at most 4 KiB. */
  readonly phase: string;
  readonly state: unknown;
  /** Written by the API only. */
  readonly wish: Wish | null;
  readonly answers: Readonly<Record<string, string>>;
  readonly touched: number;
  readonly expiresAt: number | null;
  /** Epoch ms of the last write of any kind. */
  readonly updatedAt: number;
}

export interface NewRow extends RowKey {
  readonly queue: string | null;
  readonly dueAt: number | null;
  readonly phase: string;
  readonly state: unknown;
  readonly expiresAt?: number;
  /** Puts the row on its owner's list; `sort` orders it there among rows that are alike active or ended. */
  readonly owner?: { readonly id: string; readonly sort: string };
}

/** A row's place among the rows of its owner that have ended: `endedAt` is the `now` of the write that ended it. */
export interface EndedPlace extends RowKey {
  readonly endedAt: number;
}

export interface Purged extends RowKey {
  /** Null: it was on nobody's list. */
  readonly ownerId: string | null;
}

export interface Claim {
  /** As read by the claiming write. */
  readonly row: WorkRow;
  readonly token: number;
  /** The row was taken from a holder whose lease had run out: some effect of it may be done and not committed. */
  readonly unclean: boolean;
}

export interface Advance {
  readonly phase: string;
  readonly state: unknown;
}

/** A commit may move its row to another queue. */
export interface Move extends Advance {
  readonly queue?: string;
}

/** What a holder leaves behind: a time to come back, nothing until woken, or the end of work. */
export type Release =
  | { readonly to: 'wait' | 'rest'; readonly dueAt: number; readonly advance?: Advance }
  | { readonly to: 'parked'; readonly advance?: Advance }
  | { readonly to: 'ended'; readonly advance?: Advance };

/** A commit may be made to depend on what the API wrote to the same row. */
export interface CommitGuard {
  readonly unlessWish?: Wish;
  readonly ifTouched?: number;
}

/**
 * Laws, for every write: it is one conditional write of one row, won or lost as a whole; the same call repeated after a lost
 * reply ends in the same row and answers as if it had won. Reads by key and by prefix are strongly consistent; only `due`,
 * `owned`, `active` and `ended` may lag.
 * - `create`: wins if the row is absent; else `exists` and nothing changes.
 * - `claim`: wins if queue and dueAt are present and (hold is wait, or dueAt <= now, or the holder is the caller already).
 *   Sets hold=lease, token+1, holder, dueAt=until. Of racing claims with different holders exactly one wins.
 * - `renew`, `commit`, `release`: only while token is the row's token and hold=lease, else false and the row is untouched.
 *   They change phase, state, hold, dueAt, queue; never what the API wrote. A commit without a queue leaves the row in its own.
 * - `wake`: sets dueAt=at if queue is present, hold is wait (or rest too, when `from` is `rest`; the row then waits) and dueAt is
 *   absent or later than `at`.
 * - `wish`: if queue is present, phase is not `finishing`, and the wish is not cancel. `null` takes a pause back.
 * - `answer` merges answers, `touch` adds one to touched and moves expiresAt to at least the given time while phase is
 *   `ifPhase`.
 * - `revive`: an ended row gets a queue, phase and state again and waits from `dueAt`, if queue is absent and token is as given.
 * - `due`: keys of rows of a queue with dueAt <= now, earliest first; leased rows appear when their lease has run out.
 * - `owned`: rows of an owner, active (queue present) first, then by `sort` descending; `after` continues behind a row's
 *   `cursor`.
 * - `active`: how many rows of an owner have a queue, counted no further than `max`.
 * - `ended`: places of an owner's ended rows, by `endedAt` ascending; a row that is revived leaves its place. `after` is exclusive, and
 *   with an empty key the pages begin at its time. A place may come up later than one of a later time: clocks differ, writes are late.
 * - `remove` deletes a row for good; absent is fine. `expire` marks it to be deleted by `purge` at or after a time. `purge` answers what
 *   it has deleted, once: a reply that is lost is not made up for. Where the table deletes by itself, it answers nothing.
 */
export interface WorkTable {
  get(key: RowKey): Promise<WorkRow | null>;
  /** Rows of one pk whose sk starts with `prefix`, ascending by sk; `after` is an sk, exclusive. */
  query(
    pk: string,
    prefix: string,
    page?: { readonly after?: string; readonly limit?: number },
  ): Promise<readonly WorkRow[]>;
  create(row: NewRow, now: number): Promise<'created' | 'exists'>;
  claim(
    key: RowKey,
    by: { readonly holder: string; readonly now: number; readonly until: number },
  ): Promise<Claim | null>;
  renew(key: RowKey, token: number, until: number, now: number): Promise<boolean>;
  commit(key: RowKey, token: number, advance: Move, now: number, guard?: CommitGuard): Promise<boolean>;
  release(key: RowKey, token: number, release: Release, now: number): Promise<boolean>;
  wake(key: RowKey, at: number, now: number, from?: 'wait' | 'rest'): Promise<boolean>;
  wish(key: RowKey, wish: Wish | null, now: number): Promise<boolean>;
  answer(key: RowKey, answers: Readonly<Record<string, string>>, now: number): Promise<boolean>;
  touch(key: RowKey, expiresAt: number, ifPhase: string, now: number): Promise<boolean>;
  revive(
    key: RowKey,
    token: number,
    as: Advance & { readonly queue: string; readonly dueAt: number },
    now: number,
  ): Promise<boolean>;
  due(queue: string, now: number, limit: number): Promise<readonly RowKey[]>;
  owned(
    ownerId: string,
    page: { readonly after?: string; readonly limit: number },
  ): Promise<readonly { readonly row: WorkRow; readonly cursor: string }[]>;
  active(ownerId: string, max: number): Promise<number>;
  ended(ownerId: string, page: { readonly after: EndedPlace; readonly limit: number }): Promise<readonly EndedPlace[]>;
  remove(key: RowKey): Promise<void>;
  expire(key: RowKey, at: number, now: number): Promise<boolean>;
  purge(now: number, limit: number): Promise<readonly Purged[]>;
}
