/** Files that stay in the bucket, on a store that speaks S3 and on OSS: the same routes, over real sockets to the store. */
import { randomBytes } from 'node:crypto';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ossFiles } from '#adapters/oss/files.ts';
import { ossMultipartIntake } from '#adapters/oss/multipart.ts';
import { s3Files } from '#adapters/s3/files.ts';
import { s3MultipartIntake } from '#adapters/s3/multipart.ts';
import { ossClient } from '#clients/oss/client.ts';
import { s3Client } from '#clients/s3/client.ts';
import { type FileDesk, storeFile } from '#core/files/desk.ts';
import { sweepUnfinished } from '#core/files/unfinished.ts';
import type { Clock } from '#core/ports/clock.ts';
import { DownloadUrlAnswer, FileInfo, FileRemoved, UploadedFile, UploadUrlAnswer } from '#core/wire/files.ts';
import { type Api, createApi } from '../../functions/api.ts';
import { BUCKET, CREDENTIAL, REGION, startHarness } from '../bucket/support.ts';
import { startFakeOss } from '../fakes/oss/server.ts';
import { KEYS } from '../providers/oss/rig.ts';
import { expectError } from './expect-error.ts';
import { type Answer, type ApiRig, apiRig, OTHER_TOKEN, TOKEN } from './rig.ts';

const MIB = 1024 * 1024;
const UPLOAD_BYTES_MAX = 9 * MIB;
const TASK = '0b7e1f1e-6a4e-4b7e-9d0a-0f6f5a4d3c2b';
const FOLDERS = { scene: 'scenes', result: 'results' };

interface Store extends Pick<FileDesk, 'files' | 'multipart'> {
  readonly keys: () => Promise<readonly string[]>;
  readonly unfinished: () => Promise<number>;
  close(): Promise<void>;
}

async function s3(clock: Clock): Promise<Store> {
  const harness = await startHarness();
  const config = { ...CREDENTIAL, endpoint: harness.server.url, region: REGION, forcePathStyle: true, bucket: BUCKET };
  const client = s3Client(config);
  return {
    files: s3Files(client, { ...config, clock }),
    multipart: s3MultipartIntake(client, { ...config, clock }),
    keys: async () => (await harness.server.source.list({ prefix: '', limit: 100 })).map(({ key }) => key),
    unfinished: async () =>
      (await harness.s3.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }))).Uploads?.length ?? 0,
    close: async () => {
      client.destroy();
      await harness.stop();
    },
  };
}

async function oss(clock: Clock): Promise<Store> {
  const fake = await startFakeOss({ keys: [KEYS] });
  const { endpoint, region, bucket } = fake;
  const config = { endpoint, region, bucket, credentials: async () => KEYS, forcePathStyle: true };
  const client = ossClient(config);
  return {
    files: ossFiles(client, { ...config, clock }),
    multipart: ossMultipartIntake(client, { ...config, clock }),
    keys: async () => [...fake.store.objects.keys()],
    unfinished: async () => fake.store.uploads.size,
    close: async () => {
      client.close();
      await fake.close();
    },
  };
}

