/** Folders and files of the virtual tree. */
import { Fault } from '#core/fault.ts';
import type { CloudDriveFile__Output } from '#proto/generated/clouddrive/CloudDriveFile.ts';
import type { FileOperationResult__Output } from '#proto/generated/clouddrive/FileOperationResult.ts';
import { type Calls, ONCE, QUICK, SLOW } from './calls.ts';
import type { Origin } from './channel.ts';
import { AREA, mustSucceed } from './faults.ts';
import { type Hashes, hashesOf } from './hashes.ts';
import { service } from './interface.ts';
import { checkedName, checkedPath } from './paths.ts';

export interface FileEntry {
  readonly path: string;
  readonly name: string;
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number | null;
  readonly hashes: Hashes;
  /** Nothing can be put here. */
  readonly isReadOnly: boolean;
  /** Not in the cloud yet. */
  readonly isLocal: boolean;
  /** `115open`; null for folders above the clouds. */
  readonly cloud: string | null;
}

export interface Space {
  readonly totalBytes: number;
  readonly usedBytes: number;
  readonly freeBytes: number;
}

export interface Download {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: it does not end. */
  readonly ttlSeconds: number | null;
}

export type ConflictPolicy = 'Overwrite' | 'Rename' | 'Skip';
export type Freshness = 'cached' | 'fresh';

export interface Files {
  /** A folder's entries, as many at a time as the server likes; taken no faster than they are wanted. */
  fsList(folder: string, freshness: Freshness, signal: AbortSignal): AsyncGenerator<FileEntry, void, undefined>;
  /** Null: there is nothing. */
  fsStat(path: string, signal: AbortSignal): Promise<FileEntry | null>;
  fsRename(path: string, newName: string, signal: AbortSignal): Promise<void>;
  fsMove(paths: readonly string[], folder: string, onConflict: ConflictPolicy, signal: AbortSignal): Promise<void>;
  /** Folders are copied by a task of the server that goes on afterwards. */
  fsCopy(paths: readonly string[], folder: string, onConflict: ConflictPolicy, signal: AbortSignal): Promise<void>;
  /** Into the recycle bin of a cloud that has one. What is not there counts as deleted. */
  fsDelete(path: string, how: 'recycle' | 'for-good', signal: AbortSignal): Promise<void>;
  /** Of the cloud that owns the path. */
  fsSpace(path: string, signal: AbortSignal): Promise<Space>;
  /** `direct`: the cloud's own address, where it gives one. Whoever has the address can read the file. */
  fsDownloadUrl(path: string, way: 'direct' | 'through-server', signal: AbortSignal): Promise<Download>;
}

export function filesOver(calls: Calls, origin: Origin): Files {
  return {
    fsList: (folder, freshness, signal) => list(calls, folder, freshness, signal),
    fsStat: (path, signal) => stat(calls, path, signal),
    fsRename: async (path, newName, signal) => {
      const request = { theFilePath: checkedPath(path), newName: checkedName(newName) };
      await done('RenameFile', calls.unary(service.RenameFile, request, ONCE, signal));
    },
    fsMove: async (paths, folder, conflictPolicy, signal) => {
      const request = { theFilePaths: paths.map(checkedPath), destPath: checkedPath(folder), conflictPolicy };
      await done('MoveFile', calls.unary(service.MoveFile, request, ONCE, signal));
    },
    fsCopy: async (paths, folder, conflictPolicy, signal) => {
      const request = { theFilePaths: paths.map(checkedPath), destPath: checkedPath(folder), conflictPolicy };
      await done('CopyFile', calls.unary(service.CopyFile, request, ONCE, signal));
    },
    fsDelete: async (path, how, signal) => {
      const method = how === 'recycle' ? service.DeleteFile : service.DeleteFilePermanently;
      const request = { path: checkedPath(path) };
      // Safe to repeat, because what is gone counts as deleted.
      await unlessMissing(done('DeleteFile', calls.unary(method, request, SLOW, signal)));
    },
    fsSpace: async (path, signal) => {
      const space = await calls.unary(service.GetSpaceInfo, { path: checkedPath(path) }, QUICK, signal);
      return { totalBytes: space.totalSpace, usedBytes: space.usedSpace, freeBytes: space.freeSpace };
    },
    fsDownloadUrl: async (path, way, signal) => {
      const request = { path: checkedPath(path), get_direct_url: way === 'direct' };
      const info = await calls.unary(service.GetDownloadUrlPath, request, QUICK, signal);
      const agent = info.userAgent === undefined ? {} : { 'user-agent': info.userAgent };
      return {
        url: info.directUrl ? info.directUrl : addressOf(info.downloadUrlPath, origin),
        headers: { ...info.additionalHeaders, ...agent },
        ttlSeconds: info.expiresIn ?? null,
      };
    },
  };
}

/** Null: there is nothing. */
export async function stat(calls: Calls, path: string, signal: AbortSignal): Promise<FileEntry | null> {
  const request = { parentPath: '', path: checkedPath(path) };
  const found = await unlessMissing(calls.unary(service.FindFileByPath, request, QUICK, signal));
  // Some answer OK with an entry of nothing.
  return found === undefined || (found.id === '' && found.fullPathName === '') ? null : entryOf(found);
}

/** Undefined when the server says that there is no such entry. */
async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Fault && error.code === `${AREA}.not_found`) return undefined;
    throw error;
  }
}

async function* list(
  calls: Calls,
  folder: string,
  freshness: Freshness,
  signal: AbortSignal,
): AsyncGenerator<FileEntry, void, undefined> {
  const request = { path: checkedPath(folder), forceRefresh: freshness === 'fresh' };
  for await (const { subFiles } of calls.stream(service.GetSubFiles, request, LISTING, signal)) {
    for (const file of subFiles) yield entryOf(file);
  }
}

/** Of the whole listing, because a folder may hold a million entries and its reader may be slow. */
const LISTING = { deadlineMs: 15 * 60_000, tries: 3 };

async function done(what: string, work: Promise<FileOperationResult__Output>): Promise<void> {
  const result = await work;
  mustSucceed(what, result, result.errorMessage);
}

function entryOf(file: CloudDriveFile__Output): FileEntry {
  return {
    path: file.fullPathName,
    name: file.name,
    isFolder: file.isDirectory,
    sizeBytes: file.size,
    modifiedAtMs: file.writeTime === null ? null : file.writeTime.seconds * 1000,
    hashes: hashesOf(file.fileHashes),
    isReadOnly: file.readOnly,
    isLocal: file.isLocal,
    cloud: file.CloudAPI === null ? null : file.CloudAPI.name,
  };
}

/** The template holds places for the scheme and the host that the server is reached by. */
function addressOf(template: string, { scheme, host }: Origin): string {
  const path = template.replace('{SCHEME}', scheme).replace('{HOST}', host).replace('{PREVIEW}', 'false');
  return `${scheme}://${host}${path}`;
}
