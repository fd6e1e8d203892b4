/** Giving a finished file its name, without ever taking one that is somebody else's, and finding it again. */
import { link, lstat, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '#core/fault.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { errno, fsAsk, fsCall, fsFault, sessionGone } from './faults.ts';
import { conflictName } from './names.ts';

type OnConflict = 'rename' | 'replace' | 'fail';

/** A folder with this many files of one name has a loop somewhere, not a reader. */
const CONFLICTS_MAX = 1_000;

/** Names behind ours may have been freed since; a longer run of free ones than this is the end of the row. */
const GAP_MAX = 16;

/** What file systems without hard links (FAT, exFAT, some shares and FUSE mounts) answer to `link`. */
const CANNOT_LINK = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EXDEV'];

export interface Finished {
  readonly directory: string;
  readonly temp: string;
  readonly inode: string;
  readonly name: string;
  readonly transferId: TransferId;
  readonly onConflict: OnConflict;
}

/** The name under which the file with this inode stands: the wanted one, or one that a conflict led to. */
export async function findPlaced(
  directory: string,
  name: string,
  inode: string,
): Promise<{ readonly name: string; readonly sizeBytes: number } | null> {
  let gap = 0;
  for (let n = 1; n <= CONFLICTS_MAX && gap < GAP_MAX; n++) {
    const candidate = conflictName(name, n);
    const stats = await fsAsk(
      'looking for the finished file',
      lstat(join(directory, candidate), { bigint: true }),
      'ENOENT',
    );
    if (stats && String(stats.ino) === inode) return { name: candidate, sizeBytes: Number(stats.size) };
    gap = stats ? 0 : gap + 1;
  }
  return null;
}

/**
 * Moves the temp file to its name and answers which one that became. Repeating it, also from two processes at once, ends with
 * one file: a name that already leads to the inode counts as taken by us. Throws Fault `rejected` `folder.exists`, and `gone` when the
 * temp file is no longer there.
 */
export async function place(file: Finished): Promise<string> {
  if (file.onConflict === 'replace') return replace(file);
  const tries = file.onConflict === 'fail' ? 1 : CONFLICTS_MAX;
  for (let n = 1; n <= tries; n++) {
    const name = conflictName(file.name, n);
    if (await takeName(file, join(file.directory, name))) return name;
  }
  throw nameTaken();
}

export function nameTaken(): Fault {
  return new Fault(
    'rejected',
    'folder.exists',
    'something of this name is already there: move it away or choose another rule for conflicts, then press retry',
  );
}

async function replace({ temp, directory, name }: Finished): Promise<string> {
  try {
    await rename(temp, join(directory, name));
    return name;
  } catch (error) {
    if (errno(error) === 'EISDIR' || errno(error) === 'ENOTEMPTY') throw nameTaken();
    if (errno(error) === 'ENOENT') throw sessionGone();
    throw fsFault(error, 'naming the file');
  }
}

async function takeName(file: Finished, target: string): Promise<boolean> {
  try {
    await link(file.temp, target);
    return true;
  } catch (error) {
    const name = errno(error);
    if (name === 'EEXIST') return takeIfOurs(file, target);
    if (name === 'ENOENT') throw sessionGone();
    if (CANNOT_LINK.includes(name)) return takeByPlaceholder(file, target);
    throw fsFault(error, 'naming the file');
  }
}

/**
 * Without hard links the name is first taken by a small file of ours, then renamed over. The placeholder holds the transfer's
 * id, so that a repeat after a crash knows it for its own.
 */
async function takeByPlaceholder(file: Finished, target: string): Promise<boolean> {
  const doing = 'taking the name';
  const placeholder = await fsAsk(doing, open(target, 'wx'), 'EEXIST');
  if (placeholder === null) return takeIfOurs(file, target);
  try {
    await fsCall(doing, placeholder.writeFile(placeholderFor(file)));
  } finally {
    await placeholder.close();
  }
  return renameOver(file, target);
}

/** The name is there already: it may be the file itself, or our placeholder for it. */
async function takeIfOurs(file: Finished, target: string): Promise<boolean> {
  const stats = await fsAsk('looking at the name', lstat(target, { bigint: true }), 'ENOENT');
  if (stats === null) return false;
  if (String(stats.ino) === file.inode) return true;
  const mark = placeholderFor(file);
  if (!stats.isFile() || Number(stats.size) !== Buffer.byteLength(mark)) return false;
  const text = await fsAsk('reading the name', readFile(target, 'utf8'), 'ENOENT', 'EACCES');
  return text === mark && renameOver(file, target);
}

async function renameOver(file: Finished, target: string): Promise<boolean> {
  const done = await fsAsk(
    'naming the file',
    rename(file.temp, target).then(() => true),
    'ENOENT',
  );
  if (done === null) throw sessionGone();
  return done;
}

function placeholderFor(file: Finished): string {
  return `entrepot is placing ${file.transferId} here\n`;
}
