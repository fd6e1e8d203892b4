/**
 * Listing of keys in the order of their UTF-8 bytes, with grouping by a delimiter. Reads as many rows as it returns
 * entries: a group is left by seeking behind it, not by reading through it.
 */
import { type Database, keyBytes, type Row } from './database.ts';
import { readObject, type StoredObject } from './objects.ts';

export interface ListQuery {
  readonly bucket: string;
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** Where to go on. Undefined starts at the beginning. */
  readonly from: Position | undefined;
  readonly entriesMax: number;
}

/** Behind a key, or behind every key that begins with a group's prefix. */
export type Position = { readonly after: string } | { readonly behind: string };

export type Entry = { readonly object: StoredObject } | { readonly commonPrefix: string };

export interface Page {
  readonly entries: readonly Entry[];
  /** Undefined when nothing is left. */
  readonly next: Position | undefined;
}

export function listObjects(db: Database, query: ListQuery): Page {
  const entries: Entry[] = [];
  if (query.entriesMax === 0) return { entries, next: undefined };
  const prefix = keyBytes(query.prefix);
  const end = successor(prefix);
  let position = query.from;

  for (;;) {
    const seek = startOf(prefix, position);
    let isGroup = false;
    for (const row of rangeOf(db, query.bucket, seek, end)) {
      // One row more than the page has room for: it tells that something is left.
      if (entries.length === query.entriesMax) return { entries, next: position };
      const object = readObject(row);
      const commonPrefix = groupOf(object.key, query.prefix, query.delimiter);
      isGroup = commonPrefix !== undefined;
      if (commonPrefix !== undefined) {
        entries.push({ commonPrefix });
        position = { behind: commonPrefix };
        break;
      }
      entries.push({ object });
      position = { after: object.key };
    }
    if (!isGroup) return { entries, next: undefined };
  }
}

interface Seek {
  /** Null is behind everything. */
  readonly key: Buffer | null;
  readonly isInclusive: boolean;
}

function startOf(prefix: Buffer, position: Position | undefined): Seek {
  if (position === undefined) return { key: prefix, isInclusive: true };
  const seek: Seek =
    'after' in position
      ? { key: keyBytes(position.after), isInclusive: false }
      : { key: successor(keyBytes(position.behind)), isInclusive: true };
  if (seek.key !== null && Buffer.compare(seek.key, prefix) < 0) return { key: prefix, isInclusive: true };
  return seek;
}

function rangeOf(db: Database, bucket: string, seek: Seek, end: Buffer | null): Iterable<Row> {
  if (seek.key === null) return [];
  const sql = `SELECT * FROM objects WHERE bucket = ? AND ${seek.isInclusive ? 'key >= ?' : 'key > ?'}`;
  if (end === null) return db.each(`${sql} ORDER BY key`, bucket, seek.key);
  return db.each(`${sql} AND key < ? ORDER BY key`, bucket, seek.key, end);
}

function groupOf(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? undefined : key.slice(0, at + delimiter.length);
}

/** The first byte string behind all that begin with `prefix`; null when there is none. */
function successor(prefix: Buffer): Buffer | null {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return null;
  const next = Buffer.from(prefix.subarray(0, length));
  next.writeUInt8(next.readUInt8(length - 1) + 1, length - 1);
  return next;
}
