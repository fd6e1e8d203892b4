/** People whose page uses Uppy as it is published: both lines of its S3 plug-in, in a browser, on an origin of their own. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { sha256, testBytes, untilEnded } from '../support/staging-client.ts';
import { findUppy, servePage, type UppyPage, type UppyVersion, type Visit, visit } from '../support/uppy.ts';

const MIB = 1024 * 1024;
/** Slow enough to be interrupted. */
const BUCKET_BYTES_PER_SECOND = 30 * MIB;

const chromium = await findChromium();
let folder: string;
let home: ServerHome;
let server: RunningServer;
let browser: Browser;
let s3: S3Client;
let bucket: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-uppy-'));
  home = await serverHome({ ENTREPOT_BUCKET_LIMIT: String(BUCKET_BYTES_PER_SECOND) });
  server = await home.start();
  if (chromium !== null) browser = await launchChromium();
  const keys = JSON.parse(await readFile(join(home.dataDir, 's3.json'), 'utf8'));
  bucket = keys.bucket;
  s3 = new S3Client({ endpoint: keys.endpoint, region: keys.region, forcePathStyle: true, credentials: keys });
});

afterAll(async () => {
  s3?.destroy();
  await browser?.close();
  await home?.cleanup();
  if (folder) await rm(folder, { recursive: true, force: true });
});

