/** A person with a 115 account: files that 115 knows take no byte, files that it does not know arrive, from page, command line and S3. */
import { createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, readSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#adapters/system/clock.ts';
import { command } from '../cli/command.ts';
import { type FakeOss, startFakeOss } from '../fakes/oss/server.ts';
import { newPair } from '../fakes/pan115/passport.ts';
import { type Fake115, startFake115 } from '../fakes/pan115/server.ts';
import type { Content } from '../fakes/pan115/world.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { stageMissing, testBytes } from '../support/staging-client.ts';

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** Where a large file is not nought, so that a range one byte off has another digest. */
const MARKS = [0, 500_000_000, GIB - 300];

const chromium = await findChromium();
let folder: string;
let fake: Fake115;
let oss: FakeOss;
let home: ServerHome;
let server: RunningServer;
let s3: S3Client;
let bucket: string;
let browser: Browser | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-115-'));
  oss = await startFakeOss({ bucket: 'fhnfile', region: 'cn-shenzhen', keys: [] });
  fake = await startFake115({
    ossEndpoint: oss.endpoint,
    grant: (key) => oss.keys.set(key.accessKeyId, key),
    contentOf: (object) => oss.store.objects.get(object)?.bytes,
    // More than the setting below: a request may be some milliseconds late, and the next one on time.
    requestsPerSecond: 6,
  });
  home = await serverHome();
  server = await home.start();
  const { api, passport, upload, web } = fake.urls;
  const pair = newPair(fake.world);
  const made = await server.api('POST', '/api/v1/destinations', {
    id: 'pan',
    provider: 'pan115',
    settings: {
      prefix: '备份',
      requestsPerSecond: 3,
      endpoints: { api, passport, upload, web, oss: oss.endpoint, ossPathStyle: true },
    },
    credentials: {
      accessToken: pair.access_token,
      refreshToken: pair.refresh_token,
      expiresAtMs: Date.now() + pair.expires_in * 1000,
    },
  });
  expect(made.status).toBe(201);
  // The page sends to the first one where nobody has chosen.
  await server.api('DELETE', '/api/v1/destinations/folder');
  const keys = JSON.parse(await readFile(join(home.dataDir, 's3.json'), 'utf8'));
  bucket = keys.bucket;
  s3 = new S3Client({
    endpoint: keys.endpoint,
    region: keys.region,
    forcePathStyle: true,
    credentials: { accessKeyId: keys.accessKeyId, secretAccessKey: keys.secretAccessKey },
  });
});

afterAll(async () => {
  await browser?.close();
  s3?.destroy();
  await home?.cleanup();
  await fake?.close();
  await oss?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  oss.log.length = 0;
  fake.log.length = 0;
});

test.runIf(chromium)(
  'a file of 1 GiB that 115 knows is there without a byte staged, and the page answers meanwhile',
  async () => {
    const path = join(folder, '电影.mkv');
    await writeSparse(path);
    fake.world.contents.set(await sha1Of(path), contentOf(path));
    // Around a mark.
    fake.world.ranges.push('499999900-500000050');
    await onPage(async (page, sent) => {
      const worker = page.waitForEvent('worker');
      await drop(page, path);
      await worker;
      await page.locator('[data-status="hashing"]').first().waitFor();
      // It must be over before the hashing is: the click's effect is looked for while the file is still being read.
      await page.locator('nav a, nav button').last().click();
      expect(await viewOf('电影.mkv')).toBeUndefined();
      const view = await untilEnded('电影.mkv');
      expect(view).toMatchObject({ status: 'quick_success', instant: true });
      expect(sent()).toBe(0);
    });
    expect(await stagedObjects()).toEqual([]);
    expect(oss.log).toEqual([]);
    expect(filesNamed('电影.mkv')).toMatchObject([{ sizeBytes: GIB }]);
  },
);

test.runIf(chromium)('a file that 115 does not know is staged by the page and arrives byte for byte', async () => {
  const bytes = testBytes(25 * MIB + 7);
  const path = await written('新 文件.mkv', bytes);
  await onPage(async (page, sent) => {
    await drop(page, path);
    expect(await untilEnded('新 文件.mkv')).toMatchObject({ status: 'success', instant: false });
    expect(sent()).toBe(3);
  });
  expectArrived('新 文件.mkv', bytes);
});

test.runIf(chromium)(
  'a file whose announced digest is another one is staged, found out, and fails in clear words',
  async () => {
    const path = await written('假.mkv', testBytes(12 * MIB));
    await onPage(async (page, sent) => {
      await page.route('**/api/v1/uploads', async (route) => {
        const body = route.request().postDataJSON();
        await route.continue({ postData: { ...body, digests: { sha1: 'ab'.repeat(20) } } });
      });
      await drop(page, path);
      const view = await untilEnded('假.mkv');
      expect(view).toMatchObject({ status: 'failed', error: { code: 'digest.mismatch' } });
      expect(view.error.message).toContain('sha1');
      expect(sent()).toBe(2);
    });
    expect(oss.log).not.toContain('CompleteMultipartUpload');
    expect(filesNamed('假.mkv')).toEqual([]);
  },
);

