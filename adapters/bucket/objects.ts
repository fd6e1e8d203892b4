/**
 * Objects and their contents. A write replaces one row, so an object is wholly old or wholly new; its content is never
 * changed, so who began to read the old one reads it to its end.
 */
import type { Blobs } from './blobs.ts';
import type { Checksum } from './checksum.ts';
import { type Database, integer, keyBytes, keyText, optionalText, type Row, text } from './database.ts';
import { S3Error } from './errors.ts';

/** The headers that are kept with an object, by lower-case name: content-type, cache-control, x-amz-meta-… */
export type StoredHeaders = Readonly<Record<string, string>>;

export interface StoredObject {
  readonly key: string;
  readonly content: number;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  /** Whole seconds, since HTTP dates have no more: the same instant in headers and in listings. */
  readonly modifiedMs: number;
  readonly headers: StoredHeaders;
  readonly checksum: Checksum | undefined;
}

type NewObject = Omit<StoredObject, 'content' | 'modifiedMs'>;

/** One blob of a content; `number` starts at 1, `start` is its offset in the object. */
export interface Piece {
  readonly number: number;
  readonly start: number;
  readonly sizeBytes: number;
  readonly blob: string | null;
}

/** What a committed change is called in its event; rises with every change of a key. */
interface Change {
  readonly sequence: number;
  readonly modifiedMs: number;
}

/** Looks at the object that a write would replace, and throws when the write must not happen. */
export type Condition = (current: StoredObject | undefined) => void;

export interface Objects {
  find(bucket: string, key: string): StoredObject | undefined;
  /** Puts new pieces, or shares the content of `source`. Throws NoSuchBucket and what `condition` throws. */
  put(
    bucket: string,
    object: NewObject,
    from: readonly Piece[] | { readonly content: number },
    condition: Condition,
  ): Change;
  /** Undefined when there was no such object. Joins a surrounding transaction. */
  remove(bucket: string, key: string, condition: Condition): Change | undefined;
  pieces(content: number, start: number, end: number): Piece[];
  piece(content: number, number: number): Piece | undefined;
  /** Keeps a content readable until the returned function is called, even when its object is replaced or deleted. */
  pin(content: number): () => void;
  /** Removes the files that committed changes have left without a name. Happens by itself soon after each change. */
  collect(): Promise<void>;
}

export function objectTable(db: Database, blobs: Blobs, now: () => number): Objects {
  const pins = new Map<number, number>();
  let released: number[] = [];
  let scheduled: NodeJS.Immediate | undefined;

  function find(bucket: string, key: string): StoredObject | undefined {
    const row = db.one('SELECT * FROM objects WHERE bucket = ? AND key = ?', bucket, keyBytes(key));
    return row && readObject(row);
  }

  // Never within the change's own transaction: a rollback would bring back an object whose file is gone. A crash before
  // this has run leaves garbage for the sweep at the next start, nothing else.
  function release(content: number): void {
    released.push(content);
    scheduled ??= setImmediate(() => void collect());
  }

  async function collect(): Promise<void> {
    clearImmediate(scheduled);
    scheduled = undefined;
    const contents = released.filter((content) => !pins.has(content));
    released = released.filter((content) => pins.has(content));
    if (contents.length === 0) return;
    const names = db.transaction(() => contents.flatMap((content) => dropContent(db, content)));
    // What is not durable may come back and need its files. What cannot be unlinked now is swept at the next start.
    await db
      .durable()
      .then(() => blobs.remove(names))
      .catch(() => undefined);
  }

  return {
    find,
    put(bucket, object, from, condition) {
      return db.transaction(() => {
        if (!db.one('SELECT 1 FROM buckets WHERE name = ?', bucket)) throw new S3Error('NoSuchBucket');
        const current = find(bucket, object.key);
        condition(current);
        const sequence = db.nextSequence();
        const content = 'content' in from ? from.content : insertPieces(db, sequence, from);
        const modifiedMs = wholeSeconds(now());
        db.run(
          'INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          bucket,
          keyBytes(object.key),
          content,
          object.sizeBytes,
          object.etag,
          modifiedMs,
          JSON.stringify(object.headers),
          object.checksum ? JSON.stringify(object.checksum) : null,
        );
        if (current) release(current.content);
        return { sequence, modifiedMs };
      });
    },
    remove(bucket, key, condition) {
      return db.transaction(() => {
        const current = find(bucket, key);
        condition(current);
        if (!current) return undefined;
        db.run('DELETE FROM objects WHERE bucket = ? AND key = ?', bucket, keyBytes(key));
        release(current.content);
        return { sequence: db.nextSequence(), modifiedMs: wholeSeconds(now()) };
      });
    },
    pieces: (content, start, end) =>
      db
        .all(
          `SELECT * FROM pieces WHERE content = ?1 AND start < ?3 AND start >=
             coalesce((SELECT max(start) FROM pieces WHERE content = ?1 AND start <= ?2), 0) ORDER BY number`,
          content,
          start,
          end,
        )
        .map(readPiece),
    piece(content, number) {
      const row = db.one('SELECT * FROM pieces WHERE content = ? AND number = ?', content, number);
      return row && readPiece(row);
    },
    pin(content) {
      pins.set(content, (pins.get(content) ?? 0) + 1);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        const left = (pins.get(content) ?? 1) - 1;
        if (left > 0) pins.set(content, left);
        else pins.delete(content);
        if (left === 0 && released.includes(content)) void collect();
      };
    },
    collect,
  };
}

export function wholeSeconds(atMs: number): number {
  return Math.floor(atMs / 1000) * 1000;
}

export function readObject(row: Row): StoredObject {
  return {
    key: keyText(row),
    content: integer(row, 'content'),
    sizeBytes: integer(row, 'size_bytes'),
    etag: text(row, 'etag'),
    modifiedMs: integer(row, 'modified_ms'),
    headers: JSON.parse(text(row, 'headers')),
    checksum: readChecksum(row),
  };
}

/** The columns hold what this module wrote; the file is ours alone. */
export function readChecksum(row: Row): Checksum | undefined {
  const json = optionalText(row, 'checksum');
  return json === undefined ? undefined : JSON.parse(json);
}

function readPiece(row: Row): Piece {
  return {
    number: integer(row, 'number'),
    start: integer(row, 'start'),
    sizeBytes: integer(row, 'size_bytes'),
    blob: optionalText(row, 'blob') ?? null,
  };
}

function insertPieces(db: Database, content: number, pieces: readonly Piece[]): number {
  for (const { number, start, sizeBytes, blob } of pieces) {
    db.run('INSERT INTO pieces VALUES (?, ?, ?, ?, ?)', content, number, start, sizeBytes, blob);
  }
  return content;
}

/** Forgets a content that no object has any more, and returns the blobs it had. */
function dropContent(db: Database, content: number): string[] {
  if (db.one('SELECT 1 FROM objects WHERE content = ?', content)) return [];
  const rows = db.all('DELETE FROM pieces WHERE content = ? RETURNING blob', content);
  return rows.flatMap((row) => optionalText(row, 'blob') ?? []);
}
