/** The OSS client by itself: how it streams, what it does with sequential uploads and callbacks, and when somebody else answers. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type OssClient, ossClient } from '#clients/oss/client.ts';
import { listParts } from '#clients/oss/listing.ts';
import { abortUpload, beginUpload, completeUpload, putPart } from '#clients/oss/multipart.ts';
import { getRange, headObject, listObjects } from '#clients/oss/objects.ts';
import { bytesOf } from '../../contract/push-rig.ts';
import { type FakeOss, startFakeOss } from '../../fakes/oss/server.ts';
import { KEYS } from './rig.ts';

const MIB = 1024 * 1024;
const PART = 102_400;
const OPEN = new AbortController().signal;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('a part', () => {
  it('is read no faster than it is taken, and let go on an abort', async () => {
    const arrived = Promise.withResolvers<IncomingMessage>();
    const closed = Promise.withResolvers<void>();
    const idle = clientOf(
      await serverWith((request) => {
        request.pause();
        request.socket.once('close', () => closed.resolve());
        arrived.resolve(request);
      }),
    );
    const source = endless();
    const abort = new AbortController();
    const putting = putPart(idle, { ...UPLOAD, number: 1, body: source.body }, abort.signal);
    const refused = expect(putting).rejects.toThrow('enough');
    const held = await arrived.promise;
    // A whole other part is time enough for the idle one to run ahead, if it would.
    const { client, uploadId } = await begun('any');
    await putPart(client, { key: 'a', uploadId, number: 1, body: bodyOf(bytesOf(32 * MIB)) }, OPEN);
    // The buffers of both ends of a loopback socket grow to about 10 MiB.
    expect(source.pulledBytes()).toBeLessThan(16 * MIB);
    abort.abort(new Error('enough'));
    await refused;
    held.resume();
    await Promise.all([source.canceled, closed.promise]);
  });

  it.each([
    ['less', PART - 1, 'transient', 'oss.short_body'],
    ['more', PART + 1, 'bug', 'oss.long_body'],
  ])('of %s bytes than were promised is not put', async (_, sizeBytes, kind, code) => {
    const { client, fake, uploadId } = await begun('any');
    const body = { ...bodyOf(bytesOf(sizeBytes)), sizeBytes: PART };
    await expect(putPart(client, { key: 'a', uploadId, number: 1, body }, OPEN)).rejects.toMatchObject({ kind, code });
    expect(fake.store.upload('a', uploadId).parts.size).toBe(0);
  });

  it('that is refused before its end is not read to its end', async () => {
    const client = clientOf(
      await serverWith((request, response) => {
        request.pause();
        response
          .writeHead(403, { connection: 'close' })
          .end('<Error><Code>AccessDenied</Code><Message>no</Message></Error>');
      }),
    );
    const source = endless();
    const putting = putPart(client, { ...UPLOAD, number: 1, body: source.body }, OPEN);
    await expect(putting).rejects.toMatchObject({ code: 'AccessDenied', status: 403 });
    await source.canceled;
    expect(source.pulledBytes()).toBeLessThan(16 * MIB);
  });
});

describe('a sequential upload', () => {
  it('takes parts in order and once, and says what it holds of the one that came twice', async () => {
    const { client, uploadId } = await begun('sequential');
    const name = { key: 'a', uploadId };
    const part = (number: number) => putPart(client, { ...name, number, body: bodyOf(bytesOf(PART, number)) }, OPEN);
    const first = await part(1);
    await expect(part(3)).rejects.toMatchObject({ status: 409, code: 'PartNotSequential' });
    await expect(part(1)).rejects.toMatchObject({ status: 409, code: 'PartAlreadyExist' });
    expect(await listParts(client, name, { from: 1, to: 10 }, OPEN)).toEqual([first]);
    await part(2);
  });

  it('has the ETag of a plain object', async () => {
    const { client, fake, uploadId } = await begun('sequential');
    const part = await putPart(client, { key: 'a', uploadId, number: 1, body: bodyOf(bytesOf(PART)) }, OPEN);
    const { crc64 } = await completeUpload(client, { key: 'a', uploadId, parts: [part], headers: {} }, OPEN);
    expect([fake.store.objects.get('a')?.etag.toLowerCase(), crc64]).toEqual([part.md5, part.crc64]);
  });
});

describe('a callback', () => {
  it.each([
    ['sequential', /^[0-9A-F]{40}$/],
    ['any', /^$/],
  ] as const)('of an upload with parts in order %s is answered with the other server’s words', async (order, sha1) => {
    const asked: string[] = [];
    const callbackUrl = await serverWith(async (request, response) => {
      asked.push(Buffer.concat(await Array.fromAsync(request)).toString());
      response.end('{"state":false,"code":10002}');
    });
    const { completed } = await completedWith(callbackUrl, order);
    expect(completed).toMatchObject({ status: 200, callbackAnswer: '{"state":false,"code":10002}' });
    const form = new URLSearchParams(asked[0]);
    expect(Object.fromEntries(form)).toMatchObject({
      bucket: 'staging',
      object: 'a',
      size: String(PART),
      code: 'a b&c',
    });
    expect(form.get('sha1')).toMatch(sha1);
  });

  it('that is not answered is no error: the object is there', async () => {
    const callbackUrl = await serverWith((_, response) => void response.writeHead(500).end());
    const { completed, fake } = await completedWith(callbackUrl, 'sequential');
    expect(completed.status).toBe(203);
    expect(fake.store.objects.has('a')).toBe(true);
  });

  async function completedWith(callbackUrl: string, order: 'any' | 'sequential') {
    const { client, fake, uploadId } = await begun(order);
    const part = await putPart(client, { key: 'a', uploadId, number: 1, body: bodyOf(bytesOf(PART)) }, OPEN);
    const slots = ['bucket', 'object', 'size', 'sha1'].map((name) => `${name}=$\{${name}}`);
    const callback = { callbackUrl, callbackBody: [...slots, `code=$\{x:code}`].join('&') };
    const headers = { 'x-oss-callback': base64(callback), 'x-oss-callback-var': base64({ 'x:code': 'a b&c' }) };
    return { fake, completed: await completeUpload(client, { key: 'a', uploadId, parts: [part], headers }, OPEN) };
  }
});

describe('an answer', () => {
  it('of something that is not OSS has no code', async () => {
    const client = clientOf(
      await serverWith((_, response) => void response.writeHead(405).end('<html><p>blocked &nbsp;')),
    );
    const call = beginUpload(client, { key: 'a', headers: {}, order: 'any' }, OPEN);
    await expect(call).rejects.toMatchObject({ name: 'OssError', status: 405, code: '' });
  });

  it('of another shape than the documented one is a bug', async () => {
    const client = clientOf(await serverWith((_, response) => void response.end('<ListPartsResult/>')));
    const call = listParts(client, UPLOAD, { from: 1, to: 1 }, OPEN);
    await expect(call).rejects.toMatchObject({ kind: 'bug', code: 'oss.bad_answer' });
  });

  it('without an end is not kept', async () => {
    const client = clientOf(
      await serverWith((_, response) => {
        const more = () => {
          while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
        };
        response.on('drain', more);
        more();
      }),
    );
    await expect(listObjects(client, { prefix: '', limit: 1 }, OPEN)).rejects.toMatchObject({
      code: 'oss.long_answer',
    });
  });

  it('that does not come ends with the signal’s reason', async () => {
    const { client, fake } = await begun('any');
    fake.misbehave('HeadObject', 'stalled');
    const abort = new AbortController();
    const refused = expect(headObject(client, 'a', abort.signal)).rejects.toThrow('canceled');
    await fake.stalled();
    abort.abort(new Error('canceled'));
    await refused;
  });

  it('tells how long to wait', async () => {
    const client = clientOf(
      await serverWith((_, response) => {
        response
          .writeHead(503, { 'retry-after': '7' })
          .end('<Error><Code>Throttling</Code><Message>slow</Message></Error>');
      }),
    );
    const call = beginUpload(client, { key: 'a', headers: {}, order: 'any' }, OPEN);
    await expect(call).rejects.toMatchObject({ code: 'Throttling', retryAfterMs: 7000 });
  });
});

describe('both ways to name a bucket', () => {
  it.each([true, false])('reach it (path style: %s)', async (forcePathStyle) => {
    const fake = await fakeOss();
    const client = clientOf(fake.endpoint, forcePathStyle);
    const key = 'dots/../in/./间 a+b%20.txt';
    const uploadId = await beginUpload(client, { key, headers: { 'x-oss-meta-a': 'b' }, order: 'any' }, OPEN);
    const part = await putPart(client, { key, uploadId, number: 1, body: bodyOf(bytesOf(PART)) }, OPEN);
    await completeUpload(client, { key, uploadId, parts: [part], headers: {} }, OPEN);
    expect(await headObject(client, key, OPEN)).toMatchObject({ sizeBytes: PART, crc64: part.crc64, meta: { a: 'b' } });
    const etag = fake.store.objects.get(key)?.etag ?? '';
    const { range, stream } = await getRange(client, { key, etag, start: 5, end: 9 }, OPEN);
    expect(range).toEqual({ start: 5, end: 9, sizeBytes: PART });
    expect(Buffer.concat(await Array.fromAsync(stream))).toEqual(Buffer.from(bytesOf(PART).subarray(5, 9)));
    const other = await beginUpload(client, { key, headers: {}, order: 'any' }, OPEN);
    await abortUpload(client, { key, uploadId: other }, OPEN);
    await abortUpload(client, { key, uploadId: other }, OPEN);
    expect(fake.store.uploads.size).toBe(0);
  });
});

const UPLOAD = { key: 'a', uploadId: 'u' };

async function begun(order: 'any' | 'sequential') {
  const fake = await fakeOss();
  const client = clientOf(fake.endpoint);
  return { fake, client, uploadId: await beginUpload(client, { key: 'a', headers: {}, order }, OPEN) };
}

async function fakeOss(): Promise<FakeOss> {
  const fake = await startFakeOss({ keys: [KEYS] });
  cleanups.push(() => fake.close());
  return fake;
}

function clientOf(endpoint: string, forcePathStyle = false): OssClient {
  const client = ossClient({
    endpoint,
    region: 'cn-hangzhou',
    bucket: 'staging',
    credentials: async () => KEYS,
    forcePathStyle,
  });
  cleanups.push(() => client.close());
  return client;
}

async function serverWith(behaviour: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<string> {
  const server = createServer((request, response) => void behaviour(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

function bodyOf(bytes: Uint8Array) {
  const pieces = function* () {
    for (let at = 0; at < bytes.length; at += 65_536) yield bytes.slice(at, at + 65_536);
  };
  return { sizeBytes: bytes.length, open: async () => ReadableStream.from(pieces()) };
}

/** 64 MiB, of which nobody should ask for all. */
function endless() {
  const canceled = Promise.withResolvers<void>();
  let pulledBytes = 0;
  const open = async () =>
    new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          pulledBytes += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
        cancel: () => canceled.resolve(),
      },
      { highWaterMark: 0 },
    );
  return { body: { sizeBytes: 64 * MIB, open }, pulledBytes: () => pulledBytes, canceled: canceled.promise };
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64');
}
