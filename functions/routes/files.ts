/** Files that stay in the bucket: put through us when they are small, else by presigned URL; fetched, looked at, removed. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Fault } from '#core/fault.ts';
import {
  downloadUrl,
  type FileDesk,
  type Found,
  findByKey,
  findByTask,
  removeFile,
  storeFile,
  uploadUrl,
} from '#core/files/desk.ts';
import {
  CreateUploadUrl,
  DownloadUrlAnswer,
  ExpireSeconds,
  FileInfo,
  FileKind,
  FileRemoved,
  FileSubject,
  TaskId,
  UploadedFile,
  UploadUrlAnswer,
} from '#core/wire/files.ts';
import { isoTime } from '#core/wire/time.ts';
import { FileName } from '#core/wire/upload.ts';
import type { Api, ApiDeps, ApiEnv } from '../api.ts';
import { onTooLarge } from '../errors.ts';
import { type FileForm, openFileForm } from '../file-form.ts';
import { requireOwner } from '../identity.ts';
import { answers, body, secured } from '../openapi.ts';
import { viewerOf } from './companion.ts';

export interface FileDeps {
  readonly desk: FileDesk;
  /** Of a file that comes through us. */
  readonly uploadBytesMax: number;
}

/** Each holds up to 16 MiB. */
const UPLOADS_AT_ONCE = 4;
/**
 * Of this process, whichever app has taken them: a Worker has one for each request. There a request that is canceled never comes to its
 * end, so that each place has one of its own.
 */
const underWay = new Set<{ readonly endMs: number }>();
const UPLOAD_MS = 15 * 60_000;
const JSON_MAX_BYTES = 16 * 1024;
const URL_SECONDS = 3_600;

const byKey = z.object({ key: z.string().max(1_024) });
const downloadQuery = z.object({
  expire_time: ExpireSeconds,
  file_type: FileKind.optional().describe('told, only a file of this kind is found'),
  save_as: FileName.optional().describe('the name under which a browser saves it'),
});
const downloadByKey = byKey.extend({ expire_time: ExpireSeconds, filename: FileName.optional() });

const ROOT = '/api/v1/files';
const uploadForm = z.object({
  task_id: TaskId.optional().describe('before the file, or in the query'),
  file_type: FileKind.optional(),
  filename: FileName.optional().describe("else the file part's own"),
  content_type: z.string().optional(),
  file: z.string().describe('the file; the last field').meta({ format: 'binary' }),
});

