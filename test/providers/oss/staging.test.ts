/** Staging on OSS: what OSS does where it cannot keep a law of the port, and what is made of stores that cut, lie and refuse. */
import { randomBytes } from 'node:crypto';
import { ulid } from 'ulid';
import { afterEach, describe, expect, it } from 'vitest';
import { ossStagingIntake, ossStagingSource } from '#adapters/oss/staging.ts';
import { ossClient } from '#clients/oss/client.ts';
import type { ChunkPut } from '#core/ports/staging.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { type FakeOptions, type FakeOss, startFakeOss } from '../../fakes/oss/server.ts';
import type { Key } from '../../fakes/oss/signature.ts';
import { md5 } from '../../fakes/oss/store.ts';
import { KEYS } from './rig.ts';

const OPEN = new AbortController().signal;
const ORIGIN = 'https://console.example';
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('a chunk that is there already', () => {
  it('is told 409 FileAlreadyExists, and stays', async () => {
    const { intake, fake } = await staging();
    const { put, key } = chunk();
    const { url, headers } = await intake.presignChunk(put);
    const first = randomBytes(10);
    expect((await send(url, headers, first)).status).toBe(200);
    for (const again of [url, (await intake.presignChunk(put)).url]) {
      const answer = await send(again, headers, randomBytes(10));
      expect(answer.status).toBe(409);
      expect(await answer.text()).toContain('<Code>FileAlreadyExists</Code>');
    }
    expect(fake.store.objects.get(key)?.bytes).toEqual(first);
  });
});

describe('a browser', () => {
  it('is allowed to put from the console, and to read why it was refused', async () => {
    const { intake } = await staging();
    const { url, headers } = await intake.presignChunk(chunk().put);
    const asked = {
      origin: ORIGIN,
      'access-control-request-headers': Object.keys(headers).join(),
      'access-control-request-method': 'PUT',
    };
    const preflight = await fetch(url, { method: 'OPTIONS', headers: asked });
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-oss-forbid-overwrite');
    const refused = await send(url, { ...headers, origin: ORIGIN }, randomBytes(11));
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, ORIGIN]);
    const taken = await send(url, { ...headers, origin: ORIGIN }, randomBytes(10));
    expect(taken.headers.get('access-control-expose-headers')).toContain('ETag');
  });

  it('may use a URL that was signed with temporary keys, and one with a content type of its own', async () => {
    const keys: Key = { accessKeyId: 'STS.1', accessKeySecret: 's', stsToken: 'CAIS+/=' };
    const { intake } = await staging({ keys: [keys] });
    const { url, headers } = await intake.presignChunk(chunk().put);
    expect((await send(url, headers, randomBytes(10))).status).toBe(200);
  });

  it.each([0, -1, 1.5, 604_801])('gets no URL with a life of %d seconds', async (ttlSeconds) => {
    const { intake } = await staging();
    const presigning = intake.presignChunk({ ...chunk().put, ttlSeconds });
    await expect(presigning).rejects.toMatchObject({ kind: 'bug', code: 'staging.ttl' });
  });

  it('is sent to the name that is bound to the bucket', async () => {
    const config = { endpoint: 'https://oss-cn-hangzhou.aliyuncs.com', region: 'cn-hangzhou', bucket: 'staging' };
    const clock = { now: () => 0, random: () => 0, sleep: async () => {} };
    const credentials = async () => KEYS;
    const { put, key } = chunk();
    const bound = ossStagingIntake({ ...config, credentials, clock, publicUrl: 'https://files.example' });
    expect((await bound.presignChunk(put)).url).toMatch(`https://files.example/${key}?`);
    const plain = ossStagingIntake({ ...config, credentials, clock });
    const presigned = await plain.presignChunk(put);
    expect(presigned.url).toMatch(`https://staging.oss-cn-hangzhou.aliyuncs.com/${key}?`);
    expect(presigned.expiresAtMs).toBe(put.ttlSeconds * 1000);
  });
});

describe('removing', () => {
  it('with a version leaves what is there, whichever it is, and says so', async () => {
    const { source, fake } = await staging();
    const version = putInto(fake, 'inbox/a', randomBytes(10));
    expect(await source.remove('inbox/a', version)).toBe(false);
    expect(await source.remove('inbox/a', 'another')).toBe(false);
    expect(fake.store.objects.size).toBe(1);
    expect(await source.remove('inbox/a')).toBe(true);
    expect(await source.remove('inbox/a', version)).toBe(true);
  });
});

