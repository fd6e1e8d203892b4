import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { BUCKET, type Harness, presign, sdkClient, send, signHeaders, startHarness } from './support.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Parameters<typeof startHarness>[0] = {}): Promise<Harness> {
  const harness = await startHarness(options);
  cleanups.push(() => harness.stop());
  return harness;
}

describe('cross-origin requests', () => {
  const page = 'http://localhost:8000';

  it('are preflighted without a signature', async () => {
    const { url } = await start();
    const headers = {
      origin: page,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'if-none-match,content-type',
    };
    const answer = await send({ method: 'OPTIONS', url: url('any key'), headers });
    expect(answer.status).toBe(200);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': page,
      'access-control-allow-headers': 'if-none-match,content-type',
      'access-control-max-age': '7200',
    });
    expect(answer.headers['access-control-allow-methods']).toContain('PUT');
    expect(answer.headers.vary).toContain('Origin');
  });

  it('may read answers and refusals alike', async () => {
    const { url } = await start();
    const signed = await presign(url('a'), { method: 'PUT', headers: { 'if-none-match': '*' } });
    const headers = { ...signed.headers, origin: page };
    const made = await send({ ...signed, headers }, 'a');
    const taken = await send({ ...signed, headers }, 'a');
    const forged = await send({ method: 'GET', url: url('a'), headers: { origin: page } });
    const missing = await send({ ...(await presign(url('b'))), headers: { origin: page } });
    const range = { origin: page, range: 'bytes=9-' };
    const outside = await send({ ...(await presign(url('a'))), headers: range });
    expect([made, taken, forged, missing, outside].map(({ status }) => status)).toEqual([200, 412, 403, 404, 416]);
    for (const answer of [made, taken, forged, missing, outside]) {
      expect(answer.headers['access-control-allow-origin']).toBe(page);
      expect(answer.headers['access-control-expose-headers']).toContain('ETag');
      expect(answer.headers['x-amz-request-id']).toMatch(/^[0-9A-F]{16}$/);
    }
  });

  it('from elsewhere get no permission', async () => {
    const { url } = await start();
    const headers = { origin: 'http://evil.example', 'access-control-request-method': 'PUT' };
    const preflight = await send({ method: 'OPTIONS', url: url('a'), headers });
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    const answer = await send({ ...(await presign(url('a'))), headers });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('are allowed from everywhere when that is asked for', async () => {
    const { url } = await start({ allowedOrigins: '*' });
    const answer = await send({ ...(await presign(url('a'))), headers: { origin: 'http://any.example' } });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });
});

interface Notification {
  readonly Records: readonly {
    readonly eventName: string;
    readonly eventSource: string;
    readonly s3: {
      readonly bucket: { readonly name: string };
      readonly object: { readonly key: string; readonly sequencer: string; readonly size?: number };
    };
  }[];
}

