/**
 * Multipart uploads that are not finished, their parts, and for a week the finished ones. A part is a blob with a row;
 * completing an upload moves the rows of its parts into the pieces of a new content, so no byte is written again.
 */
import { randomBytes } from 'node:crypto';
import type { Blobs } from './blobs.ts';
import type { Checksum, ChecksumAlgorithm, ChecksumType } from './checksum.ts';
import { checksumAlgorithm } from './checksum.ts';
import { type Database, integer, keyBytes, keyText, optionalText, type Row, text } from './database.ts';
import { S3Error } from './errors.ts';
import { readChecksum, type StoredHeaders, wholeSeconds } from './objects.ts';

interface UploadTarget {
  readonly bucket: string;
  readonly key: string;
}

export interface Upload extends UploadTarget {
  readonly id: string;
  readonly startedMs: number;
  readonly headers: StoredHeaders;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType } | undefined;
}

export interface Part {
  readonly number: number;
  readonly sizeBytes: number;
  readonly blob: string | null;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly checksum: Checksum | undefined;
}

export interface Completed {
  readonly etag: string;
  readonly checksum: Checksum | undefined;
}

export interface Uploads {
  create(target: UploadTarget, headers: StoredHeaders, checksum: Upload['checksum']): Upload;
  /** Throws NoSuchUpload also when the id belongs to another bucket or key. */
  find(target: UploadTarget, id: string): Upload;
  /** Replaces a part of the same number. Throws NoSuchUpload when the upload ended meanwhile. */
  putPart(upload: Upload, part: Omit<Part, 'modifiedMs'>): Part;
  parts(uploadId: string, afterNumber: number, limit: number): Part[];
  /** Ends an upload. The blobs that are not in `kept` are removed. */
  end(uploadId: string, kept: ReadonlySet<string>): void;
  /** Joins the transaction in which the object is put. */
  remember(upload: Upload, completed: Completed): void;
  completed(target: UploadTarget, id: string): Completed | undefined;
  /** In order of key, then of start. `after` is exclusive; without an id all uploads of its key are passed over. */
  list(bucket: string, prefix: string, after: { key: string; id: string | undefined }, limit: number): Upload[];
}

export function uploadTable(db: Database, blobs: Blobs, now: () => number): Uploads {
  function find(target: UploadTarget, id: string): Upload {
    const key = keyBytes(target.key);
    const row = db.one('SELECT * FROM uploads WHERE bucket = ? AND key = ? AND id = ?', target.bucket, key, id);
    if (!row) throw new S3Error('NoSuchUpload');
    return readUpload(row);
  }

  function remove(names: readonly (string | undefined)[]): void {
    // What cannot be unlinked now has no row any more and is swept at the next start.
    db.durable()
      .then(() => blobs.remove(names.filter((name) => name !== undefined)))
      .catch(() => undefined);
  }

  return {
    find,
    create(target, headers, checksum) {
      const startedMs = wholeSeconds(now());
      // Ids sort by the time of their start, which is the order that listings of one key need.
      const id = now().toString(16).padStart(12, '0') + randomBytes(10).toString('hex');
      db.transaction(() => {
        if (!db.one('SELECT 1 FROM buckets WHERE name = ?', target.bucket)) throw new S3Error('NoSuchBucket');
        db.run(
          'INSERT INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?)',
          target.bucket,
          keyBytes(target.key),
          id,
          startedMs,
          JSON.stringify(headers),
          checksum?.algorithm ?? null,
          checksum?.type ?? null,
        );
      });
      return { ...target, id, startedMs, headers, checksum };
    },
    putPart(upload, part) {
      const modifiedMs = wholeSeconds(now());
      const replaced = db.transaction(() => {
        find(upload, upload.id);
        const row = db.one('SELECT blob FROM parts WHERE upload = ? AND number = ?', upload.id, part.number);
        db.run(
          'INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?, ?)',
          upload.id,
          part.number,
          part.sizeBytes,
          part.blob,
          part.etag,
          modifiedMs,
          part.checksum ? JSON.stringify(part.checksum) : null,
        );
        return row && optionalText(row, 'blob');
      });
      if (replaced !== undefined) remove([replaced]);
      return { ...part, modifiedMs };
    },
    parts: (uploadId, afterNumber, limit) =>
      db
        .all(
          'SELECT * FROM parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?',
          uploadId,
          afterNumber,
          limit,
        )
        .map(readPart),
    end(uploadId, kept) {
      db.run('DELETE FROM uploads WHERE id = ?', uploadId);
      const names = db
        .all('DELETE FROM parts WHERE upload = ? RETURNING blob', uploadId)
        .map((row) => optionalText(row, 'blob'));
      const dropped = names.filter((name) => name !== undefined && !kept.has(name));
      // After the transaction that this may be part of: were it rolled back, the parts would still need their files.
      setImmediate(() => remove(dropped));
    },
    remember({ bucket, key, id }, { etag, checksum }) {
      const json = checksum ? JSON.stringify(checksum) : null;
      db.run('INSERT INTO completed VALUES (?, ?, ?, ?, ?, ?)', id, bucket, keyBytes(key), etag, json, now());
    },
    completed({ bucket, key }, id) {
      const row = db.one(
        'SELECT * FROM completed WHERE upload = ? AND bucket = ? AND key = ?',
        id,
        bucket,
        keyBytes(key),
      );
      return row && { etag: text(row, 'etag'), checksum: readChecksum(row) };
    },
    list(bucket, prefix, after, limit) {
      const rows = db.all(
        `SELECT * FROM uploads WHERE bucket = ?1 AND key >= ?2 AND substr(key, 1, length(?2)) = ?2
           AND (key > ?3 OR (key = ?3 AND id > ?4)) ORDER BY key, id LIMIT ?5`,
        bucket,
        keyBytes(prefix),
        keyBytes(after.key),
        after.id ?? '~',
        limit,
      );
      return rows.map(readUpload);
    },
  };
}

function readUpload(row: Row): Upload {
  const algorithm = optionalText(row, 'checksum_algorithm');
  const type = optionalText(row, 'checksum_type') === 'COMPOSITE' ? 'COMPOSITE' : 'FULL_OBJECT';
  return {
    bucket: text(row, 'bucket'),
    key: keyText(row),
    id: text(row, 'id'),
    startedMs: integer(row, 'started_ms'),
    headers: JSON.parse(text(row, 'headers')),
    checksum: algorithm === undefined ? undefined : { algorithm: checksumAlgorithm(algorithm), type },
  };
}

function readPart(row: Row): Part {
  return {
    number: integer(row, 'number'),
    sizeBytes: integer(row, 'size_bytes'),
    blob: optionalText(row, 'blob') ?? null,
    etag: text(row, 'etag'),
    modifiedMs: integer(row, 'modified_ms'),
    checksum: readChecksum(row),
  };
}
