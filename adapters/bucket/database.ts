/**
 * The SQLite file that says which objects exist. A row is the commit point of everything: conditional writes are one
 * transaction, a listing is one range scan, and start-up reads no metadata however many objects there are.
 *
 * The transactions of one turn of the event loop share a sync. Each sees what those before it did; nobody outside may be told of
 * any before `durable` says so.
 *
 * Keys are BLOBs, because their order has to be that of UTF-8 bytes and SQLite compares BLOBs with memcmp.
 * The file is locked exclusively: a second process on the same folder would sweep away what the first is writing.
 */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from 'node:sqlite';

export type Row = Readonly<Record<string, SQLOutputValue>>;

export interface Database {
  run(sql: string, ...values: SQLInputValue[]): number;
  one(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  /** Reads row by row; leaving the loop early costs nothing for the rows that were not asked for. */
  each(sql: string, ...values: SQLInputValue[]): Iterable<Row>;
  /**
   * Whole or not at all; durable only when a `durable` that was called in the same turn resolves. Nested calls join the outer
   * transaction. Rolls back when `work` throws.
   */
  transaction<T>(work: () => T): T;
  /** Resolves when every change so far is on disk. Rejects when one cannot be: all changes of that turn are taken back then. */
  durable(): Promise<void>;
  /** Rises with every call and over restarts; to be called within a transaction. */
  nextSequence(): number;
  close(): void;
}

/** Throws when another process has the file open, or when it was written by a newer version. */
export function openDatabase(path: string): Database {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
  const version = integer(db.prepare('PRAGMA user_version').get() ?? {}, 'user_version');
  if (version !== 0 && version !== SCHEMA_VERSION)
    throw new Error(`${path} has schema ${version}, not ${SCHEMA_VERSION}`);
  if (version === 0) db.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);

  const statements = new Map<string, StatementSync>();
  let depth = 0;
  let group: Group | null = null;

  /** Joins the transactions of this turn, or begins their group, which ends with the turn. */
  function join(): void {
    if (group !== null) return;
    prepared('BEGIN IMMEDIATE').run();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Whoever waits for it is told; there may be nobody.
    promise.catch(() => 'told');
    const timer = setImmediate(end);
    group = { durable: promise, timer, resolve, reject };
  }

  function end(): void {
    if (group === null) return;
    const { timer, resolve, reject } = group;
    group = null;
    clearImmediate(timer);
    try {
      prepared('COMMIT').run();
      resolve();
    } catch (error) {
      if (db.isTransaction) prepared('ROLLBACK').run();
      reject(error);
    }
  }

  function prepared(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known) return known;
    const statement = db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  return {
    run: (sql, ...values) => Number(prepared(sql).run(...values).changes),
    one: (sql, ...values) => prepared(sql).get(...values),
    all: (sql, ...values) => prepared(sql).all(...values),
    each: (sql, ...values) => prepared(sql).iterate(...values),
    transaction(work) {
      if (depth > 0) return work();
      join();
      prepared('SAVEPOINT change').run();
      depth++;
      try {
        const result = work();
        prepared('RELEASE change').run();
        return result;
      } catch (error) {
        if (db.isTransaction) {
          prepared('ROLLBACK TO change').run();
          prepared('RELEASE change').run();
        }
        throw error;
      } finally {
        depth--;
      }
    },
    durable: async () => group?.durable,
    nextSequence() {
      const row = prepared('UPDATE sequence SET value = value + 1 RETURNING value').get();
      return integer(row ?? {}, 'value');
    },
    close: () => {
      end();
      db.close();
    },
  };
}

interface Group {
  readonly durable: Promise<void>;
  readonly timer: NodeJS.Immediate;
  resolve(): void;
  reject(error: unknown): void;
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new TypeError(`column ${column} is no text`);
  return value;
}

export function optionalText(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column);
}

export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw new TypeError(`column ${column} is no integer`);
  return value;
}

/** A key column, as the string it is everywhere else. */
export function keyText(row: Row): string {
  const { key } = row;
  if (!(key instanceof Uint8Array)) throw new TypeError('column key is no blob');
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8');
}

export function keyBytes(key: string): Buffer {
  return Buffer.from(key, 'utf8');
}

const SCHEMA_VERSION = 1;

/**
 * `content` numbers an immutable sequence of pieces; several objects may share one (a copy costs a row). A piece or a
 * part without a blob is empty. `completed` remembers finished uploads, so that a repeated completion gets its answer.
 */
const SCHEMA = `
  CREATE TABLE sequence (one INTEGER PRIMARY KEY CHECK (one = 1), value INTEGER NOT NULL) STRICT;
  INSERT INTO sequence VALUES (1, 0);
  CREATE TABLE buckets (name TEXT PRIMARY KEY, created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE objects (
    bucket TEXT NOT NULL, key BLOB NOT NULL, content INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
    etag TEXT NOT NULL, modified_ms INTEGER NOT NULL, headers TEXT NOT NULL, checksum TEXT,
    PRIMARY KEY (bucket, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX objects_by_content ON objects (content);
  CREATE TABLE pieces (
    content INTEGER NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, size_bytes INTEGER NOT NULL, blob TEXT,
    PRIMARY KEY (content, number)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX pieces_by_start ON pieces (content, start);
  CREATE TABLE uploads (
    bucket TEXT NOT NULL, key BLOB NOT NULL, id TEXT NOT NULL UNIQUE, started_ms INTEGER NOT NULL,
    headers TEXT NOT NULL, checksum_algorithm TEXT, checksum_type TEXT,
    PRIMARY KEY (bucket, key, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, size_bytes INTEGER NOT NULL, blob TEXT, etag TEXT NOT NULL,
    modified_ms INTEGER NOT NULL, checksum TEXT,
    PRIMARY KEY (upload, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE completed (
    upload TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, etag TEXT NOT NULL, checksum TEXT,
    at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`;