describe.each<UppyVersion>(['5.1.0', '6.3.1'])('@uppy/aws-s3 %s', async (version) => {
  const script = chromium === null ? null : await findUppy(version);
  const isMissing = script === null;
  let site: UppyPage;
  let endpoint: string;
  let auth: Pick<Visit, 'token'>;

  beforeAll(async () => {
    if (script === null) return;
    site = await servePage(script);
    // Version 6 can send no header: its right is in its address.
    const path = `/${version}`;
    const { body } = await server.api('POST', '/api/v1/uppy/tokens', { destinationId: 'folder', path });
    endpoint = version === '5.1.0' ? `${server.url}/api/uppy/folder` : body.endpoint;
    auth = version === '5.1.0' ? { token: server.token } : {};
  });
  afterAll(() => site?.close());

  /** Folder of the destination that this version's files go to. */
  const root = version === '5.1.0' ? '/' : `/${version}`;
  const delivered = (...path: string[]) => join(home.dataDir, 'delivered', root, ...path);

  async function onPage<T>(path: string, work: (page: Page) => Promise<T>): Promise<T> {
    const page = await browser.newPage();
    try {
      await open(page, path);
      return await work(page);
    } finally {
      await page.close();
    }
  }

  async function open(page: Page, path: string): Promise<void> {
    await page.goto(site.url);
    await page.locator('#file').setInputFiles(path);
  }

  async function fileOf(name: string, bytes: Buffer): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  }

  async function transfersOf(name: string): Promise<any[]> {
    const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
    return body.items.filter((view: any) => view.name === name && view.path.startsWith(root));
  }

  async function untilDelivered(name: string, count = 1): Promise<any[]> {
    for (;;) {
      const found = await transfersOf(name);
      if (found.length >= count) return Promise.all(found.map(({ id }) => untilEnded(() => server, id)));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function unfinished(name: string): Promise<number> {
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return (Uploads ?? []).filter(({ Key }) => Key?.endsWith(`/${name}`)).length;
  }

  const go = (page: Page, given: Omit<Visit, 'endpoint'> = {}) => visit(page, version, { endpoint, ...auth, ...given });

  test.skipIf(isMissing).each([
    ['nothing in it', 'zero.bin', 0],
    ['one byte', 'one.bin', 1],
    ['30 MB, in one request', '测试 文件 (1)+%20 #.mp4', 30_000_000],
    ['120 MB, in parts', '大 文件 😀.mp4', 120_000_000],
  ])('a file with %s arrives byte for byte', async (_, name, sizeBytes) => {
    const bytes = testBytes(sizeBytes);
    const path = await fileOf(name, bytes);
    const told = await onPage(path, (page) => go(page, { meta: { relativePath: `影视/${name}` } }));
    expect(told).toMatchObject({ outcome: 'success', error: null });
    expect(told.parts > 1).toBe(sizeBytes > 100 * MIB);
    const [view] = await untilDelivered(name);
    expect(view).toMatchObject({ phase: 'done', sizeBytes, path: root === '/' ? '/影视' : `${root}/影视` });
    expect(sha256(await readFile(delivered('影视', name)))).toBe(sha256(bytes));
    if (told.parts > 1) expect(told.uploadUrl).toContain(`/api/v1/uploads/${view.uploadId}`);
  });

  test.skipIf(isMissing)('two files of one name are both delivered', async () => {
    const both = [testBytes(1_000), testBytes(2_000)];
    for (const bytes of both) {
      const path = await fileOf('twice.bin', bytes);
      expect(await onPage(path, (page) => go(page))).toMatchObject({ outcome: 'success' });
    }
    await untilDelivered('twice.bin', 2);
    const names = (await readdir(delivered())).filter((name) => name.startsWith('twice'));
    const contents = await Promise.all(names.map(async (name) => sha256(await readFile(delivered(name)))));
    expect(contents.sort()).toEqual(both.map(sha256).sort());
  });

  test.skipIf(isMissing)('paused and resumed it arrives', async () => {
    const bytes = testBytes(62 * MIB + 77);
    const path = await fileOf('paused.bin', bytes);
    const told = await onPage(path, (page) =>
      go(page, { multipart: true, after: { parts: 4, deed: 'pause' }, retries: 1 }),
    );
    expect(told).toMatchObject({ outcome: 'success', error: null });
    await untilDelivered('paused.bin');
    expect(sha256(await readFile(delivered('paused.bin')))).toBe(sha256(bytes));
  });

  test.skipIf(isMissing)('canceled, it leaves nothing in the store and delivers nothing', async () => {
    const path = await fileOf('canceled.bin', testBytes(40 * MIB));
    await onPage(path, async (page) => {
      const answered = page.waitForResponse((answer) => answer.request().method() === 'DELETE');
      const told = await go(page, { multipart: true, after: { parts: 2, deed: 'cancel' } });
      expect(told.outcome).toBe('canceled');
      expect((await answered).status()).toBe(200);
    });
    expect(await unfinished('canceled.bin')).toBe(0);
    expect(await transfersOf('canceled.bin')).toEqual([]);
  });

  test.skipIf(isMissing)(
    'resumed after a reload with the same part size, it arrives and sends the rest only',
    async () => {
      const bytes = testBytes(52 * MIB + 3);
      const path = await fileOf('reloaded.bin', bytes);
      const told = await onPage(path, async (page) => {
        const left = await go(page, { multipart: true, after: { parts: 5, deed: 'leave' } });
        await open(page, path);
        return go(page, { multipart: true, resume: left.kept });
      });
      expect(told).toMatchObject({ outcome: 'success', error: null });
      expect(told.parts).toBeLessThanOrEqual(6);
      await untilDelivered('reloaded.bin');
      expect(sha256(await readFile(delivered('reloaded.bin')))).toBe(sha256(bytes));
    },
  );

  test.skipIf(isMissing)('resumed with another part size it is refused, says why, and delivers nothing', async () => {
    const path = await fileOf('resized.bin', testBytes(90 * MIB + 5));
    const kept = await onPage(path, async (page) => {
      const left = await go(page, { multipart: true, after: { parts: 2, deed: 'leave' } });
      await open(page, path);
      const again: Omit<Visit, 'endpoint'> = { multipart: true, partBytes: 8 * MIB, resume: left.kept };
      expect(await go(page, again)).toMatchObject({ outcome: 'failed' });
      return left.kept;
    });
    const { key, uploadId } = kept as { readonly key: string; readonly uploadId: string };
    const answer = await fetch(`${endpoint}/s3/multipart/${uploadId}?key=${encodeURIComponent(key)}`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    expect(answer.status).toBe(409);
    const said: any = await answer.json();
    expect(said).toMatchObject({ code: 'guest.part_size_changed', error: said.message });
    expect(said.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await transfersOf('resized.bin')).toEqual([]);
  });

  test.skipIf(isMissing)(
    'resumed with another part size whose last piece fits by chance, it is delivered whole or not at all',
    async () => {
      // 5, 5 | 5, 5 in parts of 5; 8, 8, 4 in parts of 8: two fives and a four would look like a file of 14.
      const bytes = testBytes(20 * MIB);
      const path = await fileOf('chance.bin', bytes);
      const again = await onPage(path, async (page) => {
        const name = 'chance.bin';
        const left = await go(page, { name, multipart: true, after: { parts: 2, deed: 'leave' } });
        await open(page, path);
        return go(page, { name, multipart: true, partBytes: 8 * MIB, resume: left.kept, retries: 2 });
      });
      // Where more than two parts had landed by then, it has to send so much anew that what it ends with is its own cut.
      if (again.outcome === 'success') {
        expect(await untilDelivered('chance.bin')).toMatchObject([{ status: 'success', sizeBytes: bytes.length }]);
        expect((await readFile(delivered('chance.bin'))).equals(bytes)).toBe(true);
      } else {
        expect(again.outcome).toBe('failed');
        expect(await transfersOf('chance.bin')).toEqual([]);
      }
    },
  );
});

test('a client that never heard that it was complete lists what is there, completes again, and nothing is doubled', async () => {
  const base = `${server.url}/api/uppy/folder/s3/multipart`;
  const call = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> => {
    const answer = await fetch(base + path, {
      method,
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const bytes = testBytes(5 * MIB + 3);
  const { body } = await call('POST', '', { filename: 'un heard.bin', type: 'a/b', metadata: {} });
  const query = `?${new URLSearchParams({ key: body.key })}`;
  const parts: { PartNumber: number; ETag: string | null }[] = [];
  for (const [index, piece] of [bytes.subarray(0, 5 * MIB), bytes.subarray(5 * MIB)].entries()) {
    const signed = await call('GET', `/${body.uploadId}/${index + 1}${query}`);
    const answer = await fetch(signed.body.url, { method: 'PUT', body: new Uint8Array(piece) });
    parts.push({ PartNumber: index + 1, ETag: answer.headers.get('etag') });
  }
  expect((await call('POST', `/${body.uploadId}/complete${query}`, { parts })).status).toBe(200);
  const listed = await call('GET', `/${body.uploadId}${query}`);
  expect(listed.body.map((part: any) => part.PartNumber)).toEqual([1, 2]);
  expect((await call('POST', `/${body.uploadId}/complete${query}`, { parts: listed.body })).status).toBe(200);
  for (;;) {
    const { body: all } = await server.api('GET', '/api/v1/transfers?limit=200');
    const mine = all.items.filter((view: any) => view.name === 'un heard.bin');
    expect(mine.length).toBeLessThanOrEqual(1);
    if (mine[0]?.phase === 'done') break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(sha256(await readFile(join(home.dataDir, 'delivered', 'un heard.bin')))).toBe(sha256(bytes));
});
