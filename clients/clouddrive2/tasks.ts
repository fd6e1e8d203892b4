/** The server's list of uploads of every kind, and its brakes. */
import type { UploadFileInfo__Output } from '#proto/generated/clouddrive/UploadFileInfo.ts';
import { type Calls, QUICK } from './calls.ts';
import { service } from './interface.ts';
import { type UploadState, uploadStateOf, uploadStateOfText } from './statuses.ts';

export type TaskOrigin = 'mount' | 'copy' | 'backup' | 'remote-upload';

export interface TransferTask {
  readonly key: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** That the cloud has, not only the server. */
  readonly transferredBytes: number;
  readonly state: UploadState;
  readonly errorMessage: string;
  readonly origin: TaskOrigin;
}

export interface TaskFilter {
  /** Part of the file's name. */
  readonly name?: string;
  readonly origin?: TaskOrigin;
}

export interface TransferTasks {
  /** Page by page, while they are wanted. The list may change in between: a task may come twice or be missed. */
  taskList(filter: TaskFilter, signal: AbortSignal): AsyncGenerator<TransferTask, void, undefined>;
  taskPause(keys: readonly string[], signal: AbortSignal): Promise<void>;
  taskResume(keys: readonly string[], signal: AbortSignal): Promise<void>;
  taskCancel(keys: readonly string[], signal: AbortSignal): Promise<void>;
}

const PAGE = 100;
/** Ends the list of a server that answers every page number with a full page. */
const PAGES_MAX = 10_000;

export function tasksOver(calls: Calls): TransferTasks {
  const control = async (
    method: typeof service.PauseUploadFiles,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<void> => {
    await calls.unary(method, { keys: [...keys] }, QUICK, signal);
  };
  return {
    taskList: (filter, signal) => list(calls, filter, signal),
    taskPause: (keys, signal) => control(service.PauseUploadFiles, keys, signal),
    taskResume: (keys, signal) => control(service.ResumeUploadFiles, keys, signal),
    taskCancel: (keys, signal) => control(service.CancelUploadFiles, keys, signal),
  };
}

export function taskOf(info: UploadFileInfo__Output): TransferTask {
  // The first state is 0, which is also what an old server sends by not sending it: its text tells them apart.
  const isUntold = info.statusEnum === 'WaitforPreprocessing' && info.status !== '';
  const told = isUntold ? uploadStateOfText(info.status) : 'unknown';
  return {
    key: info.key,
    path: info.destPath,
    sizeBytes: info.size,
    transferredBytes: info.transferedBytes,
    state: told === 'unknown' ? uploadStateOf(info.statusEnum) : told,
    errorMessage: info.errorMessage,
    origin: ORIGINS[info.operatorType] ?? 'mount',
  };
}

async function* list(
  calls: Calls,
  { name = '', origin }: TaskFilter,
  signal: AbortSignal,
): AsyncGenerator<TransferTask, void, undefined> {
  for (let pageNumber = 0; pageNumber < PAGES_MAX; pageNumber += 1) {
    const page = await calls.unary(
      service.GetUploadFileList,
      {
        itemsPerPage: PAGE,
        pageNumber,
        filter: name,
        ...(origin === undefined ? {} : { operatorTypeFilter: OPERATORS[origin] }),
      },
      QUICK,
      signal,
    );
    yield* page.uploadFiles.map(taskOf);
    if (page.uploadFiles.length < PAGE) return;
  }
}

const OPERATORS = {
  mount: 'Mount',
  copy: 'Copy',
  backup: 'BackupFile',
  'remote-upload': 'RemoteUpload',
} as const;

const ORIGINS: Readonly<Record<string, TaskOrigin>> = {
  Mount: 'mount',
  Copy: 'copy',
  BackupFile: 'backup',
  RemoteUpload: 'remote-upload',
};
