/** The unfinished file: a hidden file beside its target, named by its transfer, known again by its inode. */
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, open, unlink } from 'node:fs/promises';
import { fsAsk, fsCall, pathEscape, sessionGone } from './faults.ts';

/**
 * A link where our file should be is refused, not followed; a pipe there must not block the open for ever (O_NONBLOCK does
 * nothing to regular files).
 */
const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface TempState {
  readonly sizeBytes: number;
  /** Above 1: it stands under its final name too, and only its removal here is missing. */
  readonly links: number;
}

/**
 * Makes the file, or takes the one that an earlier opening of the same transfer left. What that one holds is kept: the bytes
 * of a transfer never change, and an answer lost long ago may arrive after parts have been put. It is not given its size in
 * advance: exFAT and some shares would write that many zeros, and the size at the end would prove nothing.
 * `beforeWriting` may refuse, given the bytes that the disk already holds of it. Answers the inode.
 */
export async function makeTemp(
  path: string,
  sizeBytes: number,
  beforeWriting: (allocatedBytes: number) => Promise<void>,
): Promise<string> {
  const old = await look(path);
  if (old && !old.isFile()) throw pathEscape('something else stands where the unfinished file should be');
  // Another name leads to these bytes: a finished file, or a link that somebody laid to write through.
  if (old && old.nlink > 1n) await fsAsk('removing an old unfinished file', unlink(path), 'ENOENT');
  await beforeWriting(old && old.nlink === 1n ? Number(old.blocks) * 512 : 0);
  const handle = await fsCall(
    'making the unfinished file',
    open(path, constants.O_RDWR | constants.O_CREAT | SAFELY, 0o666),
  );
  try {
    const stats = await fsCall('looking at the unfinished file', handle.stat({ bigint: true }));
    if (!stats.isFile()) throw pathEscape('something else stands where the unfinished file should be');
    if (stats.size > BigInt(sizeBytes)) {
      await fsCall('cutting the unfinished file', handle.truncate(sizeBytes));
      await fsCall('syncing the unfinished file', handle.sync());
    }
    return String(stats.ino);
  } finally {
    await handle.close();
  }
}

/** Opens the session's file for writing. Throws Fault `gone` when it is not there or is another one. */
export async function openTemp(path: string, inode: string): Promise<FileHandle> {
  const handle = await fsAsk('opening the unfinished file', open(path, constants.O_RDWR | SAFELY), 'ENOENT');
  if (handle === null) throw sessionGone();
  try {
    const stats = await fsCall('looking at the unfinished file', handle.stat({ bigint: true }));
    if (!stats.isFile() || String(stats.ino) !== inode) throw sessionGone();
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The session's file as it stands, or null when it is not there or is another one. */
export async function tempState(path: string, inode: string): Promise<TempState | null> {
  const stats = await look(path);
  if (!stats?.isFile() || String(stats.ino) !== inode) return null;
  return { sizeBytes: Number(stats.size), links: Number(stats.nlink) };
}

export async function removeTemp(path: string, inode: string): Promise<void> {
  if (await tempState(path, inode)) await fsAsk('removing the unfinished file', unlink(path), 'ENOENT');
}

async function look(path: string): Promise<BigIntStats | null> {
  return fsAsk('looking for the unfinished file', lstat(path, { bigint: true }), 'ENOENT');
}
