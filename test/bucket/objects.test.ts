import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, type Harness, presign, send, signHeaders, startHarness } from './support.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

async function put(Key: string, Body: string | Buffer, extra: object = {}) {
  return harness.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ...extra }));
}

async function read(Key: string): Promise<string | undefined> {
  const answer = await send(await presign(harness.url(Key)));
  return answer.status === 200 ? answer.text : undefined;
}

/** Every file under the blob folder. */
async function blobNames(): Promise<string[]> {
  const entries = await readdir(join(harness.dataDir, 'blobs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('an object', () => {
  it('comes back as it was put, with its headers and metadata', async () => {
    const meta = {
      ContentType: 'video/mp4',
      CacheControl: 'max-age=1',
      ContentDisposition: 'attachment; filename="x"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de',
      Metadata: { colour: 'blue', 'two-words': 'a b' },
    };
    const { ETag } = await put('meta', 'abc', meta);
    expect(ETag).toBe('"900150983cd24fb0d6963f7d28e17f72"');
    const got = await harness.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'meta' }));
    expect(got).toMatchObject({ ...meta, ETag, ContentLength: 3, AcceptRanges: 'bytes' });
    expect(await got.Body?.transformToString()).toBe('abc');
    const head = await harness.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'meta' }));
    expect(head).toMatchObject({ ...meta, ETag, ContentLength: 3 });
  });

  it('has the type that S3 gives to bytes without one', async () => {
    await send(await presign(harness.url('untyped'), { method: 'PUT' }), 'a');
    expect((await send(await presign(harness.url('untyped')))).headers['content-type']).toBe('binary/octet-stream');
  });

  it('may be empty', async () => {
    await put('empty', Buffer.alloc(0));
    const answer = await send(await presign(harness.url('empty')));
    expect([answer.status, answer.headers['content-length'], answer.text]).toEqual([200, '0', '']);
    const range = await send({ ...(await presign(harness.url('empty'))), headers: { range: 'bytes=0-' } });
    expect(range.status).toBe(416);
  });

  it('is missing with 404, and a missing bucket says so', async () => {
    expect((await send(await presign(harness.url('missing')))).code).toBe('NoSuchKey');
    const elsewhere = new URL(`${harness.server.url}/no-such-bucket/a`);
    expect((await send(await presign(elsewhere))).code).toBe('NoSuchBucket');
    expect((await send(await presign(elsewhere, { method: 'PUT' }), 'a')).code).toBe('NoSuchBucket');
    expect((await send(await presign(elsewhere, { method: 'DELETE' }))).code).toBe('NoSuchBucket');
  });

  it('refuses metadata beyond 2 KB and features that would be ignored', async () => {
    await expect(put('big', 'a', { Metadata: { a: 'b'.repeat(2048) } })).rejects.toThrow(/metadata/);
    await expect(put('enc', 'a', { ServerSideEncryption: 'AES256' })).rejects.toThrow(/not implemented/);
    await expect(put('tag', 'a', { Tagging: 'a=b' })).rejects.toThrow(/not implemented/);
    await expect(put('acl', 'a', { ACL: 'public-read' })).rejects.toThrow(/ACL/);
    for (const sub of ['acl', 'tagging', 'retention', 'versionId=3']) {
      const answer = await send(await presign(harness.url('meta', `?${sub}`), { method: 'PUT' }), 'x');
      expect([sub, answer.status]).toEqual([sub, 501]);
    }
  });

  it('takes no metadata from a query that a header could not carry', async () => {
    const answer = await send(await presign(harness.url('meta', '?x-amz-meta-a=1%0A2'), { method: 'PUT' }), 'x');
    expect(answer.code).toBe('InvalidArgument');
    const hoisted = await presign(harness.url('hoisted', '?x-amz-meta-a=1'), { method: 'PUT' });
    expect((await send(hoisted, 'x')).status).toBe(200);
    expect((await send(await presign(harness.url('hoisted')))).headers['x-amz-meta-a']).toBe('1');
  });

  it('is deleted once and stays deleted without complaint', async () => {
    await put('gone', 'a');
    await harness.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'gone' }));
    await harness.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'gone' }));
    expect(await read('gone')).toBeUndefined();
  });

  it('leaves no file behind when it is replaced or deleted', async () => {
    const before = (await blobNames()).length;
    await put('file', 'one');
    await put('file', 'two');
    await harness.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'file' }));
    await expect.poll(async () => (await blobNames()).length).toBe(before);
  });

  it('can be deleted in bulk, each key answered for itself', async () => {
    await put('bulk/1', 'a');
    const { ETag } = await put('bulk/2', 'b');
    const Objects = [{ Key: 'bulk/1' }, { Key: 'bulk/never' }, { Key: 'bulk/2', ETag: '"other"' }];
    const answer = await harness.s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects } }));
    expect(answer.Deleted?.map(({ Key }) => Key)).toEqual(['bulk/1', 'bulk/never']);
    expect(answer.Errors).toMatchObject([{ Key: 'bulk/2', Code: 'PreconditionFailed' }]);
    const quiet = { Objects: [{ Key: 'bulk/2', ETag }], Quiet: true };
    const second = await harness.s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: quiet }));
    expect(second.Deleted).toBeUndefined();
    expect(await read('bulk/2')).toBeUndefined();
  });

  it.each(['<Delete/>', 'no xml', '<Delete><Object><Key>a</Key></Object>', '<!DOCTYPE a><Delete/>', '<Other/>'])(
    'is safe from the malformed bulk request %s',
    async (body) => {
      const url = new URL(`${harness.server.url}/${BUCKET}?delete`);
      const md5 = (await import('node:crypto')).createHash('md5').update(body).digest('base64');
      const answer = await send(await signHeaders(url, { method: 'POST', headers: { 'content-md5': md5 } }), body);
      expect(answer.code).toBe('MalformedXML');
    },
  );

  it('is only bulk-deleted by a request that carries a digest of itself', async () => {
    const url = new URL(`${harness.server.url}/${BUCKET}?delete`);
    const answer = await send(
      await signHeaders(url, { method: 'POST' }),
      '<Delete><Object><Key>a</Key></Object></Delete>',
    );
    expect(answer.code).toBe('InvalidRequest');
  });
});

