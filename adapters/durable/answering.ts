/**
 * The object's side: runs a call on its storage, once, however often it comes. A write and the memory of its reply are one
 * transaction, so a repeat after a lost reply, even in a later life of the object, is answered from memory.
 */
import { decodeTime, encodeTime } from 'ulid';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { type Call, faultReply, type Methods, READS, type Reply } from './call.ts';
import { type DurableDatabase, type DurableSql, durableDatabase } from './sql.ts';

export interface DurableStorage {
  readonly sql: DurableSql;
  /** Undone as a whole when `work` throws. */
  transactionSync<Result>(work: () => Result): Result;
}

export interface TableParts {
  /** What is still to run over data of this version, in order. */
  migrationsAfter(version: number): readonly string[];
  /** The methods of both ports, over when they return. */
  methods(database: DurableDatabase): Readonly<Record<keyof Methods, (...args: never[]) => unknown>>;
}

/** What a write answers that has changed nothing, or nothing that doing it again would change. */
const WITHOUT_EFFECT: ReadonlySet<unknown> = new Set([undefined, null, false, 0, 'exists']);
/** Far longer than a caller tries. */
const REMEMBERED_MS = 300_000;
/** Memories are dropped in batches: this many writes share one look for old ones. */
const FORGET_EVERY = 100;
/** In a ULID the time comes first. */
const ULID_TIME_CHARS = 10;

const Version = z.object({ version: z.number() });
const Remembered = z.object({ reply: z.string() });

/** One per life of the object. Nothing is thrown: what goes wrong is a reply too. */
export function answering(storage: DurableStorage, parts: TableParts): (call: Call) => Reply {
  const open = () => openTable(storage, parts);
  let table: ReturnType<typeof open> | undefined;
  return (call) => {
    try {
      table ??= open();
      return { value: table(call) };
    } catch (error) {
      return faultReply(error instanceof Fault ? error : storageFault(error));
    }
  };
}

function openTable(storage: DurableStorage, { migrationsAfter, methods }: TableParts): (call: Call) => unknown {
  storage.transactionSync(() => migrate(storage.sql, migrationsAfter));
  const database = durableDatabase(storage.sql);
  const recall = database.prepare('SELECT reply FROM calls WHERE id = :id');
  const remember = database.prepare('INSERT INTO calls (id, reply) VALUES (:id, :reply)');
  // The memory of a reply that nobody waits for: what comes under this id from now on is not done any more.
  const voided = database.prepare("INSERT INTO calls (id, reply) VALUES (:id, 'null') ON CONFLICT DO NOTHING");
  const forget = database.prepare('DELETE FROM calls WHERE id < :before');
  const table = methods(database);
  let writes = 0;

  return ({ id, name, args, voids = [] }) => {
    const run = (): unknown => Reflect.apply(table[name], undefined, args);
    if (READS.has(name)) return run();
    return storage.transactionSync(() => {
      const known = recall.get({ id });
      if (known !== undefined) return JSON.parse(Remembered.parse(known).reply);
      for (const late of voids) voided.run({ id: late });
      const value = run();
      // Without an effect there is nothing to remember: a repeat may win what the first try did not.
      if (WITHOUT_EFFECT.has(value)) return value;
      remember.run({ id, reply: JSON.stringify(value) });
      if (writes++ % FORGET_EVERY === 0) forget.run({ before: firstIdOf(decodeTime(id) - REMEMBERED_MS) });
      return value;
    });
  };
}

/** A Durable Object has no `PRAGMA user_version`. */
function migrate(sql: DurableSql, migrationsAfter: TableParts['migrationsAfter']): void {
  sql.exec(`CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS calls (id TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID`);
  const [stored] = sql.exec('SELECT version FROM schema').toArray();
  const version = stored === undefined ? 0 : Version.parse(stored).version;
  const pending = migrationsAfter(version);
  if (pending.length === 0) return;
  for (const migration of pending) sql.exec(migration);
  sql.exec('DELETE FROM schema');
  sql.exec('INSERT INTO schema (version) VALUES (?)', version + pending.length);
}

function firstIdOf(atMs: number): string {
  return encodeTime(Math.max(0, atMs), ULID_TIME_CHARS);
}

/** What the machine under a statement has met, and not the statement itself. */
const PASSING = /SQLITE_(?:BUSY|INTERRUPT|IOERR|LOCKED|NOMEM)|internal error/i;

/** SQLite's words stay out: they may quote what is in a row. */
function storageFault(error: unknown): Fault {
  const code = /SQLITE_[A-Z_]+/.exec(String(error))?.[0] ?? 'no code';
  if (code === 'SQLITE_FULL')
    return new Fault('transient', 'table.full', 'the storage of the table is full', { cause: error });
  if (PASSING.test(String(error)))
    return new Fault('transient', 'table.unavailable', `the table failed (${code})`, { cause: error });
  return new Fault('bug', 'table.refused', `the table refused a call of ours (${code})`, { cause: error });
}
