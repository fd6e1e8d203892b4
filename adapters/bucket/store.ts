/**
 * Everything that is on disk: `index.db` says what exists, `blobs/` holds the bytes. Opening removes what a crash has
 * left behind: contents without an object, and files without a row.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Blobs, openBlobs } from './blobs.ts';
import { type Database, integer, openDatabase, text } from './database.ts';
import { S3Error } from './errors.ts';
import { type ListQuery, listObjects, type Page } from './listing.ts';
import { type Objects, objectTable, wholeSeconds } from './objects.ts';
import { type Uploads, uploadTable } from './uploads.ts';

interface BucketRow {
  readonly name: string;
  readonly createdMs: number;
}

export interface Store {
  readonly blobs: Blobs;
  readonly objects: Objects;
  readonly uploads: Uploads;
  transaction<T>(work: () => T): T;
  /** Resolves when every change so far is on disk; nobody may be told of it before. */
  durable(): Promise<void>;
  list(query: ListQuery): Page;
  buckets(): BucketRow[];
  /** Throws NoSuchBucket. */
  requireBucket(name: string): void;
  /** Throws BucketAlreadyOwnedByYou. */
  createBucket(name: string): void;
  /** Throws NoSuchBucket, or BucketNotEmpty when objects or unfinished uploads are in it. */
  deleteBucket(name: string): void;
  close(): Promise<void>;
}

/** Throws when the folder is in use by another process. `now` is in epoch milliseconds. */
export async function openStore(dataDir: string, now: () => number): Promise<Store> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const db = openDatabase(join(dataDir, 'index.db'));
  const blobs = await openBlobs(join(dataDir, 'blobs'));
  await sweep(db, blobs, now());
  const objects = objectTable(db, blobs, now);

  function has(name: string): boolean {
    return db.one('SELECT 1 FROM buckets WHERE name = ?', name) !== undefined;
  }

  return {
    blobs,
    objects,
    uploads: uploadTable(db, blobs, now),
    transaction: db.transaction,
    durable: db.durable,
    list: (query) => listObjects(db, query),
    buckets: () =>
      db
        .all('SELECT * FROM buckets ORDER BY name')
        .map((row) => ({ name: text(row, 'name'), createdMs: integer(row, 'created_ms') })),
    requireBucket(name) {
      if (!has(name)) throw new S3Error('NoSuchBucket');
    },
    createBucket(name) {
      if (has(name)) throw new S3Error('BucketAlreadyOwnedByYou');
      db.run('INSERT INTO buckets VALUES (?, ?)', name, wholeSeconds(now()));
    },
    deleteBucket(name) {
      db.transaction(() => {
        if (!has(name)) throw new S3Error('NoSuchBucket');
        const used = ['objects', 'uploads'].some((table) =>
          db.one(`SELECT 1 FROM ${table} WHERE bucket = ? LIMIT 1`, name),
        );
        if (used) throw new S3Error('BucketNotEmpty');
        db.run('DELETE FROM buckets WHERE name = ?', name);
      });
    },
    async close() {
      await objects.collect();
      db.close();
    },
  };
}

/** How long a repeated completion of an upload is still answered. */
const COMPLETED_KEPT_MS = 7 * 24 * 3600_000;

async function sweep(db: Database, blobs: Blobs, nowMs: number): Promise<void> {
  db.transaction(() => {
    db.run('DELETE FROM pieces WHERE content NOT IN (SELECT content FROM objects)');
    db.run('DELETE FROM completed WHERE at_ms < ?', nowMs - COMPLETED_KEPT_MS);
  });
  const named = db.all(
    'SELECT blob FROM pieces WHERE blob IS NOT NULL UNION ALL SELECT blob FROM parts WHERE blob IS NOT NULL',
  );
  await blobs.sweep(new Set(named.map((row) => text(row, 'blob'))));
}
