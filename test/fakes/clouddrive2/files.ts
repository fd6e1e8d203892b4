/** Folders and files of the virtual tree, with the failures that come inside a reply that is OK. */
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import type { FileOperationResult } from '#proto/generated/clouddrive/FileOperationResult.ts';
import type { Caller } from './accounts.ts';
import type { Handlers } from './proto.ts';
import { notFound, notSupported, Refusal } from './refusal.ts';
import type { Serve } from './serve.ts';
import { nameOf, parentOf, realPath } from './tree.ts';
import type { World } from './world.ts';

type Names =
  | 'GetSubFiles'
  | 'FindFileByPath'
  | 'CreateFolder'
  | 'RenameFile'
  | 'MoveFile'
  | 'CopyFile'
  | 'DeleteFile'
  | 'DeleteFilePermanently'
  | 'GetSpaceInfo'
  | 'GetDownloadUrlPath';

const done: FileOperationResult = { success: true, errorMessage: '' };
const failed = (errorMessage: string): FileOperationResult => ({ success: false, errorMessage });

export function fileHandlers(world: World, serve: Serve): Handlers<Names> {
  const { tree, habits } = world;

  function relocate(
    { theFilePaths, destPath, conflictPolicy }: { theFilePaths: string[]; destPath: string; conflictPolicy?: string },
    { rootDir }: Caller,
    how: 'move' | 'copy',
  ): FileOperationResult {
    const folder = realPath(destPath, rootDir);
    if (tree.find(folder)?.kind !== 'folder') return failed(`${destPath} not found`);
    const results: string[] = [];
    for (const path of theFilePaths) {
      const from = realPath(path, rootDir);
      if (tree.find(from) === undefined) return failed(`${path} not found`);
      let to = `${folder}/${nameOf(from)}`;
      if (tree.find(to) !== undefined) {
        if (conflictPolicy === 'Skip') continue;
        if (conflictPolicy === 'Rename') to += ' (1)';
        else tree.remove(to);
      }
      tree.relocate(from, to, how);
      results.push(to);
    }
    return { ...done, resultFilePaths: results };
  }

  function remove({ path }: { path: string }, { rootDir }: Caller): FileOperationResult {
    const real = realPath(path, rootDir);
    if (tree.find(real) === undefined) return failed(`${path} not found`);
    tree.remove(real);
    return done;
  }

  return {
    GetSubFiles: serve.stream('GetSubFiles', async (call, { rootDir }) => {
      const real = realPath(call.request.path, rootDir);
      if (tree.find(real)?.kind !== 'folder') throw notFound(call.request.path);
      const waiting = world.backlog.paths().filter((path) => parentOf(path) === real);
      const entries = [
        ...tree.children(real).filter(({ path }) => !waiting.includes(path)),
        ...waiting.map((path) => world.backlog.find(path)).filter((entry) => entry !== undefined),
      ];
      const gone = new Promise<void>((resolve) => call.once('cancelled', () => resolve()));
      call.once('cancelled', () => world.events.emit('left'));
      for (let start = 0; start < entries.length && !call.cancelled; start += world.listBatch) {
        const batch = entries.slice(start, start + world.listBatch);
        world.events.emit('batch', start);
        if (call.write({ subFiles: batch.map((entry) => tree.describe(entry, rootDir)) })) continue;
        world.events.emit('blocked', start);
        await Promise.race([once(call, 'drain'), gone]);
      }
      call.end();
    }),
    FindFileByPath: serve.unary('FindFileByPath', ({ parentPath, path }, { rootDir }) => {
      const real = realPath(parentPath === '' ? path : `${parentPath}/${path}`, rootDir);
      const entry = world.backlog.find(real) ?? tree.find(real);
      if (entry !== undefined) return tree.describe(entry, rootDir);
      if (habits.has('a missing path is an empty entry')) return {};
      throw notFound(path);
    }),
    CreateFolder: serve.unary('CreateFolder', ({ parentPath, folderName }, { rootDir }) => {
      const parent = realPath(parentPath, rootDir);
      if (parent === '/' || parent.includes('\\')) throw notSupported('create_folder');
      tree.cloudOf(parent, 'create_folder');
      if (tree.find(parent)?.kind !== 'folder') return { result: failed(`parent ${parentPath} not found`) };
      const path = `${parent}/${folderName}`;
      if (tree.find(path) !== undefined) {
        const text = `folder ${folderName} already exists`;
        if (habits.has('an existing folder is an error of the call')) throw new Refusal(status.UNKNOWN, text);
        return { result: failed(text) };
      }
      const folderCreated = tree.describe(tree.addFolder(path), rootDir);
      world.events.emit('folder', path);
      return { folderCreated, result: done };
    }),
    RenameFile: serve.unary('RenameFile', ({ theFilePath, newName }, { rootDir }) => {
      const from = realPath(theFilePath, rootDir);
      if (tree.find(from) === undefined) return failed(`${theFilePath} not found`);
      const to = `${parentOf(from)}/${newName}`;
      if (tree.find(to) !== undefined) return failed(`${newName} already exists`);
      tree.relocate(from, to, 'move');
      return { ...done, resultFilePaths: [to] };
    }),
    MoveFile: serve.unary('MoveFile', (request, caller) => relocate(request, caller, 'move')),
    CopyFile: serve.unary('CopyFile', (request, caller) => relocate(request, caller, 'copy')),
    DeleteFile: serve.unary('DeleteFile', remove),
    DeleteFilePermanently: serve.unary('DeleteFilePermanently', remove),
    GetSpaceInfo: serve.unary('GetSpaceInfo', ({ path }, { rootDir }) => {
      const cloud = tree.cloudOf(realPath(path, rootDir), 'get_space_info');
      const usedSpace = tree.usedBytes(cloud);
      return { totalSpace: cloud.totalBytes, usedSpace, freeSpace: cloud.totalBytes - usedSpace };
    }),
    GetDownloadUrlPath: serve.unary('GetDownloadUrlPath', ({ path, get_direct_url }, { rootDir }) => {
      if (tree.find(realPath(path, rootDir))?.kind !== 'file') throw notFound(path);
      return {
        downloadUrlPath: `/static/{SCHEME}/{HOST}/{PREVIEW}/?path=${encodeURIComponent(path)}`,
        expiresIn: 3600,
        ...(get_direct_url ? { directUrl: 'https://cdn.example/f?sign=s', userAgent: 'cd2' } : {}),
      };
    }),
  };
}
