/** Events that stores push by HTTP, in the shapes in which they were seen to. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Api, createApi } from '../../functions/api.ts';
import { stagedHandler } from '../../functions/staged.ts';
import { expectError } from './expect-error.ts';
import { type Answer, type ApiRig, apiRig, TOKEN } from './rig.ts';

const EVENTS_TOKEN = 'the-token-of-events';
const PATH = '/api/v1/events/s3';

let rig: ApiRig;
let api: Api;
let queued: string[];

beforeEach(async () => {
  rig = await apiRig();
  queued = [];
  api = createApi({
    engine: rig.engine,
    intake: rig.intake,
    authenticate: (token) => (token === TOKEN ? 'local' : null),
    issueTicket: () => ({ ticket: 'ticket', expiresAtMs: 0 }),
    events: {
      bucketName: 'bucket',
      isToken: (given) => given === EVENTS_TOKEN,
      accept: (body) => queued.push(body),
    },
  });
});
afterEach(() => rig[Symbol.asyncDispose]());

async function post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await api.request(path, { method: 'POST', body: text, headers });
  const said = await answer.text();
  return { status: answer.status, headers: answer.headers, text: said, body: said === '' ? null : JSON.parse(said) };
}
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** As AWS writes it, and stores that copy it. */
const aws = (key: string, bucket = 'bucket') => ({
  Records: [
    {
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: 'eu-central-1',
      eventTime: '2025-01-01T00:00:00.000Z',
      eventName: 'ObjectCreated:Put',
      s3: { bucket: { name: bucket }, object: { key: encodeURIComponent(key).replaceAll('%20', '+'), size: 1 } },
    },
  ],
});
/** MinIO's webhook: the slashes of a key encoded too, and a copy of event and key at the top. */
const minio = (key: string) => ({
  EventName: 's3:ObjectCreated:Put',
  Key: `bucket/${key}`,
  Records: [
    {
      eventVersion: '2.0',
      eventSource: 'minio:s3',
      awsRegion: '',
      eventTime: '2025-01-01T00:00:00.000Z',
      eventName: 's3:ObjectCreated:Put',
      userIdentity: { principalId: 'minio' },
      requestParameters: { principalId: 'minio', region: '', sourceIPAddress: '127.0.0.1' },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'Config',
        bucket: { name: 'bucket', ownerIdentity: { principalId: 'minio' }, arn: 'arn:aws:s3:::bucket' },
        object: {
          key: encodeURIComponent(key).replaceAll('%20', '+'),
          size: 1,
          eTag: 'd41d8cd98f00b204e9800998ecf8427e',
          contentType: 'application/octet-stream',
          sequencer: '17C0FFEE00000000',
        },
      },
      source: { host: '127.0.0.1', port: '', userAgent: 'MinIO' },
    },
  ],
});
/** radosgw 16's push-endpoint: keys as they are. */
const radosgw = (key: string) => ({
  Records: [
    {
      eventVersion: '2.2',
      eventSource: 'ceph:s3',
      awsRegion: '',
      eventTime: '2025-01-01T00:00:00.000000Z',
      eventName: 'ObjectCreated:Put',
      userIdentity: { principalId: 'user' },
      requestParameters: { sourceIPAddress: '' },
      responseElements: { 'x-amz-request-id': 'a.1.2', 'x-amz-id-2': '1-default-default' },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'entrepot',
        bucket: { name: 'bucket', ownerIdentity: { principalId: 'user' }, arn: 'arn:aws:s3:::bucket', id: 'x' },
        object: { key, size: 1, etag: 'd41d8cd98f00b204e9800998ecf8427e', versionId: '', sequencer: '1', metadata: [] },
      },
      eventId: '1.2.etag',
    },
  ],
});

const ossEvent = (key: string) => ({
  eventName: 'ObjectCreated:PutObject',
  oss: { bucket: { name: 'bucket' }, object: { key: encodeURIComponent(key), size: 1 } },
});
/** CloudEvents, as EventBridge pushes them. */
const eventBridge = (key: string) => ({
  specversion: '1.0',
  source: 'acs.oss',
  type: 'oss:ObjectCreated:PutObject',
  data: ossEvent(key),
});
/** A subscription of MNS with the format JSON: OSS's own notification in base64. */
const mns = (key: string) => ({
  TopicName: 'entrepot',
  MessageId: '5F',
  Message: Buffer.from(JSON.stringify({ events: [ossEvent(key)] })).toString('base64'),
});

