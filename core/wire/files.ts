/** Files that stay in the bucket: `/api/v1/files/…`. */
import * as z from 'zod';
import { FileName } from './upload.ts';

/** What a presigned URL may live: V4 signatures end after seven days. */
const EXPIRE_SECONDS_MAX = 604_800;
/** The most that a store takes in one request. */
const PUT_BYTES_MAX = 5 * 1024 ** 3;

/** A UUID, or any other name of letters, digits, `-` and `_`. */
export const TaskId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'a task is named by 1 to 64 letters, digits, - and _');
export const FileKind = z.enum(['scene', 'result']);
export type FileKind = z.infer<typeof FileKind>;
export const ContentType = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[\x21-\x7e]+(?:; ?[\x21-\x7e]+)*$/, 'a content type is plain ASCII');
export const ExpireSeconds = z.coerce.number().int().min(1).max(EXPIRE_SECONDS_MAX).default(3600);

export const FileSubject = z.object({
  task_id: TaskId,
  filename: FileName,
  file_type: FileKind.default('scene'),
  content_type: ContentType.default('application/octet-stream'),
});

export const CreateUploadUrl = FileSubject.extend({
  size: z.int().min(0).max(PUT_BYTES_MAX).optional().describe('bytes; told, no other size can be put'),
  expire_time: ExpireSeconds.describe('seconds'),
});

export const UploadUrlAnswer = z.object({
  upload_url: z.string(),
  method: z.literal('PUT'),
  headers: z.record(z.string(), z.string()).describe('to be sent as they are'),
  object_key: z.string(),
  expire_time: z.int(),
  expires_at: z.iso.datetime(),
});

export const DownloadUrlAnswer = z.object({
  download_url: z.string(),
  object_key: z.string(),
  filename: z.string(),
  expire_time: z.int(),
  expires_at: z.iso.datetime(),
});

export const FileInfo = z.object({
  object_key: z.string(),
  size: z.int().min(0),
  content_type: z.string(),
  last_modified: z.iso.datetime(),
  etag: z.string(),
});
export type FileInfo = z.infer<typeof FileInfo>;

export const UploadedFile = FileInfo.extend({
  url: z.string().describe('fetches the file for an hour'),
  filename: z.string(),
  task_id: z.string(),
});

export const FileRemoved = z.object({ message: z.string(), object_key: z.string() });
