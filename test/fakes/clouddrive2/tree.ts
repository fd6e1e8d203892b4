/** The virtual tree: clouds stand under `/`, folders and files under clouds. Paths here are the real ones, without any token's root. */
import { status } from '@grpc/grpc-js';
import type { CloudDriveFile } from '#proto/generated/clouddrive/CloudDriveFile.ts';
import { notFound, notSupported, Refusal } from './refusal.ts';

export interface Cloud {
  readonly name: string;
  /** `/115open`. */
  readonly path: string;
  readonly totalBytes: number;
  readonly readOnly?: boolean;
}

export interface Entry {
  readonly path: string;
  readonly kind: 'folder' | 'file';
  readonly sizeBytes: number;
  readonly hashes: Readonly<Record<number, string>>;
  /** Absent for what was never really stored. */
  readonly content?: Buffer;
  readonly writtenAtMs: number;
  /** On the server's own disk only. */
  readonly isLocal?: true;
}

export interface Tree {
  readonly clouds: readonly Cloud[];
  /** Throws UNIMPLEMENTED with a text for a path outside every cloud. */
  cloudOf(path: string, what: string): Cloud;
  find(path: string): Entry | undefined;
  children(path: string): readonly Entry[];
  folders(): readonly string[];
  files(): readonly string[];
  addFolder(path: string): Entry;
  /** Replaces what was there. Throws NOT_FOUND without a parent. */
  addFile(file: Omit<Entry, 'kind' | 'writtenAtMs'>): Entry;
  remove(path: string): void;
  /** The entry and all below it get a new path; `copy` leaves the old ones. */
  relocate(from: string, to: string, how: 'move' | 'copy'): void;
  usedBytes(cloud: Cloud): number;
  describe(entry: Entry, rootDir: string): CloudDriveFile;
}

export function tree(clouds: readonly Cloud[], now: () => number): Tree {
  const entries = new Map<string, Entry>();
  const put = (entry: Entry): Entry => {
    entries.set(entry.path, entry);
    return entry;
  };
  const folder = (path: string): Entry => ({ path, kind: 'folder', sizeBytes: 0, hashes: {}, writtenAtMs: now() });
  put(folder('/'));
  for (const { path } of clouds) put(folder(path));

  function parentMustBe(path: string): void {
    const parent = entries.get(parentOf(path));
    if (parent?.kind !== 'folder') throw notFound(`parent of ${path}`);
  }
  const below = (path: string) => [...entries.values()].filter((one) => one.path.startsWith(`${path}/`));

  return {
    clouds,
    cloudOf: (path, what) => {
      const cloud = clouds.find((one) => path === one.path || path.startsWith(`${one.path}/`));
      // A path with back-slashes counts as `/`, as on the real one.
      if (cloud === undefined || path.includes('\\')) throw notSupported(what);
      if (cloud.readOnly === true) throw new Refusal(status.PERMISSION_DENIED, `${cloud.name} is read only`);
      return cloud;
    },
    find: (path) => entries.get(path),
    children: (path) => [...entries.values()].filter((one) => one.path !== '/' && parentOf(one.path) === path),
    folders: () => [...entries.values()].filter(({ kind }) => kind === 'folder').map(({ path }) => path),
    files: () => [...entries.values()].filter(({ kind }) => kind === 'file').map(({ path }) => path),
    addFolder: (path) => {
      parentMustBe(path);
      return put(folder(path));
    },
    addFile: (file) => {
      parentMustBe(file.path);
      return put({ ...file, kind: 'file', writtenAtMs: now() });
    },
    remove: (path) => {
      for (const one of below(path)) entries.delete(one.path);
      entries.delete(path);
    },
    relocate: (from, to, how) => {
      const moved = [entries.get(from) ?? fail(from), ...below(from)];
      for (const one of moved) {
        if (how === 'move') entries.delete(one.path);
        put({ ...one, path: to + one.path.slice(from.length) });
      }
    },
    usedBytes: (cloud) => below(cloud.path).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    describe: (entry, rootDir) => describe(entry, rootDir, clouds),
  };
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** What a bearer calls `path`, as it is in the tree: what it sends is appended below its root. */
export function realPath(path: string, rootDir: string): string {
  if (rootDir === '/') return path;
  return path === '/' ? rootDir : rootDir + path;
}

function shownPath(path: string, rootDir: string): string {
  return rootDir === '/' ? path : path.slice(rootDir.length) || '/';
}

function describe(entry: Entry, rootDir: string, clouds: readonly Cloud[]): CloudDriveFile {
  const cloud = clouds.find((one) => entry.path === one.path || entry.path.startsWith(`${one.path}/`));
  const seconds = Math.floor(entry.writtenAtMs / 1000);
  return {
    id: `id:${entry.path}`,
    name: nameOf(entry.path),
    fullPathName: shownPath(entry.path, rootDir),
    size: entry.sizeBytes,
    fileType: entry.kind === 'folder' ? 'Directory' : 'File',
    isDirectory: entry.kind === 'folder',
    isRoot: entry.path === '/',
    isCloudRoot: cloud?.path === entry.path,
    isCloudDirectory: entry.kind === 'folder',
    isCloudFile: entry.kind === 'file',
    writeTime: { seconds, nanos: 0 },
    fileHashes: entry.hashes,
    isLocal: entry.isLocal === true,
    readOnly: cloud?.readOnly === true,
    canDeletePermanently: true,
    ...(cloud === undefined ? {} : { CloudAPI: { name: cloud.name, userName: 'tester', path: cloud.path } }),
  };
}

function fail(path: string): never {
  throw notFound(path);
}
