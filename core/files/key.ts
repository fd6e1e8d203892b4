/**
 * Keys of files: `scenes/YYYYMMDD/task/name` as their owner says them; in the bucket they lie below a folder of that owner, so that
 * nobody can name what is another's.
 */
import { type FileKind, TaskId } from '#core/wire/files.ts';
import { FileName } from '#core/wire/upload.ts';

/** The first folder of a key, by what is in it. */
export type FileFolders = Readonly<Record<FileKind, string>>;

export interface FilePlace {
  readonly kind: FileKind;
  /** `YYYYMMDD`, of UTC. */
  readonly date: string;
  readonly taskId: string;
  readonly name: string;
}

export function objectKeyOf(folders: FileFolders, { kind, date, taskId, name }: FilePlace): string {
  return `${folders[kind]}/${date}/${taskId}/${name}`;
}

/** Null for everything that `objectKeyOf` would not have made: `..`, empty segments, other folders. */
export function placeOf(folders: FileFolders, objectKey: string): FilePlace | null {
  const [folder, date = '', task, file, ...more] = objectKey.split('/');
  const kind = (['scene', 'result'] as const).find((each) => folders[each] === folder);
  const taskId = TaskId.safeParse(task);
  const name = FileName.safeParse(file);
  if (kind === undefined || !/^\d{8}$/.test(date) || !taskId.success || !name.success || more.length > 0) return null;
  return { kind, date, taskId: taskId.data, name: name.data };
}

export function bucketKeyOf(ownerId: string, objectKey: string): string {
  return `files/${encodeURIComponent(ownerId)}/${objectKey}`;
}
