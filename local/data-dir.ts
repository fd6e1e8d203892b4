/** The data directory: one process at a time, secrets for their owner's eyes only. */
import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

export interface DataDir {
  readonly root: string;
  path(name: string): string;
  /** A secret kept in a file of mode 0600, made at the first start. */
  secret(name: string): string;
  /** Writes a file of mode 0600 as a whole. */
  write(name: string, text: string): void;
  close(): void;
}

/** Throws an Error when another process has it. The lock ends with the process, however it ends. */
export function openDataDir(directory: string): DataDir {
  const root = resolve(directory);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const path = (name: string): string => join(root, name);
  const lock = lockDirectory(path('lock.db'), root);
  const write = (name: string, text: string): void => {
    const temporary = path(`${name}.new`);
    const file = openSync(temporary, 'w', 0o600);
    writeSync(file, text);
    fsyncSync(file);
    closeSync(file);
    renameSync(temporary, path(name));
  };
  return {
    root,
    path,
    write,
    secret: (name) => {
      const found = readIfThere(path(name))?.trim();
      if (found) {
        // A copy that was put back may have come with another mode.
        chmodSync(path(name), 0o600);
        return found;
      }
      const made = randomBytes(24).toString('base64url');
      write(name, `${made}\n`);
      return made;
    },
    close: () => lock.close(),
  };
}

const BucketKeys = z.object({ accessKeyId: z.string(), secretAccessKey: z.string() });

/** Keys of the embedded bucket, the same over restarts, in the file that `entrepot s3 --env` reads. */
export function bucketKeys(data: DataDir): z.infer<typeof BucketKeys> {
  const found = readIfThere(data.path('s3.json'));
  if (found !== null) return readKeys(found, data.path('s3.json'));
  return {
    accessKeyId: `EP${randomBytes(9).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
}

/** Made anew they would lock out every client that has the old ones: a person decides. The error quotes nothing of the file. */
function readKeys(text: string, file: string): z.infer<typeof BucketKeys> {
  try {
    return BucketKeys.parse(JSON.parse(text));
  } catch {
    throw new Error(`${file} is damaged: restore it, or remove it to have new keys made`);
  }
}

const SQLITE_BUSY = 5;

/** SQLite's exclusive lock is the operating system's: `kill -9` frees it, a stale file never blocks a start. */
function lockDirectory(file: string, root: string): DatabaseSync {
  let lock: DatabaseSync | null = null;
  try {
    lock = new DatabaseSync(file);
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;');
    return lock;
  } catch (error) {
    lock?.close();
    const isTaken = error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
    const reason = isTaken ? `another Entrepot is running on ${root}` : `the directory ${root} cannot be locked`;
    throw new Error(reason, { cause: error });
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
