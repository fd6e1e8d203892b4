/** One database file for all state of a machine. What is committed survives the process and the power. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { migrationsAfter, SCHEMA_VERSION } from './schema.ts';

const UserVersion = z.object({ user_version: z.number() });

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
    for (const migration of migrationsAfter(version)) db.exec(migration);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    db.exec('ROLLBACK');
    throw error;
  }
}