/** Mounted before the routes that take JSON alone: a file is larger than those bodies may be. */
export function fileRoutes(app: Api, deps: ApiDeps, { desk, uploadBytesMax }: FileDeps): void {
  app.use(`${ROOT}/*`, requireOwner(deps.authenticate));

  app.openAPIRegistry.registerPath(
    createRoute({
      method: 'post',
      path: `${ROOT}/upload`,
      summary: 'Put a small file through us; a large one goes by an upload URL',
      ...secured,
      request: {
        query: FileSubject.partial(),
        body: { required: true, content: { 'multipart/form-data': { schema: uploadForm } } },
      },
      responses: answers(201, UploadedFile),
    }),
  );
  app.post(`${ROOT}/upload`, async (c) => {
    const now = deps.engine.clock.now();
    for (const one of underWay) if (one.endMs <= now) underWay.delete(one);
    if (underWay.size >= UPLOADS_AT_ONCE) {
      throw new Fault(
        'throttled',
        'file.too_many',
        `${UPLOADS_AT_ONCE} files are being put: try again, or by upload URL`,
      );
    }
    const place = { endMs: now + UPLOAD_MS };
    underWay.add(place);
    try {
      return await takeForm(c);
    } finally {
      underWay.delete(place);
    }
  });

  async function takeForm(c: Context<ApiEnv>): Promise<Response> {
    const form = await openFileForm(c.req.raw);
    try {
      const {
        task_id: taskId,
        filename: name,
        file_type: kind,
        content_type: contentType,
      } = subjectOf(form, c.req.query());
      const file = { taskId, name, kind, contentType };
      const found = await storeFile(desk, c.get('ownerId'), file, form.file, uploadBytesMax);
      const { url } = await downloadUrl(desk, c.get('ownerId'), found, name, {
        ttlSeconds: URL_SECONDS,
        ...viewerOf(c),
      });
      return c.json({ url, filename: name, task_id: taskId, ...infoOf(found) }, 201);
    } finally {
      await form.close();
    }
  }

  app.openapi(
    createRoute({
      method: 'post',
      path: `${ROOT}/upload-url`,
      summary: 'A presigned PUT for one file',
      ...secured,
      middleware: bodyLimit({ maxSize: JSON_MAX_BYTES, onError: onTooLarge }),
      request: { body: body(CreateUploadUrl) },
      responses: answers(200, UploadUrlAnswer),
    }),
    async (c) => {
      const asked = c.req.valid('json');
      const file = {
        taskId: asked.task_id,
        name: asked.filename,
        kind: asked.file_type,
        contentType: asked.content_type,
        sizeBytes: asked.size ?? null,
      };
      const life = { ttlSeconds: asked.expire_time, ...viewerOf(c) };
      const { url, headers, expiresAtMs, objectKey } = await uploadUrl(desk, c.get('ownerId'), file, life);
      const ends = { expire_time: asked.expire_time, expires_at: isoTime(expiresAtMs) };
      return c.json(
        { upload_url: url, method: 'PUT' as const, headers: { ...headers }, object_key: objectKey, ...ends },
        200,
      );
    },
  );

  async function downloadAnswer(c: Context<ApiEnv>, found: Found, filename: string, ttlSeconds: number) {
    const life = { ttlSeconds, ...viewerOf(c) };
    const { url, expiresAtMs } = await downloadUrl(desk, c.get('ownerId'), found, filename, life);
    const ends = { expire_time: ttlSeconds, expires_at: isoTime(expiresAtMs) };
    return { download_url: url, object_key: found.objectKey, filename, ...ends };
  }

  app.openapi(
    createRoute({
      method: 'get',
      path: `${ROOT}/download/{task_id}/{filename}`,
      summary: 'A presigned GET of the newest file of this task and name',
      ...secured,
      request: { params: z.object({ task_id: TaskId, filename: FileName }), query: downloadQuery },
      responses: answers(200, DownloadUrlAnswer),
    }),
    async (c) => {
      const { task_id: taskId, filename: name } = c.req.valid('param');
      const { expire_time: ttlSeconds, file_type: kind, save_as: saveAs } = c.req.valid('query');
      const found = await findByTask(desk, c.get('ownerId'), { taskId, name, kind: kind ?? null });
      return c.json(await downloadAnswer(c, found, saveAs ?? name, ttlSeconds), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: `${ROOT}/download`,
      summary: 'A presigned GET of a file by its key',
      ...secured,
      request: { query: downloadByKey },
      responses: answers(200, DownloadUrlAnswer),
    }),
    async (c) => {
      const { key, filename, expire_time: ttlSeconds } = c.req.valid('query');
      const found = await findByKey(desk, c.get('ownerId'), key);
      return c.json(await downloadAnswer(c, found, filename ?? found.place.name, ttlSeconds), 200);
    },
  );

  const info = async (c: Context<ApiEnv>, key: string) =>
    c.json(infoOf(await findByKey(desk, c.get('ownerId'), key)), 200);
  const remove = async (c: Context<ApiEnv>, key: string) => {
    await removeFile(desk, c.get('ownerId'), key);
    return c.json({ message: '文件已删除', object_key: key }, 200);
  };
  const looking = { summary: 'Size, type and time of a file', ...secured, responses: answers(200, FileInfo) };
  const removing = { summary: 'Remove a file', ...secured, responses: answers(200, FileRemoved) };
  const inQuery = { request: { query: byKey } };
  const inPath = { request: { params: z.object({ object_key: z.string() }) } };
  app.openapi(createRoute({ method: 'get', path: `${ROOT}/info`, ...looking, ...inQuery }), (c) =>
    info(c, c.req.valid('query').key),
  );
  app.openapi(createRoute({ method: 'delete', path: ROOT, ...removing, ...inQuery }), (c) =>
    remove(c, c.req.valid('query').key),
  );
  // A key has slashes, of which a described parameter would take none.
  app.openAPIRegistry.registerPath(
    createRoute({ method: 'get', path: `${ROOT}/info/{object_key}`, ...looking, ...inPath }),
  );
  app.get(`${ROOT}/info/:object_key{.+}`, (c) => info(c, c.req.param('object_key')));
  app.openAPIRegistry.registerPath(
    createRoute({ method: 'delete', path: `${ROOT}/{object_key}`, ...removing, ...inPath }),
  );
  app.delete(`${ROOT}/:object_key{.+}`, (c) => remove(c, c.req.param('object_key')));
}

/** The form's fields first, then the query, then what the file's part says of itself. */
function subjectOf(form: FileForm, query: Readonly<Record<string, string>>): z.output<typeof FileSubject> {
  const said = (name: string, itself?: string) => form.fields.get(name) || query[name] || itself;
  const subject = FileSubject.safeParse({
    task_id: said('task_id'),
    filename: said('filename', form.fileName),
    file_type: said('file_type'),
    content_type: said('content_type', form.contentType),
  });
  if (subject.success) return subject.data;
  const issue = subject.error.issues[0];
  const hint = form.fields.has('task_id') ? '' : ' (fields come before the file)';
  throw new Fault(
    'rejected',
    'request.invalid',
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}${hint}`,
  );
}

function infoOf({ objectKey, head }: Found): FileInfo {
  return {
    object_key: objectKey,
    size: head.sizeBytes,
    content_type: head.contentType,
    last_modified: isoTime(head.modifiedAtMs),
    etag: head.version,
  };
}
