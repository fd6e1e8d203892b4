/** The sealing key of the one-machine home: a file that only its owner can read. */

import { randomBytes, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '#core/fault.ts';
import { KEY_BYTES, type SealKey, sealKey } from './seal.ts';

const OWNER_ONLY = 0o600;
const ANYBODY_ELSE = 0o077;

/**
 * The key in the file at `path`; where there is none, a new one, made whole or not at all: of two processes at once both get
 * the same. A file that others may read is taken from them; where that cannot be done, and for a file that holds no key, this
 * is Fault `auth` (`vault.key_exposed`, `vault.key_damaged`).
 */
export async function keyFile(path: string): Promise<SealKey> {
  const existing = await read(path);
  if (existing) return existing;
  await create(path);
  const created = await read(path);
  if (created) return created;
  throw new Fault('auth', 'vault.key_damaged', 'the key file vanished while it was made');
}

async function read(path: string): Promise<SealKey | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
  try {
    await keepToOwner(handle);
    const bytes = Buffer.from((await handle.readFile('utf8')).trim(), 'base64');
    if (bytes.byteLength === KEY_BYTES) return sealKey(bytes);
    throw new Fault('auth', 'vault.key_damaged', 'the key file holds no key: restore it, stored credentials need it');
  } finally {
    await handle.close();
  }
}

async function keepToOwner(handle: FileHandle): Promise<void> {
  if (((await handle.stat()).mode & ANYBODY_ELSE) === 0) return;
  let cause: unknown;
  try {
    await handle.chmod(OWNER_ONLY);
    if (((await handle.stat()).mode & ANYBODY_ELSE) === 0) return;
  } catch (error) {
    cause = error;
  }
  throw new Fault(
    'auth',
    'vault.key_exposed',
    'others can read the key file: give it mode 0600, on a disk that has modes',
    {
      cause,
    },
  );
}

/** Written beside it and then linked: the name never leads to half a key, nor over somebody's whole one. */
async function create(path: string): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const draft = join(directory, `.key-${randomUUID()}`);
  const handle = await open(draft, 'wx', OWNER_ONLY);
  try {
    await handle.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await handle.sync();
    await link(draft, path);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  } finally {
    await handle.close();
    await unlink(draft);
  }
  const entries = await open(directory, constants.O_RDONLY);
  try {
    await entries.sync();
  } finally {
    await entries.close();
  }
}

function isErrno(error: unknown, name: string): boolean {
  return error instanceof Error && 'code' in error && error.code === name;
}
