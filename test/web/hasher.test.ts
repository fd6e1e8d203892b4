import { createHash } from 'node:crypto';
import { mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { plainHasher } from '../../web/upload/hasher.ts';
import { type BuiltPage, builtPage } from '../support/built-page.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { testBytes } from './fake-api.ts';

const MIB = 1024 * 1024;
const NEVER = new AbortController().signal;
const CHANGED = { code: 'client.file_changed' };
const UPLOAD = fileURLToPath(new URL('../../web/upload', import.meta.url));

/** The page's own thread hashes too: memory can be collected there on demand, and it can wait for the file to change. */
const ENTRY = `
import { plainHasher } from '${UPLOAD}/hasher.ts';
import { workerHasher } from '${UPLOAD}/worker-hasher.ts';
const hashers = { page: plainHasher, worker: workerHasher() };
const file = () => document.getElementById('file').files[0];
const settled = (promise) => promise.catch(({ code, name }) => (name === 'AbortError' ? name : code));
globalThis.whole = (where, algorithms, onHashed = () => {}, signal = new AbortController().signal) =>
  settled(hashers[where].whole(file(), algorithms, signal, onHashed));
globalThis.range = (where, ask) => settled(hashers[where].range(file(), ask, new AbortController().signal));
globalThis.wholeStopped = () => {
  const stop = new AbortController();
  return whole('worker', ['sha1'], () => stop.abort(), stop.signal);
};
globalThis.wholeChanged = () => {
  let isTold = false;
  return whole('page', ['sha1'], () => {
    if (isTold) return;
    isTold = true;
    const request = new XMLHttpRequest();
    request.open('GET', '/change', false);
    request.send();
  });
};
`;

const hasChromium = (await findChromium()) !== null;

describe('the hasher', () => {
  const bytes = testBytes(3 * MIB + 5);
  const fileOf = () => new File([bytes], 'film.mkv');
  const sha1 = hex('sha1', bytes);

  it('gives each digest that is asked for, and tells of every byte', async () => {
    const told: number[] = [];
    const digests = await plainHasher.whole(fileOf(), ['sha1', 'md5', 'sha256'], NEVER, (n) => told.push(n));
    expect(digests).toEqual({ sha1, md5: hex('md5', bytes), sha256: hex('sha256', bytes) });
    expect(told.at(-1)).toBe(bytes.length);
  });

  it('hashes as well where a browser reads files only into buffers of its own', async () => {
    const file = fileOf();
    file.stream = () => plainStream(bytes);
    expect(await plainHasher.whole(file, ['sha1'], NEVER, () => {})).toEqual({ sha1 });
  });

  it('refuses a file whose bytes end before its size', async () => {
    const file = fileOf();
    file.stream = () => plainStream(bytes.subarray(0, MIB));
    await expect(plainHasher.whole(file, ['sha1'], NEVER, () => {})).rejects.toMatchObject(CHANGED);
  });

  it('stops between two pieces when it is told to', async () => {
    const file = fileOf();
    const stop = new AbortController();
    let isCanceled = false;
    file.stream = () =>
      new ReadableStream({
        pull(controller) {
          stop.abort();
          controller.enqueue(new Uint8Array(MIB));
        },
        cancel() {
          isCanceled = true;
        },
      });
    await expect(plainHasher.whole(file, ['sha1'], stop.signal, () => {})).rejects.toThrow('aborted');
    expect(isCanceled).toBe(true);
  });
});

describe.skipIf(!hasChromium)('the hasher in Chromium', () => {
  const mib = testBytes(MIB);
  const bytes = Buffer.concat(Array.from({ length: 32 }, () => mib));
  const sha1 = hex('sha1', bytes);
  let directory: string;
  let path: string;
  let pages: BuiltPage;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'entrepot-hasher-'));
    path = join(directory, 'film.mkv');
    [pages, browser] = await Promise.all([builtPage({ name: 'hashing-test', entry: ENTRY }), launchChromium()]);
  });
  beforeEach(async () => {
    await writeFile(path, bytes);
    page = await browser.newPage();
    await page.goto(pages.url);
    await page.locator('#file').setInputFiles(path);
    // Chromium may look at the file only now, and what it sees then is what was picked.
    expect(await page.evaluate(`document.getElementById('file').files[0].lastModified`)).toBeGreaterThan(1_000);
  });
  afterEach(() => page.close());
  afterAll(async () => {
    await browser.close();
    await pages[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  it('hashes files and ranges of them in the worker, several at once', async () => {
    const asked = [
      `whole('worker', ['sha1', 'md5'])`,
      `whole('worker', ['sha256'])`,
      `range('worker', { id: 'ask', algorithm: 'sha1', start: 7, end: 5000007 })`,
    ];
    expect(await page.evaluate(`Promise.all([${asked.join()}])`)).toEqual([
      { sha1, md5: hex('md5', bytes) },
      { sha256: hex('sha256', bytes) },
      hex('sha1', bytes.subarray(7, 5_000_007)),
    ]);
  });

  it('loses no read when memory is collected meanwhile', async () => {
    const session = await page.context().newCDPSession(page);
    let isOver = false;
    const hashing = page.evaluate(`whole('page', ['sha1'])`).finally(() => {
      isOver = true;
    });
    while (!isOver) await session.send('HeapProfiler.collectGarbage');
    expect(await hashing).toEqual({ sha1 });
  });

  it('stops at once when it is told to, and answers the next question', async () => {
    expect(await page.evaluate('wholeStopped()')).toBe('AbortError');
    expect(await page.evaluate(`whole('worker', ['sha1'])`)).toEqual({ sha1 });
  });

  it('refuses a file that changed after it was picked', async () => {
    await utimes(path, 1, 1);
    expect(await page.evaluate(`whole('worker', ['sha1'])`)).toBe(CHANGED.code);
  });

  it.each([
    ['cut short', () => truncate(path, 20 * MIB)],
    ['written to', () => utimes(path, 1, 1)],
  ])('refuses a file that is %s while it is being hashed', async (_, change) => {
    await page.route('**/change', async (route) => {
      await change();
      await route.fulfill();
    });
    expect(await page.evaluate('wholeChanged()')).toBe(CHANGED.code);
  });
});

function hex(algorithm: string, bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex');
}

/** Of the kind that cannot read into a buffer that it is given. */
function plainStream(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += MIB) controller.enqueue(bytes.subarray(at, at + MIB));
      controller.close();
    },
  });
}