describe('conditions', () => {
  it('make a put write-once: of eight at once exactly one wins, and its bytes stay whole', async () => {
    const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(300_000, String(i)));
    const outgoing = await presign(harness.url('race'), { method: 'PUT', headers: { 'if-none-match': '*' } });
    const answers = await Promise.all(bodies.map((body) => send(outgoing, body)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 412)).toHaveLength(7);
    const winner = bodies[statuses.indexOf(200)];
    expect((await send(await presign(harness.url('race')))).body.equals(winner ?? Buffer.alloc(0))).toBe(true);
  });

  it('let a put replace exactly the object it knows', async () => {
    const { ETag } = await put('cas', 'one');
    await expect(put('cas', 'two', { IfMatch: '"other"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await put('cas', 'two', { IfMatch: ETag });
    await expect(put('cas', 'three', { IfMatch: ETag })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(put('cas-missing', 'a', { IfMatch: ETag })).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(await read('cas')).toBe('two');
  });

  it('let If-Match decide a race of eight writers', async () => {
    const { ETag } = await put('cas-race', 'start');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => put('cas-race', `writer ${i}`, { IfMatch: ETag })),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('let a delete remove exactly the object it knows', async () => {
    const { ETag } = await put('cad', 'one');
    await put('cad', 'two');
    const stale = new DeleteObjectCommand({ Bucket: BUCKET, Key: 'cad', IfMatch: ETag });
    await expect(harness.s3.send(stale)).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(await read('cad')).toBe('two');
    const any = new DeleteObjectCommand({ Bucket: BUCKET, Key: 'cad', IfMatch: '*' });
    await harness.s3.send(any);
    expect(await read('cad')).toBeUndefined();
  });

  it('refuse what S3 refuses: If-None-Match of a write is only ever *', async () => {
    await expect(put('nm', 'a', { IfNoneMatch: '"abc"' })).rejects.toMatchObject({ name: 'NotImplemented' });
  });

  it('of a read follow RFC 9110, the entity tag before the date', async () => {
    const { ETag = '' } = await put('cond', 'abc');
    const past = new Date(Date.now() - 3_600_000).toUTCString();
    const future = new Date(Date.now() + 3_600_000).toUTCString();
    const cases: [headers: Record<string, string>, status: number][] = [
      [{ 'if-match': ETag }, 200],
      [{ 'if-match': `"x", ${ETag}` }, 200],
      [{ 'if-match': '*' }, 200],
      [{ 'if-match': '"x"' }, 412],
      [{ 'if-none-match': ETag }, 304],
      [{ 'if-none-match': `W/${ETag}` }, 304],
      [{ 'if-none-match': '*' }, 304],
      [{ 'if-none-match': '"x"' }, 200],
      [{ 'if-modified-since': past }, 200],
      [{ 'if-modified-since': future }, 304],
      [{ 'if-unmodified-since': past }, 412],
      [{ 'if-unmodified-since': future }, 200],
      [{ 'if-match': ETag, 'if-unmodified-since': past }, 200],
      [{ 'if-none-match': '"x"', 'if-modified-since': future }, 200],
      [{ 'if-modified-since': 'no date' }, 200],
    ];
    for (const [headers, status] of cases) {
      for (const method of ['GET', 'HEAD']) {
        const outgoing = await presign(harness.url('cond'), { method });
        const answer = await send({ ...outgoing, headers });
        expect([method, headers, answer.status]).toEqual([method, headers, status]);
        if (status === 304) expect([answer.headers.etag, answer.text]).toEqual([ETag, '']);
      }
    }
  });
});

describe('ranges', () => {
  it('answer what RFC 9110 asks for, for any object and any range', async () => {
    const bytes = Buffer.from(Array.from({ length: 700_000 }, (_, i) => (i * 31) % 251));
    await put('ranged', bytes);
    const offset = fc.oneof(fc.nat(10), fc.nat(800_000), fc.constantFrom(262_143, 262_144, 262_145, 699_999, 700_000));
    await fc.assert(
      fc.asyncProperty(fc.option(offset), fc.option(offset), async (first, last) => {
        const range = `bytes=${first ?? ''}-${last ?? ''}`;
        const answer = await send({ ...(await presign(harness.url('ranged'))), headers: { range } });
        const start = first ?? Math.max(0, bytes.length - (last ?? 0));
        const end = first === null || last === null ? bytes.length : Math.min(last + 1, bytes.length);
        if ((first === null && last === null) || (first !== null && last !== null && last < first)) {
          expect(answer.status).toBe(200);
          expect(answer.body.equals(bytes)).toBe(true);
        } else if (start >= bytes.length) {
          expect([answer.status, answer.code]).toEqual([416, 'InvalidRange']);
          expect(answer.headers['content-range']).toBe(`bytes */${bytes.length}`);
        } else {
          expect(answer.status).toBe(206);
          expect(answer.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${bytes.length}`);
          expect(answer.body.equals(bytes.subarray(start, end))).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('are ignored when they are several or of another unit', async () => {
    await put('few', 'abcdef');
    for (const range of ['bytes=0-1,3-4', 'lines=0-1', 'bytes=a-b', 'bytes=-']) {
      expect((await send({ ...(await presign(harness.url('few'))), headers: { range } })).text).toBe('abcdef');
    }
  });

  it('are ignored when If-Range names another object', async () => {
    const { ETag = '' } = await put('if-range', 'abcdef');
    const outgoing = await presign(harness.url('if-range'));
    expect((await send({ ...outgoing, headers: { range: 'bytes=0-1', 'if-range': ETag } })).text).toBe('ab');
    expect((await send({ ...outgoing, headers: { range: 'bytes=0-1', 'if-range': '"other"' } })).text).toBe('abcdef');
  });

  it('pinned with If-Match never mix two versions', async () => {
    const { ETag = '' } = await put('pinned', 'aaaa');
    await put('pinned', 'bbbb');
    const outgoing = await presign(harness.url('pinned'));
    expect((await send({ ...outgoing, headers: { range: 'bytes=0-1', 'if-match': ETag } })).status).toBe(412);
  });

  it('that began before an overwrite and a delete end with the old bytes', async () => {
    const old = Buffer.alloc(12 * 1024 * 1024, 'o');
    await put('stream', old);
    const outgoing = await presign(harness.url('stream'));
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(harness.server.port, '127.0.0.1');
      const pieces: Buffer[] = [];
      socket.once('data', (first: Buffer) => {
        pieces.push(first);
        socket.pause();
        put('stream', 'new')
          .then(() => harness.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'stream' })))
          .then(() => {
            socket.on('data', (more: Buffer) => pieces.push(more));
            socket.resume();
          })
          .catch(reject);
      });
      socket.on('close', () => resolve(Buffer.concat(pieces).toString('latin1')));
      socket.on('error', reject);
      const path = `${outgoing.url.pathname}${outgoing.url.search}`;
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${outgoing.url.host}\r\nconnection: close\r\n\r\n`);
    });
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    expect(body.length).toBe(old.length);
    expect(/^o*$/.test(body)).toBe(true);
  });
});

describe('keys', () => {
  const odd = [
    'with space',
    'a+b&c=d?e#f%25',
    '中文/测试.mp4',
    '👍🏽/emoji',
    '/leading',
    'double//slash/',
    '../../etc/passwd',
    'a/../b',
    './.',
    '..',
    'quotes\'"<>&',
    'tab\tand\nnewline',
    'x'.repeat(1024),
    'é'.repeat(512),
  ];

  it('are plain text: every one of them names its own object and none leaves the folder', async () => {
    const before = (await blobNames()).length;
    for (const [i, key] of odd.entries()) await put(key, `object ${i}`);
    for (const [i, key] of odd.entries()) {
      const got = await harness.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
      expect(await got.Body?.transformToString(), key).toBe(`object ${i}`);
    }
    expect((await blobNames()).length).toBe(before + odd.length);
    expect((await blobNames()).every((name) => /^[0-9a-f]{32}$/.test(name))).toBe(true);
    for (const Key of odd) await harness.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
  });

  it('have at most 1024 bytes', async () => {
    await expect(put('é'.repeat(513), 'a')).rejects.toMatchObject({ name: 'KeyTooLongError' });
  });

  it('are UTF-8', async () => {
    for (const path of ['/staging/%ff', '/staging/%zz', '/staging/%']) {
      const url = new URL(harness.server.url);
      const answer = await send({ method: 'GET', url: Object.assign(url, { pathname: path }), headers: {} });
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
  });

  it('are found under the bucket as host name too', async () => {
    await put('virtual/key', 'by host');
    const outgoing = await presign(new URL(`http://${BUCKET}.localhost:${harness.server.port}/virtual/key`));
    const local = new URL(outgoing.url);
    local.hostname = '127.0.0.1';
    const headers = { host: outgoing.url.host };
    expect((await send({ ...outgoing, url: local, headers })).text).toBe('by host');
  });
});

describe('copies', () => {
  it('keep or replace metadata, and outlive their source', async () => {
    await put('from', 'bytes', { ContentType: 'text/x-a', Metadata: { a: '1' } });
    const CopySource = `${BUCKET}/from`;
    await harness.s3.send(new CopyObjectCommand({ Bucket: BUCKET, Key: 'kept', CopySource }));
    const MetadataDirective = 'REPLACE';
    const replace = { MetadataDirective, ContentType: 'text/x-b', Metadata: { b: '2' } } as const;
    await harness.s3.send(new CopyObjectCommand({ Bucket: BUCKET, Key: 'replaced', CopySource, ...replace }));
    await harness.s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: 'from' }));
    await put('other', 'so that the garbage of the delete is gone');

    const kept = await harness.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'kept' }));
    expect([kept.ContentType, kept.Metadata, await kept.Body?.transformToString()]).toEqual([
      'text/x-a',
      { a: '1' },
      'bytes',
    ]);
    const replaced = await harness.s3.send(new HeadObjectCommand({ Bucket: BUCKET, Key: 'replaced' }));
    expect([replaced.ContentType, replaced.Metadata]).toEqual(['text/x-b', { b: '2' }]);
  });

  it('honour conditions on source and target', async () => {
    const { ETag } = await put('src', 'one');
    const copy = (extra: object) =>
      harness.s3.send(new CopyObjectCommand({ Bucket: BUCKET, Key: 'dst', CopySource: `${BUCKET}/src`, ...extra }));
    await expect(copy({ CopySourceIfMatch: '"x"' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await expect(copy({ CopySourceIfNoneMatch: ETag })).rejects.toMatchObject({ name: 'PreconditionFailed' });
    await copy({ CopySourceIfMatch: ETag });
    await expect(copy({ IfNoneMatch: '*' })).rejects.toMatchObject({ name: 'PreconditionFailed' });
  });

  it('of odd keys, of missing ones and onto themselves', async () => {
    await put('a +中', 'odd');
    const CopySource = encodeURIComponent(`${BUCKET}/a +中`);
    await harness.s3.send(new CopyObjectCommand({ Bucket: BUCKET, Key: 'odd copy', CopySource }));
    expect(await read('odd copy')).toBe('odd');
    const missing = new CopyObjectCommand({ Bucket: BUCKET, Key: 'x', CopySource: `${BUCKET}/nowhere` });
    await expect(harness.s3.send(missing)).rejects.toMatchObject({ name: 'NoSuchKey' });
    const self = new CopyObjectCommand({ Bucket: BUCKET, Key: 'odd copy', CopySource: `${BUCKET}/odd copy` });
    await expect(harness.s3.send(self)).rejects.toMatchObject({ name: 'InvalidRequest' });
  });
});
