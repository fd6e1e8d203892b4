/**
 * One open handle per unfinished file and process, and one fdatasync for all parts that end at about the same time. The kernel
 * tells of a failed write-back once per handle and then forgets the lost pages: so every part that was under way on that
 * handle fails with the sync that was told.
 */
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Fault } from '#core/fault.ts';
import type { DirectorySync } from './directory-syncs.ts';
import { fsCall, sessionGone } from './faults.ts';
import { openTemp, tempState } from './temp-file.ts';
import { type Waves, waves } from './waves.ts';

export interface SharedFile {
  /** Writes all of the buffers one after the other from `position` on. They may be empty. */
  write(buffers: readonly Uint8Array[], position: number): Promise<void>;
  /** Resolves once everything written before the call would survive a crash. */
  sync(): Promise<void>;
  /** Resolves once the file's name would survive a crash. Its folder is synced once while the handle is open. */
  named(): Promise<void>;
}

export interface SharedFiles {
  /** Throws Fault `gone` when `path` does not lead to `inode`. The handle is closed when its last user has ended. */
  use<T>(path: string, inode: string, work: (file: SharedFile) => Promise<T>): Promise<T>;
}

export function sharedFiles(syncDirectory: DirectorySync): SharedFiles {
  const entries = new Map<string, Entry>();

  function enter(path: string, inode: string): Entry {
    const key = `${inode} ${path}`;
    const entry = entries.get(key);
    if (entry && !entry.syncs.failed()) return entry;
    const handle = openTemp(path, inode);
    const syncs = waves(async () => fsCall('syncing the file', (await handle).datasync()));
    const opened: Entry = { key, handle, syncs, named: null, users: 0 };
    entries.set(key, opened);
    return opened;
  }

  async function leave(entry: Entry): Promise<void> {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (entries.get(entry.key) === entry) entries.delete(entry.key);
    const [handle] = await Promise.allSettled([entry.handle]);
    if (handle.status === 'fulfilled') await handle.value.close();
  }

  async function nameSynced(entry: Entry, path: string): Promise<void> {
    try {
      await syncDirectory(dirname(path));
    } catch (error) {
      entry.named = null;
      throw error;
    }
  }

  return {
    use: async (path, inode, work) => {
      const entry = enter(path, inode);
      entry.users += 1;
      try {
        const handle = await entry.handle;
        // The handle may be older than a removal of the name that leads to it.
        if ((await tempState(path, inode)) === null) throw sessionGone();
        return await work({
          write: (buffers, position) => writeAll(handle, buffers, position),
          sync: () => entry.syncs.join(),
          named: () => {
            entry.named ??= nameSynced(entry, path);
            return entry.named;
          },
        });
      } finally {
        await leave(entry);
      }
    },
  };
}

interface Entry {
  readonly key: string;
  readonly handle: Promise<FileHandle>;
  readonly syncs: Waves;
  named: Promise<void> | null;
  users: number;
}

async function writeAll(handle: FileHandle, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let rest = buffers.filter((buffer) => buffer.byteLength > 0);
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await fsCall('writing the file', handle.writev(rest, at));
    if (bytesWritten === 0)
      throw new Fault('transient', 'folder.io', 'the file system took no bytes and did not say why');
    at += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
}

function dropBytes(buffers: readonly Uint8Array[], count: number): Uint8Array[] {
  let skip = count;
  return buffers.flatMap((buffer) => {
    const dropped = Math.min(skip, buffer.byteLength);
    skip -= dropped;
    return dropped === buffer.byteLength ? [] : [buffer.subarray(dropped)];
  });
}
