import { DatabaseSync } from 'node:sqlite';
import { encodeTime, ulid } from 'ulid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '#core/fault.ts';
import { answering, type DurableStorage, type TableParts } from './answering.ts';
import type { Call, Reply } from './call.ts';

const KEY = { pk: 'a', sk: 'b' };
const DAY_MS = 86_400_000;

let db: DatabaseSync;
let storage: DurableStorage;
beforeEach(() => {
  db = new DatabaseSync(':memory:');
  storage = storageOver(db);
});
afterEach(() => db.close());

describe('answering in a durable object', () => {
  it('a call that comes again is answered from memory, also by a later life of the object', () => {
    const call = swap();
    expect(answering(storage, counting)(call)).toEqual({ value: true });
    for (const life of [answering(storage, counting), answering(storage, counting)]) {
      expect(life(call)).toEqual({ value: true });
    }
    expect(count()).toBe(1);
  });

  it('a call without an effect is not remembered: its repeat may have one', () => {
    const answer = answering(storage, counting);
    for (const v of [7, 7, 7]) expect(answer({ ...swap(), args: [KEY, v, null] })).toEqual({ value: false });
    expect(db.prepare('SELECT count(*) AS n FROM calls').get()).toEqual({ n: 0 });
  });

  it('a write that its caller gave up has no effect when it comes after the next one', () => {
    const [late, next] = [swap(), swap()];
    expect(answering(storage, counting)({ ...next, voids: [late.id] })).toEqual({ value: true });
    for (let n = 0; n < 2; n++) answering(storage, counting)(late);
    expect(count()).toBe(1);
  });

  it('one that came before the next all the same is done once, and remembered as it was', () => {
    const answer = answering(storage, counting);
    const [early, next] = [swap(), swap()];
    answer(early);
    answer({ ...next, voids: [early.id] });
    expect(answer(early)).toEqual({ value: true });
    expect(count()).toBe(2);
  });

  it('a read is never remembered', () => {
    const answer = answering(storage, counting);
    const read: Call<'read'> = { id: ulid(), name: 'read', args: [KEY] };
    expect(answer(read)).toEqual({ value: null });
    answer(swap());
    expect(answer(read)).toEqual({ value: { ...KEY, v: 1, value: null } });
  });

  it('what went wrong is undone as a whole, remembered by nobody, and its words stay inside', () => {
    const answer = answering(storage, {
      ...counting,
      methods: (database) => {
        const add = database.prepare('INSERT INTO counts (n) VALUES (1)');
        const methods = counting.methods(database);
        return { ...methods, swap: () => [add.run({}), add.run({}), database.prepare('SELECT secret').all({})] };
      },
    });
    const call = swap();
    const refused = { fault: { kind: 'bug', code: 'table.refused', message: expect.not.stringContaining('secret') } };
    expect(answer(call)).toEqual(refused);
    expect(answer(call)).toEqual(refused);
    expect(count()).toBe(0);
  });

  it.each([
    ['no such column: x: SQLITE_ERROR', 'bug', 'table.refused'],
    ['database or disk is full: SQLITE_FULL', 'transient', 'table.full'],
    ['disk I/O error: SQLITE_IOERR_FSYNC', 'transient', 'table.unavailable'],
    ['internal error; reference = abc', 'transient', 'table.unavailable'],
  ])('what the storage says, %s, is %s %s', (words, kind, code) => {
    const broken = () => {
      throw new Error(words);
    };
    const answer = answering(storage, {
      ...counting,
      methods: (database) => ({ ...counting.methods(database), swap: broken }),
    });
    expect(answer(swap())).toMatchObject({ fault: { kind, code } });
  });

  it('old memories go in batches, young ones stay', () => {
    const answer = answering(storage, counting);
    const old = { ...swap(), id: idAt(Date.now() - DAY_MS) };
    answer(old);
    const young = swap();
    for (let n = 0; n < 99; n++) answer(swap());
    answer(young);
    const remembered = db.prepare('SELECT id FROM calls').all();
    expect(remembered).not.toContainEqual({ id: old.id });
    expect(remembered).toContainEqual({ id: young.id });
  });

  it('each migration runs once, in order, and a later release adds its own', () => {
    answering(storage, counting)(swap());
    const ran: number[] = [];
    const release = (...added: readonly string[]): TableParts => ({
      ...counting,
      migrationsAfter: (version) => {
        ran.push(version);
        return added;
      },
    });
    answering(storage, release('CREATE TABLE more (n)'))(swap());
    answering(storage, release())(swap());
    expect(ran).toEqual([1, 2]);
  });

  it('data of a later release is refused, call by call, as a fault', () => {
    const tooNew = { ...counting, migrationsAfter: () => refuse() };
    const reply: Reply = { fault: { kind: 'rejected', code: 'state.too_new', message: 'newer' } };
    const answer = answering(storage, tooNew);
    for (let n = 0; n < 2; n++) expect(answer(swap())).toEqual(reply);
  });
});

/** Methods that tell how often they ran. */
const counting: TableParts = {
  migrationsAfter: (version) => ['CREATE TABLE counts (n INTEGER)'].slice(version),
  methods: (database) => {
    const add = database.prepare('INSERT INTO counts (n) VALUES (:n)');
    const all = database.prepare('SELECT n FROM counts');
    const none = () => null;
    const methods = { get: none, query: none, create: none, claim: none, renew: none, commit: none, release: none };
    const more = {
      wake: none,
      wish: none,
      answer: none,
      touch: none,
      revive: none,
      due: none,
      owned: none,
      active: none,
      ended: none,
    };
    const rest = { remove: none, expire: none, purge: none, drop: none, list: none };
    const read = () => (all.all({}).length === 0 ? null : { ...KEY, v: all.all({}).length, value: null });
    const swap = (_key: object, v: number) => v === 0 && add.run({ n: v }).changes === 1;
    return { ...methods, ...more, ...rest, read, swap };
  },
};

function swap(): Call<'swap'> {
  return { id: ulid(), name: 'swap', args: [KEY, 0, null] };
}

function count(): unknown {
  return db.prepare('SELECT count(*) AS n FROM counts').get()?.['n'];
}

function idAt(atMs: number): string {
  return encodeTime(atMs, 10) + ulid().slice(10);
}

function refuse(): never {
  throw new Fault('rejected', 'state.too_new', 'newer');
}

/** A storage of workerd, as far as it is used here. */
function storageOver(database: DatabaseSync): DurableStorage {
  const exec = (query: string, values: readonly (string | number | null)[]) => {
    if (query.includes(';')) database.exec(query);
    return query.includes(';') ? [] : database.prepare(query).all(...values);
  };
  return {
    sql: {
      exec: (query, ...values) => {
        const rows = exec(query, values);
        return { toArray: () => rows };
      },
    },
    transactionSync: (work) => {
      database.exec('BEGIN');
      try {
        const result = work();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
  };
}