describe('events', () => {
  it('tell of every change of an object once, in order, as S3 writes them', async () => {
    const events: Notification[] = [];
    const { s3 } = await start({ onEvent: (event) => events.push(event as Notification) });
    const target = { Bucket: BUCKET, Key: 'dir/a b+中.txt' };
    await s3.send(new PutObjectCommand({ ...target, Body: 'abc' }));
    await s3.send(
      new CopyObjectCommand({ Bucket: BUCKET, Key: 'copy', CopySource: `${BUCKET}/${encodeURIComponent(target.Key)}` }),
    );
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'mp' }));
    const part = { Bucket: BUCKET, Key: 'mp', UploadId, PartNumber: 1 };
    const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand({ ...part, Body: 'x' }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
    const done = { Bucket: BUCKET, Key: 'mp', UploadId, MultipartUpload };
    await s3.send(new CompleteMultipartUploadCommand(done));
    await s3.send(new CompleteMultipartUploadCommand(done));
    await s3.send(new DeleteObjectCommand(target));
    await s3.send(new DeleteObjectCommand(target));
    await expect.poll(() => events.length).toBe(4);

    const records = events.flatMap(({ Records }) => Records);
    expect(records.map(({ eventName }) => eventName)).toEqual([
      'ObjectCreated:Put',
      'ObjectCreated:Copy',
      'ObjectCreated:CompleteMultipartUpload',
      'ObjectRemoved:Delete',
    ]);
    const [put, , multipart, removed] = records.map((record) => record.s3.object);
    expect(put).toMatchObject({
      key: 'dir/a+b%2B%E4%B8%AD.txt',
      size: 3,
      eTag: createHash('md5').update('abc').digest('hex'),
    });
    expect(multipart).toMatchObject({ key: 'mp', size: 1, eTag: expect.stringMatching(/^[0-9a-f]{32}-1$/) });
    expect(Object.keys(removed ?? {})).toEqual(['key', 'sequencer']);
    const sequencers = records.map((record) => record.s3.object.sequencer);
    expect([...sequencers].sort()).toEqual(sequencers);
    expect(records[0]).toMatchObject({ eventSource: 'aws:s3', s3: { bucket: { name: BUCKET } } });
  });

  it('do not tell of what was refused', async () => {
    const events: unknown[] = [];
    const { s3, url } = await start({ onEvent: (event) => events.push(event) });
    const refused = await signHeaders(url('bad'), {
      method: 'PUT',
      headers: { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' },
    });
    expect((await send(refused, 'body')).code).toBe('BadDigest');
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'good', Body: '.' }));
    await expect.poll(() => events.length).toBe(1);
  });
});

describe('the server', () => {
  it('counts what passes through it', async () => {
    const { s3, server } = await start();
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body: 'abc' }));
    const got = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'a' }));
    await got.Body?.transformToString();
    expect(server.stats()).toEqual({ puts: 1, gets: 1, bytesIn: 3, bytesOut: 3 });
  });

  it('moves bytes under a limit whole', async () => {
    const { s3 } = await start({ bytesPerSecond: 4 * 1024 * 1024 });
    const Body = Buffer.alloc(600_000, 'limit');
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'a', Body }));
    const got = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'a' }));
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
  });

  it('keeps a folder to itself', async () => {
    const { dataDir } = await start();
    await expect(startHarness({ dataDir })).rejects.toThrow(/locked/);
  });

  it('finishes a request in flight before it closes, and keeps what it wrote', async () => {
    const harness = await startHarness();
    const outgoing = await presign(harness.url('late'), { method: 'PUT' });
    const socket = connect(harness.server.port, '127.0.0.1').setEncoding('utf8');
    const path = `${outgoing.url.pathname}${outgoing.url.search}`;
    socket.write(
      `PUT ${path} HTTP/1.1\r\nhost: ${outgoing.url.host}\r\ncontent-length: 8\r\nexpect: 100-continue\r\n\r\n`,
    );
    const invited = await new Promise<string>((resolve) => socket.once('data', resolve));
    expect(invited).toContain('100 Continue');
    const answered = new Promise<string>((resolve) => socket.once('data', resolve));
    const closing = harness.server.close();
    socket.write('in time!');
    expect(await answered).toContain('200 OK');
    await closing;
    socket.destroy();
    harness.s3.destroy();

    const again = await start({ dataDir: harness.dataDir });
    expect((await send(await presign(again.url('late')))).text).toBe('in time!');
  });

  it('answers what is no HTTP, and a method it does not know', async () => {
    const { server, url } = await start();
    const text = await new Promise<string>((resolve) => {
      const socket = connect(server.port, '127.0.0.1').setEncoding('utf8');
      socket.on('data', resolve);
      socket.write('hello\r\n\r\n');
    });
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect((await send(await presign(url('a'), { method: 'PATCH' }))).code).toBe('MethodNotAllowed');
  });
});

