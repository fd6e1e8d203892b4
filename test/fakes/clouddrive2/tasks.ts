/** The list of uploads of all kinds, in pages from 0. */
import { status } from '@grpc/grpc-js';
import type { UploadFileInfo } from '#proto/generated/clouddrive/UploadFileInfo.ts';
import type { Desk } from './desk.ts';
import type { Handlers } from './proto.ts';
import { Refusal } from './refusal.ts';
import type { Serve } from './serve.ts';
import { nameOf } from './tree.ts';
import type { World } from './world.ts';

type Names =
  | 'GetUploadFileList'
  | 'GetUploadFileCount'
  | 'GetAllTasksCount'
  | 'CancelUploadFiles'
  | 'PauseUploadFiles'
  | 'ResumeUploadFiles';

export interface Tasks {
  readonly handlers: Handlers<Names>;
  all(): readonly UploadFileInfo[];
}

export function tasks(world: World, serve: Serve, desk: Desk): Tasks {
  function all(): readonly UploadFileInfo[] {
    const remote = desk.uploads().map(
      (one): UploadFileInfo => ({
        key: one.id,
        destPath: one.path,
        size: one.sizeBytes,
        transferedBytes: one.receivedBytes,
        status: one.status,
        errorMessage: one.errorMessage,
        operatorType: 'RemoteUpload',
        statusEnum: one.status,
      }),
    );
    const list = [...remote, ...world.backlog.tasks()];
    if (!world.habits.has('tasks have text only')) return list;
    return list.map(({ statusEnum: _, operatorType: __, ...rest }) => rest);
  }
  const controlled = (what: 'cancel' | 'pause' | 'resume') => (request: { keys: string[] }) => {
    for (const key of request.keys) desk.control(key, what);
    return {};
  };

  return {
    all,
    handlers: {
      GetUploadFileList: serve.unary('GetUploadFileList', (request) => {
        if (request.getAll) throw new Refusal(status.INVALID_ARGUMENT, 'getAll is not supported');
        const found = all().filter(
          (one) =>
            nameOf(one.destPath ?? '').includes(request.filter) &&
            (request.statusFilter === undefined || one.statusEnum === request.statusFilter) &&
            (request.operatorTypeFilter === undefined || one.operatorType === request.operatorTypeFilter),
        );
        const start = request.pageNumber * request.itemsPerPage;
        return {
          totalCount: all().length,
          totalCountFiltered: found.length,
          uploadFiles: found.slice(start, start + request.itemsPerPage),
        };
      }),
      GetUploadFileCount: serve.unary('GetUploadFileCount', () => ({ fileCount: all().length })),
      GetAllTasksCount: serve.unary('GetAllTasksCount', () => ({ uploadCount: all().length })),
      CancelUploadFiles: serve.unary('CancelUploadFiles', controlled('cancel')),
      PauseUploadFiles: serve.unary('PauseUploadFiles', controlled('pause')),
      ResumeUploadFiles: serve.unary('ResumeUploadFiles', controlled('resume')),
    },
  };
}
