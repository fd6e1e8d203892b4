/** One database file for all state of a machine. What is committed survives the process and the power. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';

const UserVersion = z.object({ user_version: z.number() });

/** Each entry takes the schema one version up; `PRAGMA user_version` counts those that ran. Entries are never changed. */
const MIGRATIONS = [
  `CREATE TABLE work (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    queue TEXT,
    dueAt INTEGER,
    hold TEXT NOT NULL,
    token INTEGER NOT NULL,
    holder TEXT,
    unclean INTEGER NOT NULL,
    phase TEXT NOT NULL,
    state TEXT NOT NULL,
    wish TEXT,
    answers TEXT NOT NULL,
    touched INTEGER NOT NULL,
    expiresAt INTEGER,
    ownerId TEXT,
    listKey TEXT,
    ttlAt INTEGER,
    updatedAt INTEGER NOT NULL,
    PRIMARY KEY (pk, sk)
  );
  CREATE INDEX due ON work (queue, dueAt, pk, sk) WHERE queue IS NOT NULL AND dueAt IS NOT NULL;
  CREATE INDEX owner ON work (ownerId, listKey, pk, sk) WHERE ownerId IS NOT NULL;
  CREATE INDEX expiry ON work (ttlAt) WHERE ttlAt IS NOT NULL;
  CREATE TABLE cells (
    pk TEXT NOT NULL,
    sk TEXT NOT NULL,
    v INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (pk, sk)
  ) WITHOUT ROWID;`,
];

/** How long a write waits for another process (a CLI reading the same file) before it fails. */
const BUSY_TIMEOUT_MS = 5000;
/** The log is cut back to this after each checkpoint, so that one burst does not hold the disk for good. */
const JOURNAL_LIMIT_BYTES = 64 * 2 ** 20;

/**
 * Opens the file, or creates it readable for its owner only. Fault `rejected` `state.too_new` when a later release wrote it.
 * The caller closes it.
 */
export function openDatabase(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  // SQLite gives its log files the mode of the database, which it would itself create readable for everybody.
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path);
  try {
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = FULL');
    db.exec(`PRAGMA journal_size_limit = ${JOURNAL_LIMIT_BYTES}`);
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function migrate(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const version = UserVersion.parse(db.prepare('PRAGMA user_version').get()).user_version;
    if (version > MIGRATIONS.length) {
      throw new Fault(
        'rejected',
        'state.too_new',
        `the data is of version ${version}, this release knows ${MIGRATIONS.length}`,
      );
    }
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
