/**
 * Directories under the root, and nothing outside it. Links inside the root are followed as long as they stay inside. The
 * checks are of what stands on the disk now: a local process that swaps folders for links while we write is not held off.
 */
import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Fault } from '#core/fault.ts';
import { syncDirectory } from './durable.ts';
import { errno, fsAsk, fsCall, fsFault, pathEscape, rootMissing } from './faults.ts';
import { isTempName } from './names.ts';

export interface Tree {
  /**
   * The root's real path, made if it was never there. Throws Fault `transient` `folder.root_missing` if this process has
   * seen it before and it is gone, or was a mount point and is none any more: a disk that went away is not replaced by an
   * empty directory on the disk below.
   */
  root(): Promise<string>;
  /** The real path of a folder such as `/影视/2025`, made durably where it lacks. Throws `folder.path_escape`. */
  make(folder: string): Promise<string>;
  /** The real path of a folder, or null where there is none. Makes nothing, not even the root. */
  find(folder: string): Promise<string | null>;
}

export function tree(rootPath: string): Tree {
  const path = resolve(rootPath);
  const seen = { root: false, mount: false };
  let looking: Promise<string | null> | null = null;

  /** Who comes while somebody looks is told what that one finds. */
  function findRoot(): Promise<string | null> {
    looking ??= lookForRoot().finally(() => {
      looking = null;
    });
    return looking;
  }

  async function lookForRoot(): Promise<string | null> {
    const root = await fsAsk('looking for the root', realpath(path), 'ENOENT');
    if (root === null) return null;
    const isMount = await isMountPoint(root);
    if (seen.mount && !isMount) throw rootMissing();
    seen.root = true;
    seen.mount = isMount;
    return root;
  }

  async function root(): Promise<string> {
    const found = await findRoot();
    if (found !== null) return found;
    if (seen.root) throw rootMissing();
    await makeRoot(path);
    const made = await findRoot();
    if (made === null) throw rootMissing();
    return made;
  }

  return {
    root,
    make: async (folder) => {
      const top = await root();
      let current = top;
      for (const name of segments(folder)) current = await enter(top, current, name);
      return current;
    },
    find: async (folder) => {
      const top = await findRoot();
      if (top === null) throw rootMissing();
      const wanted = join(top, ...segments(folder));
      const real = await fsAsk('looking for the folder', realpath(wanted), 'ENOENT', 'ENOTDIR');
      if (real !== null) assertInside(top, real);
      return real;
    },
  };
}

/** A name that stays in its directory. Throws Fault `rejected`. */
export function assertPlainName(name: string): void {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes(sep) || name.includes('\0')) {
    throw pathEscape('a name of this path is no plain name');
  }
  if (isTempName(name)) {
    throw new Fault(
      'rejected',
      'folder.name_reserved',
      'names like .entrepot-trf_….part are kept for unfinished files',
    );
  }
}

function segments(folder: string): readonly string[] {
  const names = folder.split('/').slice(1);
  if (!folder.startsWith('/')) throw pathEscape('the folder is not given from the root on');
  if (folder === '/') return [];
  for (const name of names) assertPlainName(name);
  return names;
}

async function enter(top: string, parent: string, name: string): Promise<string> {
  const wanted = join(parent, name);
  let real = await fsAsk('looking for the folder', realpath(wanted), 'ENOENT');
  if (real === null) {
    const made = await fsAsk(
      'making the folder',
      mkdir(wanted).then(() => true),
      'EEXIST',
    );
    if (made) await syncDirectory(parent);
    real = await fsAsk('looking for the folder', realpath(wanted), 'ENOENT');
    if (real === null) throw pathEscape('a link of this path leads nowhere');
  }
  assertInside(top, real);
  const { isDirectory } = await fsCall(
    'looking at the folder',
    stat(real).then((s) => ({ isDirectory: s.isDirectory() })),
  );
  if (!isDirectory) {
    throw new Fault('rejected', 'folder.not_a_directory', 'a file stands where a folder of this path is needed');
  }
  return real;
}

function assertInside(top: string, real: string): void {
  const prefix = top.endsWith(sep) ? top : `${top}${sep}`;
  if (real !== top && !real.startsWith(prefix)) throw pathEscape('a link of this path leads out of the root');
}

async function makeRoot(path: string): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true });
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
  } catch (error) {
    // What stands there is a link to a place that is not: most often a disk that is not mounted.
    if (errno(error) === 'EEXIST' || errno(error) === 'ENOENT') throw rootMissing(error);
    throw fsFault(error, 'making the root');
  }
}

/** Compared with the directory above, because device numbers themselves change from one mount to the next. */
async function isMountPoint(root: string): Promise<boolean> {
  const [own, above] = await fsCall('looking at the root', Promise.all([stat(root), stat(dirname(root))]));
  return own.dev !== above.dev;
}
