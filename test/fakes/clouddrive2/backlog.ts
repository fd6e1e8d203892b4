/** Files that the server has on its own disk, closed, and has not sent to a cloud yet. Its tree shows them all the same. */
import type { UploadFileInfo } from '#proto/generated/clouddrive/UploadFileInfo.ts';
import type { Habit } from './habits.ts';
import type { Entry, Tree } from './tree.ts';

export interface Backlog {
  put(path: string, content: Buffer): void;
  find(path: string): Entry | undefined;
  /** Whether anything was there. */
  move(from: string, to: string): boolean;
  remove(path: string): boolean;
  paths(): readonly string[];
  tasks(): readonly UploadFileInfo[];
  /** All of them reach their clouds, or fail there. */
  flush(): void;
}

interface Waiting {
  readonly key: string;
  readonly content: Buffer;
  readonly writtenAtMs: number;
}

export function backlog(cloudTree: Tree, habits: ReadonlySet<Habit>, now: () => number, changed: () => void): Backlog {
  const waiting = new Map<string, Waiting>();
  const ended: UploadFileInfo[] = [];
  let count = 0;

  const taskOf = (path: string, { key, content }: Waiting, status: 'Inqueue' | 'Finish' | 'Error'): UploadFileInfo => ({
    key,
    destPath: path,
    size: content.length,
    transferedBytes: status === 'Finish' ? content.length : 0,
    status,
    errorMessage: status === 'Error' ? 'quota exceeded' : '',
    operatorType: 'Mount',
    statusEnum: status,
  });

  return {
    put: (path, content) => {
      count += 1;
      waiting.set(path, { key: `task-${count}`, content, writtenAtMs: now() });
      changed();
    },
    find: (path) => {
      const one = waiting.get(path);
      if (one === undefined) return undefined;
      const { content, writtenAtMs } = one;
      return { path, kind: 'file', sizeBytes: content.length, hashes: {}, content, writtenAtMs, isLocal: true };
    },
    move: (from, to) => {
      const one = waiting.get(from);
      if (one === undefined) return false;
      waiting.delete(from);
      waiting.set(to, one);
      changed();
      return true;
    },
    remove: (path) => waiting.delete(path),
    paths: () => [...waiting.keys()],
    tasks: () => [...ended, ...[...waiting].map(([path, one]) => taskOf(path, one, 'Inqueue'))],
    flush: () => {
      for (const [path, one] of waiting) {
        if (habits.has('the cloud is full')) {
          ended.push(taskOf(path, one, 'Error'));
          continue;
        }
        cloudTree.addFile({ path, sizeBytes: one.content.length, hashes: {}, content: one.content });
        if (habits.has('finished tasks stay in the list')) ended.push(taskOf(path, one, 'Finish'));
      }
      waiting.clear();
      changed();
    },
  };
}