describe.each([
  ['S3', aws, 's3'],
  ['MinIO', minio, 's3'],
  ['radosgw', radosgw, 's3'],
  ['EventBridge', eventBridge, 'oss'],
  ['MNS', mns, 'oss'],
])('an event in the shape of %s', (_, event, service) => {
  it.each(['plain.bin', 'with two  spaces.bin', 'a+b.bin', '100%.bin', 'a%20b.bin', '测试 文件.bin', '😀.bin'])(
    'about %s leads to its delivery',
    async (name) => {
      rig.staging.put(`inbox/folder/深 处/${name}`, Buffer.from(name));
      const path = `/api/v1/events/${service}/${EVENTS_TOKEN}`;
      const answer = await post(path, event(`inbox/folder/深 处/${name}`));
      expect(answer.status).toBe(202);
      await stagedHandler(rig.intake)({ Records: queued.map((body, i) => ({ messageId: String(i), body })) });
      await rig.settle();
      expect(await readdir(join(rig.root, '深 处'))).toEqual([name]);
      expect(await readFile(join(rig.root, '深 处', name), 'utf8')).toBe(name);
    },
  );
});

describe('the token of events', () => {
  it('is taken in the path and as a bearer, and opens nothing else', async () => {
    expect((await post(`${PATH}/${EVENTS_TOKEN}`, aws('inbox/folder/a'))).body).toEqual({ accepted: 1, ignored: 0 });
    expect((await post(PATH, aws('inbox/folder/a'), bearer(EVENTS_TOKEN))).status).toBe(202);
    const elsewhere = await api.request('/api/v1/transfers', { headers: bearer(EVENTS_TOKEN) });
    expect(elsewhere.status).toBe(401);
  });

  it.each([
    ['none', PATH, {}],
    ['the owner’s', PATH, bearer(TOKEN)],
    ['the owner’s in the path', `${PATH}/${TOKEN}`, {}],
    ['a part of it', `${PATH}/${EVENTS_TOKEN.slice(0, -1)}`, {}],
    ['another one in the path than in the header', `${PATH}/other`, bearer(EVENTS_TOKEN)],
    ['a long one', `${PATH}/${'x'.repeat(5_000)}`, {}],
  ])('%s is refused before the body is read, and is not repeated', async (_, path, headers) => {
    const answer = await post(path, '{not json', headers);
    expectError(answer, 401, 'auth.required');
    expect(answer.text).not.toContain(path.split('/').at(-1));
    expect(queued).toEqual([]);
  });

  it('is in no log, whatever happens', async () => {
    await post(`${PATH}/${EVENTS_TOKEN}`, 'nonsense');
    await post(`${PATH}/${EVENTS_TOKEN}`, 'x'.repeat(300_000));
    expect(JSON.stringify(rig.logged)).not.toContain(EVENTS_TOKEN);
  });
});

describe('a body', () => {
  const push = (body: unknown) => post(PATH, body, bearer(EVENTS_TOKEN));

  it('that tries the way is done with, and nothing is queued', async () => {
    const test = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2025-01-01T00:00:00.000Z', Bucket: 'bucket' };
    for (const body of [test, { Records: [] }]) {
      expect((await push(body)).body).toEqual({ accepted: 0, ignored: 0 });
    }
    expect(queued).toEqual([]);
  });

  it('about another bucket is ignored and counted', async () => {
    rig.staging.put('inbox/folder/a.bin', Buffer.from('a'));
    expect((await push(aws('inbox/folder/a.bin', 'another'))).body).toEqual({ accepted: 0, ignored: 1 });
    await stagedHandler(rig.intake)({ Records: queued.map((body, i) => ({ messageId: String(i), body })) });
    expect(rig.dispatcher.sent()).toEqual([]);
    expect(rig.logged).toContainEqual({ level: 'error', event: 'staged.other_bucket', fields: { records: 1 } });
  });

  it.each(['', '{', 'null', '[]', '{"Records":[{}]}', '{"Records":[{"s3":"Holiday.mp4"}]}'])(
    'that is no event (%j) is 400, of which nothing is quoted',
    async (body) => {
      const answer = await push(body);
      expectError(answer, 400, 'request.invalid');
      expect(answer.text).not.toContain('Holiday');
      expect(queued).toEqual([]);
    },
  );

  it('of more than 256 KiB is 413', async () => {
    expectError(await push('x'.repeat(257 * 1024)), 413, 'request.too_large');
  });

  it('of any content type is taken: stores send what they like', async () => {
    for (const type of ['text/plain', 'application/json; charset=utf-8', 'application/x-www-form-urlencoded']) {
      const headers = { ...bearer(EVENTS_TOKEN), 'content-type': type };
      expect((await post(PATH, aws('inbox/folder/a'), headers)).status).toBe(202);
    }
  });
});

it('where the bucket needs no route for its events there is none', async () => {
  expectError(await rig.call('POST', PATH, aws('inbox/folder/a')), 404, 'route.unknown');
});

it('the document tells of the routes and of their token', async () => {
  const document: any = await (await api.request('/docs/openapi.json')).json();
  for (const path of [PATH, `${PATH}/{token}`]) expect(document.paths[path].post.security).toEqual([{ events: [] }]);
  expect(document.components.securitySchemes.events).toEqual({ type: 'http', scheme: 'bearer' });
});