describe('kill -9', () => {
  interface Child {
    readonly s3: S3Client;
    kill(): Promise<void>;
  }

  async function startChild(dataDir: string): Promise<Child> {
    const script = join(import.meta.dirname, 'crash-server.ts');
    const child = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const url = await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve);
      child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    });
    const s3 = sdkClient(url);
    const kill = (): Promise<void> =>
      new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.once('exit', () => resolve());
        s3.destroy();
        child.kill('SIGKILL');
      });
    return { s3, kill };
  }

  async function keysOf(s3: S3Client): Promise<string[]> {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    return Contents.map(({ Key }) => Key ?? '');
  }

  it('in the middle of writes leaves every object wholly old or wholly new, every answered one, and no litter', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'bucket-crash-'));
    cleanups.push(() => rm(dataDir, { recursive: true }));
    const versions = (key: number): Buffer[] =>
      [0, 1].map((version) => Buffer.alloc(400_000 + key, `${key}v${version} `));
    const answered = new Map<number, number>();

    for (const killAfter of [3, 9, 20]) {
      const child = await startChild(dataDir);
      let count = 0;
      let killed: Promise<void> | undefined;
      const writers = Array.from({ length: 8 }, async (_, key) => {
        for (let turn = 0; killed === undefined; turn++) {
          const Body = versions(key)[turn % 2] ?? '';
          await child.s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: `k${key}`, Body }));
          answered.set(key, turn % 2);
          if (++count === killAfter) killed = child.kill();
        }
      });
      await Promise.allSettled(writers);
      await killed;
    }

    const child = await startChild(dataDir);
    cleanups.push(child.kill);
    const keys = await keysOf(child.s3);
    for (const key of answered.keys()) expect(keys).toContain(`k${key}`);
    for (const Key of keys) {
      const got = await child.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      const body = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
      expect(versions(Number(Key.slice(1))).some((version) => version.equals(body))).toBe(true);
      expect(got.ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
    }
    const files = await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true });
    expect(files.filter((entry) => entry.isFile())).toHaveLength(keys.length);
  });

  it('in the middle of a multipart upload leaves the parts that were answered, and the upload goes on', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'bucket-crash-'));
    cleanups.push(() => rm(dataDir, { recursive: true }));
    const before = await startChild(dataDir);
    const { UploadId } = await before.s3.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: 'mp' }));
    const bodies = [1, 2, 3, 4].map((number) => Buffer.alloc(5 * 1024 * 1024 + number, String(number)));
    const put = (s3: S3Client, index: number) =>
      s3.send(
        new UploadPartCommand({
          Bucket: BUCKET,
          Key: 'mp',
          UploadId,
          PartNumber: index + 1,
          Body: bodies[index] ?? '',
        }),
      );
    await put(before.s3, 0);
    const rest = [1, 2, 3].map((index) => put(before.s3, index));
    const answered = await Promise.race(rest.map((each, i) => each.then(() => i + 2)));
    await before.kill();
    await Promise.allSettled(rest);

    const after = await startChild(dataDir);
    const { Parts = [] } = await after.s3.send(new ListPartsCommand({ Bucket: BUCKET, Key: 'mp', UploadId }));
    const held = Parts.map(({ PartNumber = 0 }) => PartNumber);
    expect(held).toEqual(expect.arrayContaining([1, answered]));
    for (const index of [0, 1, 2, 3]) if (!held.includes(index + 1)) await put(after.s3, index);
    const listed = await after.s3.send(new ListPartsCommand({ Bucket: BUCKET, Key: 'mp', UploadId }));
    const MultipartUpload = { Parts: listed.Parts ?? [] };
    const done = new CompleteMultipartUploadCommand({ Bucket: BUCKET, Key: 'mp', UploadId, MultipartUpload });
    const answer = await after.s3.send(done);
    await after.kill();

    const last = await startChild(dataDir);
    cleanups.push(last.kill);
    expect((await last.s3.send(done)).ETag).toBe(answer.ETag);
    const got = await last.s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'mp' }));
    const body = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
    expect(body.equals(Buffer.concat(bodies))).toBe(true);
  });
});