test('the command line sends what 115 does not know, and not a byte of what it knows', async () => {
  const bytes = testBytes(11 * MIB);
  const around = { env: { ENTREPOT_DATA: home.dataDir }, clock: systemClock() };
  const put = async (name: string) => {
    const path = await written(name, bytes);
    return command(['put', path, '--to', 'pan/电影', '--digest', 'sha1', '--watch'], around);
  };
  const first = await put('一.mkv');
  expect(first).toMatchObject({ code: 0, errors: '' });
  expect(first.events).toContainEqual(expect.objectContaining({ event: 'staged', sentBytes: bytes.length }));
  expectArrived('一.mkv', bytes);
  oss.log.length = 0;
  const second = await put('二.mkv');
  expect(second).toMatchObject({ code: 0, errors: '' });
  expect(second.events).toContainEqual(expect.objectContaining({ event: 'staged', sentBytes: 0 }));
  expect(oss.log).toEqual([]);
  expectArrived('二.mkv', bytes);
});

test('a file that another S3 client puts arrives with the digest of its bytes, whatever the client says of them', async () => {
  const bytes = testBytes(6 * MIB);
  const Metadata = { sha1: 'ab'.repeat(20) };
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'inbox/pan/电影/三.mkv', Body: bytes, Metadata }));
  expect(await untilEnded('三.mkv')).toMatchObject({ status: 'success', receipt: { evidence: 'A' } });
  expectArrived('三.mkv', bytes);
});

test('a server that is killed in the middle of a file sends no part again, not even the one without an answer', async () => {
  const bytes = testBytes(52 * MIB);
  const count = () => oss.log.filter((name) => name === 'UploadPart').length;
  oss.misbehave('UploadPart', 'stalled', 3);
  const created = await server.api('POST', '/api/v1/uploads', {
    name: '四.mkv',
    sizeBytes: bytes.length,
    destinations: [{ id: 'pan', path: '/电影' }],
  });
  const staged = stageMissing(() => server, created.body.upload.id, bytes);
  for (const parts of [1, 2, 3]) {
    while (count() < parts) await new Promise((resolve) => setTimeout(resolve, 20));
    if (parts < 3) oss.release();
  }
  await staged;
  await server.stop('SIGKILL');
  // The bucket has the third part whole; nobody hears of it.
  oss.release();
  server = await home.start();
  expect(await untilEnded('四.mkv')).toMatchObject({ status: 'success' });
  expect(count()).toBe(6);
  expect(oss.log).toContain('ListParts');
  expectArrived('四.mkv', bytes);
});

function expectArrived(name: string, bytes: Buffer): void {
  const sha1 = createHash('sha1').update(bytes).digest('hex').toUpperCase();
  expect(filesNamed(name)).toMatchObject([{ sizeBytes: bytes.length, sha1 }]);
  const content = fake.world.contents.get(sha1);
  expect(Buffer.from(content?.subarray(0, bytes.length) ?? []).equals(bytes)).toBe(true);
}

async function written(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

async function onPage(work: (page: Page, sentChunks: () => number) => Promise<void>): Promise<void> {
  browser ??= await launchChromium();
  const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1280, height: 800 } });
  try {
    const page = await context.newPage();
    let puts = 0;
    page.on('request', (request) => {
      if (request.method() === 'PUT') puts += 1;
    });
    await page.goto(`${server.url}/#token=${server.token}`);
    await page.locator('.zone').waitFor();
    await work(page, () => puts);
  } finally {
    await context.close();
  }
}

async function viewOf(name: string): Promise<any> {
  const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
  return body.items.find((view: any) => view.name === name);
}

async function untilEnded(name: string): Promise<any> {
  for (;;) {
    const view = await viewOf(name);
    if (['done', 'failed', 'canceled'].includes(view?.phase)) return view;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function stagedObjects(): Promise<readonly string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key = '' }) => Key);
}

function filesNamed(name: string) {
  return [...fake.world.nodes.values()].filter((node) => node.kind === 'file' && node.name === name);
}

/** A real drag of a file from outside, as a person's. */
async function drop(page: Page, path: string): Promise<void> {
  const box = await page.locator('.zone').boundingBox();
  if (box === null) throw new Error('the page has no drop zone');
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: box.x + box.width / 2, y: box.y + 20, data });
  }
}

/** 1 GiB that takes three blocks of the disk. */
async function writeSparse(path: string): Promise<void> {
  const file = await open(path, 'w');
  await file.truncate(GIB);
  for (const at of MARKS) await file.write(testBytes(200), 0, 200, at);
  await file.close();
}

/** The file as 115 has it from somebody else. */
function contentOf(path: string): Content {
  return {
    length: GIB,
    subarray: (start, end) => {
      const bytes = Buffer.alloc(end - start);
      const file = openSync(path, 'r');
      readSync(file, bytes, 0, bytes.length, start);
      closeSync(file);
      return bytes;
    },
  };
}

async function sha1Of(path: string): Promise<string> {
  const hash = createHash('sha1');
  await pipeline(createReadStream(path, { highWaterMark: MIB }), hash);
  return hash.digest('hex').toUpperCase();
}