describe('odd keys', () => {
  const names = [
    ...['a b.bin', 'a+b.bin', 'a%20b.bin', '100%.bin', '中文/影视.mp4', '🎬.mkv', '～.bin', 'question?mark#hash.txt'],
    ...['"quoted" & \'single\' <tag>.txt', 'e\u0301.txt', 'semi;colon,comma=equals:at@.txt', ' leading and trailing '],
    ...['(paren) [bracket] {brace} *star* !bang ~tilde.txt', 'back\\slash|pipe^caret`tick.txt', 'control\u0001.txt'],
    ...['dots/../in/./between.txt', 'two//slashes.txt'],
  ];

  it('come back as they were put, in byte order of UTF-8, page by page', async () => {
    const { source, fake } = await staging({ pageMax: 3 });
    const prefix = 'inbox/奇 怪+/';
    for (const name of names) putInto(fake, prefix + name, Buffer.from(name));
    const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const listed = await source.list({ prefix, limit: 100 });
    expect(listed.map(({ key }) => key)).toEqual(sorted.map((name) => prefix + name));
    for (const { key, version, sizeBytes } of listed) {
      expect(await source.stat(key)).toMatchObject({ key, version, sizeBytes });
      const stream = await source.read({ key, version }, { start: 0, end: sizeBytes }, OPEN);
      expect(prefix + Buffer.concat(await Array.fromAsync(stream)).toString()).toBe(key);
      expect(await source.remove(key)).toBe(true);
    }
    expect(await source.list({ prefix, limit: 100 })).toEqual([]);
  });
});

describe('reading', () => {
  it('errors when the connection is cut in the middle of the body', async () => {
    const { source, fake } = await staging();
    const version = putInto(fake, 'a', randomBytes(200_000));
    fake.misbehave('GetObject', 'cut');
    const stream = await source.read({ key: 'a', version }, { start: 0, end: 200_000 }, OPEN);
    await expect(Array.fromAsync(stream)).rejects.toMatchObject({ kind: 'transient', code: 'staging.unavailable' });
  });

  it('uses the same connection for one read after another, and asks nothing for an empty range', async () => {
    const { source, fake } = await staging();
    const version = putInto(fake, 'a', randomBytes(100));
    for (const end of [100, 50, 0]) {
      expect(
        Buffer.concat(await Array.fromAsync(await source.read({ key: 'a', version }, { start: 0, end }, OPEN))),
      ).toHaveLength(end);
    }
    expect(fake.log).toEqual(['GetObject', 'GetObject']);
  });
});

describe('refused', () => {
  it.each([
    ['throttled', 'throttled', 'staging.slow_down'],
    ['busy', 'transient', 'staging.unavailable'],
    ['internal error', 'transient', 'staging.unavailable'],
    ['html', 'transient', 'staging.unavailable'],
  ] as const)('%s is Fault %s %s in every call', async (habit, kind, code) => {
    const { source, fake } = await staging();
    for (const operation of ['ListObjects', 'HeadObject', 'GetObject', 'DeleteObject'] as const)
      fake.misbehave(operation, habit);
    await expect(source.list({ prefix: '', limit: 1 })).rejects.toMatchObject({ kind, code });
    await expect(source.read({ key: 'a', version: 'v' }, { start: 0, end: 1 }, OPEN)).rejects.toMatchObject({
      kind,
      code,
    });
    await expect(source.remove('a')).rejects.toMatchObject({ kind, code });
  });

  it('of a bucket that is not there is not taken for objects that are gone', async () => {
    const { fake } = await staging();
    const { source } = await staging({}, { ...fake, bucket: 'elsewhere' });
    const noBucket = { kind: 'auth', code: 'staging.no_bucket' };
    await expect(source.list({ prefix: '', limit: 1 })).rejects.toMatchObject(noBucket);
    await expect(source.stat('a')).rejects.toMatchObject(noBucket);
    await expect(source.read({ key: 'a', version: 'v' }, { start: 0, end: 1 }, OPEN)).rejects.toMatchObject(noBucket);
    await expect(source.remove('a', 'v')).rejects.toMatchObject(noBucket);
  });

  it('by a store that cannot be reached tells no address', async () => {
    const { source, fake } = await staging();
    await fake.close();
    const error: unknown = await source.stat('a').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'transient', code: 'staging.unavailable' });
    expect(String(error)).toContain('ECONNREFUSED');
    expect(String(error)).not.toContain('127.0.0.1');
  });
});

async function staging(options: Partial<FakeOptions> = {}, at?: Pick<FakeOss, 'endpoint' | 'bucket' | 'region'>) {
  const keys = options.keys?.[0] ?? KEYS;
  const fake = await startFakeOss({ keys: [KEYS], allowedOrigins: [ORIGIN], ...options });
  cleanups.push(() => fake.close().catch(() => undefined));
  const { endpoint, bucket, region } = at ?? fake;
  const config = { endpoint, bucket, region, credentials: async () => keys, forcePathStyle: true };
  const client = ossClient(config);
  cleanups.push(() => client.close());
  const clock = { now: Date.now, random: Math.random, sleep: async () => {} };
  return { fake, source: ossStagingSource(client), intake: ossStagingIntake({ ...config, clock }) };
}

function putInto(fake: FakeOss, key: string, bytes: Buffer): string {
  return fake.store.write(key, { bytes, etag: md5(bytes), contentType: '', meta: {} }, 'allowed').etag;
}

function chunk(): { readonly put: ChunkPut; readonly key: string } {
  const uploadId = UploadId.parse(`upl_${ulid()}`);
  return { put: { uploadId, number: 1, sizeBytes: 10, ttlSeconds: 900 }, key: chunkKey(uploadId, 1) };
}

function send(url: string, headers: Readonly<Record<string, string>>, bytes: Buffer): Promise<Response> {
  return fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) });
}