describe.each([
  ['S3', s3],
  ['OSS', oss],
])('files on %s', (_, open) => {
  let rig: ApiRig;
  let store: Store;
  let api: Api;

  beforeEach(async () => {
    rig = await apiRig();
    store = await open(rig.engine.clock);
    api = anApp();
  });
  afterEach(async () => {
    await store.close();
    await rig[Symbol.asyncDispose]();
  });

  function anApp(): Api {
    const { clock, cells } = rig.engine;
    return createApi({
      engine: rig.engine,
      intake: rig.intake,
      authenticate: (token) =>
        new Map([
          [TOKEN, 'local'],
          [OTHER_TOKEN, 'a/b'],
        ]).get(token) ?? null,
      issueTicket: () => ({ ticket: 'ticket', expiresAtMs: 0 }),
      files: { desk: { ...store, cells, clock, folders: FOLDERS }, uploadBytesMax: UPLOAD_BYTES_MAX },
    });
  }

  async function call(method: string, path: string, body?: unknown, token = TOKEN): Promise<Answer> {
    // As bytes: the stream that a form makes of itself cannot be given up half way.
    const form = body instanceof FormData ? new Response(body) : null;
    const type = form === null ? 'application/json' : (form.headers.get('content-type') ?? '');
    const answer = await api.request(`/api/v1/files${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body: form === null ? JSON.stringify(body) : await form.bytes() }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) };
  }
  function form(bytes: Uint8Array, fields: Readonly<Record<string, string>> = {}, name = 'scene.ma') {
    const made = new FormData();
    for (const [field, value] of Object.entries({ task_id: TASK, ...fields })) made.append(field, value);
    made.append('file', new Blob([new Uint8Array(bytes)], { type: 'model/ma' }), name);
    return made;
  }
  async function upload(bytes: Uint8Array, fields = {}, name = 'scene.ma') {
    const answer = await call('POST', '/upload', form(bytes, fields, name));
    expect(answer.status, answer.text).toBe(201);
    return UploadedFile.strict().parse(answer.body);
  }
  const fetched = async (url: string) => Buffer.from(await (await fetch(url)).arrayBuffer());
  const today = () => new Date(rig.engine.clock.now()).toISOString().slice(0, 10).replaceAll('-', '');

  it.each([0, 1, 8 * MIB, 8 * MIB + 1])('%i bytes come through us as they are, and are looked at', async (size) => {
    const bytes = randomBytes(size);
    const uploaded = await upload(bytes);
    const key = `scenes/${today()}/${TASK}/scene.ma`;
    expect(uploaded).toMatchObject({
      object_key: key,
      size,
      content_type: 'model/ma',
      filename: 'scene.ma',
      task_id: TASK,
    });
    expect((await fetched(uploaded.url)).equals(bytes)).toBe(true);
    const info = await call('GET', `/info/${key}`);
    expect(FileInfo.strict().parse(info.body)).toMatchObject({ object_key: key, size, content_type: 'model/ma' });
    expect(await store.keys()).toEqual([`files/local/${key}`]);
    expect(await store.unfinished()).toBe(0);
  });

  it('a file that is too large leaves nothing, not even parts', async () => {
    const answer = await call('POST', '/upload', form(randomBytes(UPLOAD_BYTES_MAX + 1)));
    expectError(answer, 413, 'file.too_large');
    expect([await store.keys(), await store.unfinished()]).toEqual([[], 0]);
  });

  it('four at a time come through a process, however many apps it has; who never ends has a place for a quarter of an hour', async () => {
    const hanging = Array.from({ length: 4 }, () => {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'multipart/form-data; boundary=b' };
      const init = { method: 'POST', headers, body: readable, duplex: 'half' as const };
      return { writable, answer: anApp().request('/api/v1/files/upload', init) };
    });
    expectError(await call('POST', '/upload', form(randomBytes(3))), 429, 'file.too_many');
    rig.jump(15 * 60_000);
    await upload(randomBytes(3));
    for (const { writable } of hanging) await writable.close();
    for (const { answer } of hanging) expect((await answer).status).toBe(400);
  });

  it('parts that a death left behind are given up a day later, and not before', async () => {
    const { cells, clock } = rig.engine;
    const abort = async () => Promise.reject(new Error('dead'));
    const desk = { ...store, cells, clock, folders: FOLDERS };
    const dying = { ...desk, multipart: { ...store.multipart, abort } };
    async function* body() {
      yield new Uint8Array(9 * MIB);
      throw new Error('the client is gone');
    }
    const file = { taskId: TASK, name: 'a.ma', kind: 'scene', contentType: 'a/b' } as const;
    await expect(storeFile(dying, 'local', file, body(), UPLOAD_BYTES_MAX)).rejects.toThrow('the client is gone');
    expect(await sweepUnfinished(desk)).toBe(0);
    expect(await store.unfinished()).toBe(1);
    rig.jump(24 * 60 * 60_000);
    expect(await sweepUnfinished(desk)).toBe(1);
    expect(await store.unfinished()).toBe(0);
    expect(await sweepUnfinished(desk)).toBe(0);
  });

  it('a form names the kind, the name and the type, in fields, in the query, or in the part of the file', async () => {
    const uploaded = await upload(randomBytes(3), {
      file_type: 'result',
      filename: '渲染 1.exr',
      content_type: 'image/x-exr',
    });
    expect(uploaded).toMatchObject({ filename: '渲染 1.exr', content_type: 'image/x-exr' });
    expect(uploaded.object_key).toBe(`results/${today()}/${TASK}/渲染 1.exr`);
    const bare = new FormData();
    bare.append('file', new Blob(['x']), 'he said "hi" 50%.txt');
    const answer = await call('POST', `/upload?task_id=t-1&file_type=result`, bare);
    expect(answer.body).toMatchObject({ filename: 'he said "hi" 50%.txt', task_id: 't-1' });
  });

  it.each([
    ['no task', { task_id: '' }, 'a.ma'],
    ['a task that climbs', { task_id: '..' }, 'a.ma'],
    ['a name that climbs', { filename: '../../b' }, 'a.ma'],
    ['another kind', { file_type: 'texture' }, 'a.ma'],
    ['a type with a line break', { content_type: 'a/b\r\nx: y' }, 'a.ma'],
  ])('a form with %s is refused, and nothing is put', async (__, fields, name) => {
    expectError(await call('POST', '/upload', form(randomBytes(3), fields, name)), 400, 'request.invalid');
    expect(await store.keys()).toEqual([]);
  });

  it('what is no form, ends in the middle, or says the task after the file is refused', async () => {
    expectError(await call('POST', '/upload', { task_id: TASK }), 400, 'request.invalid');
    const head =
      '--b\r\ncontent-disposition: form-data; name="task_id"\r\n\r\nt\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n';
    for (const body of [`${head}half`, '--b--\r\n', 'nothing']) {
      const answer = await api.request('/api/v1/files/upload', {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'multipart/form-data; boundary=b' },
        body,
      });
      expect([answer.status, ((await answer.json()) as any).error.code]).toEqual([400, 'request.invalid']);
    }
    const late = new FormData();
    late.append('file', new Blob(['x']), 'a.ma');
    late.append('task_id', TASK);
    expect(expectError(await call('POST', '/upload', late), 400, 'request.invalid')).toContain('before the file');
    expect(await store.keys()).toEqual([]);
  });

  it('an upload URL takes exactly the file it was made for; then it is found by its task and name', async () => {
    const bytes = randomBytes(5);
    const asked = {
      task_id: TASK,
      filename: '结果 #1?.exr',
      file_type: 'result',
      content_type: 'image/x-exr',
      size: 5,
    };
    const answer = await call('POST', '/upload-url', asked);
    expect(answer.status, answer.text).toBe(200);
    const ticket = UploadUrlAnswer.strict().parse(answer.body);
    expect(ticket).toMatchObject({ method: 'PUT', expire_time: 3600, headers: { 'content-type': 'image/x-exr' } });
    const put = (body: Uint8Array<ArrayBuffer>, headers = ticket.headers) =>
      fetch(ticket.upload_url, { method: 'PUT', headers, body });
    const path = `/download/${TASK}/${encodeURIComponent(asked.filename)}`;
    expectError(await call('GET', path), 404, 'file.unknown');
    expect((await put(new Uint8Array(6))).status).toBe(403);
    expect((await put(new Uint8Array(bytes), { 'content-type': 'text/html' })).status).toBe(403);
    expect((await put(new Uint8Array(bytes))).status).toBe(200);
    const found = DownloadUrlAnswer.strict().parse((await call('GET', path)).body);
    expect(found).toMatchObject({ object_key: ticket.object_key, filename: asked.filename, expire_time: 3600 });
    expect((await fetched(found.download_url)).equals(bytes)).toBe(true);
  });

  it('a download has the name that was asked for, and its URL ends when it was told to', async () => {
    const { object_key: key } = await upload(Buffer.from('content'));
    const path = `/download/${TASK}/scene.ma?expire_time=60&save_as=${encodeURIComponent('别名 "1".ma')}`;
    const found = DownloadUrlAnswer.parse((await call('GET', path)).body);
    expect(Date.parse(found.expires_at) - rig.engine.clock.now()).toBeLessThanOrEqual(60_000);
    const answer = await fetch(found.download_url);
    expect(answer.headers.get('content-disposition')).toBe(
      `attachment; filename="__ _1_.ma"; filename*=UTF-8''%E5%88%AB%E5%90%8D%20%221%22.ma`,
    );
    expect(await answer.text()).toBe('content');
    rig.jump(-3_700_000);
    const old = await call('GET', `/download?key=${encodeURIComponent(key)}&expire_time=60`);
    expect((await fetch(DownloadUrlAnswer.parse(old.body).download_url)).status).toBe(403);
  });

  it.each(['0', '-1', '604801', '1.5', 'soon'])('refuses a life of %s seconds', async (life) => {
    await upload(randomBytes(1));
    expectError(await call('GET', `/download/${TASK}/scene.ma?expire_time=${life}`), 400, 'request.invalid');
    const asked = { task_id: TASK, filename: 'a', expire_time: life };
    expectError(await call('POST', '/upload-url', asked), 400, 'request.invalid');
  });

  it('of a name on two days and of two kinds the newest is found, and the older when that is removed', async () => {
    const old = await upload(Buffer.from('old'));
    rig.jump(24 * 60 * 60_000);
    const result = await upload(Buffer.from('result'), { file_type: 'result' });
    const find = async (query = '') =>
      ((await call('GET', `/download/${TASK}/scene.ma${query}`)).body as any).object_key;
    expect(old.object_key).not.toContain(today());
    expect(await find()).toBe(result.object_key);
    expect(await find('?file_type=scene')).toBe(old.object_key);
    expect((await call('DELETE', `/${result.object_key}`)).status).toBe(200);
    expect(await find()).toBe(old.object_key);
  });

  it.each([
    ['in the path', (key: string) => `/${key.split('/').map(encodeURIComponent).join('/')}`],
    ['in the path, its slashes encoded', (key: string) => `/${encodeURIComponent(key)}`],
    ['in the query', (key: string) => `?key=${encodeURIComponent(key)}`],
  ])('a file is removed by its key %s, once', async (__, at) => {
    const { object_key: key } = await upload(randomBytes(2), {}, '100% a+b.ma');
    const path = at(key);
    const info = `/info${path}`;
    expect((await call('GET', info)).status).toBe(200);
    const removed = await call('DELETE', path);
    expect(FileRemoved.strict().parse(removed.body)).toEqual({ message: '文件已删除', object_key: key });
    expect(await store.keys()).toEqual([]);
    for (const [method, again] of [
      ['DELETE', path],
      ['GET', info],
    ] as const) {
      expectError(await call(method, again), 404, 'file.unknown');
    }
    expectError(await call('GET', `/download/${TASK}/${encodeURIComponent('100% a+b.ma')}`), 404, 'file.unknown');
  });

  it('what is somebody else’s, or not among the files, cannot be named', async () => {
    const { object_key: key } = await upload(randomBytes(1));
    const names = [
      key,
      `files/local/${key}`,
      `..%2Flocal%2F${encodeURIComponent(key)}`,
      `scenes%2F..%2F..%2Flocal%2F${encodeURIComponent(key)}`,
    ];
    for (const name of names) {
      for (const [method, path] of [
        ['GET', `/info/${name}`],
        ['DELETE', `/${name}`],
      ] as const) {
        expectError(await call(method, path, undefined, OTHER_TOKEN), 404, 'file.unknown');
      }
    }
    for (const path of [`/download/${TASK}/scene.ma`, `/download?key=${encodeURIComponent(key)}`]) {
      expectError(await call('GET', path, undefined, OTHER_TOKEN), 404, 'file.unknown');
    }
    for (const name of ['staging/x', 'inbox/folder/a', 'scenes/20250101/t', 'scenes//t/a', 'scenes/20250101/t/a/b']) {
      expectError(await call('GET', `/info?key=${encodeURIComponent(name)}`), 404, 'file.unknown');
    }
    const mine = await call('POST', '/upload', form(randomBytes(1)), OTHER_TOKEN);
    expect(mine.body).toMatchObject({ object_key: key });
    expect((await store.keys()).toSorted()).toEqual([`files/a%2Fb/${key}`, `files/local/${key}`]);
  });

  it.each([
    ['POST', '/upload'],
    ['POST', '/upload-url'],
    ['GET', '/download/t/n'],
    ['GET', '/download'],
    ['GET', '/info/k'],
    ['GET', '/info'],
    ['DELETE', '/k'],
    ['DELETE', ''],
  ])('%s %s needs a token, and is described', async (method, path) => {
    expectError(await call(method, path, undefined, 'nobody'), 401, 'auth.required');
    const described = path.replace('/t/n', '/{task_id}/{filename}').replace('/k', '/{object_key}');
    const { paths } = (await (await api.request('/docs/openapi.json')).json()) as any;
    expect(paths[`/api/v1/files${described}`]).toHaveProperty(method.toLowerCase());
  });
});
