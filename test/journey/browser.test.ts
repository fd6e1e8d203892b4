/** A person's evening: a 300 MiB file is dropped on the page, the tab is reloaded, the server dies twice. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { testBytes } from '../support/staging-client.ts';

const SIZE_BYTES = 300 * 1024 * 1024 + 4321;
const BUCKET_BYTES_PER_SECOND = 24 * 1024 * 1024;
const NAME = '婚礼 录像 (终版) 😀.mp4';

const chromium = await findChromium();
let folder: string;
let home: ServerHome;
let server: RunningServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-file-'));
  home = await serverHome({ ENTREPOT_BUCKET_LIMIT: String(BUCKET_BYTES_PER_SECOND) });
  server = await home.start();
});

afterAll(async () => {
  await home?.cleanup();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test.runIf(chromium)('a file dropped on the page arrives intact through a reload and two kills', async () => {
  const path = join(folder, NAME);
  await writeLarge(path);
  const browser = await launchChromium();
  try {
    const context = await browser.newContext({ locale: 'zh-CN', viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    await page.goto(`${server.url}/#token=${server.token}`);
    await page.locator('.zone').waitFor();
    expect(page.url()).not.toContain(server.token);
    await drop(page, path);
    await untilStaged(0.3);

    await page.reload();
    await carryOn(page, path);
    await untilStaged(0.5);

    await server.stop('SIGKILL');
    server = await home.start();
    await untilStaged(0.8);
    await server.stop('SIGKILL');
    server = await home.start();

    const view = await untilDone();
    expect(view).toMatchObject({ status: 'success', movedBytes: SIZE_BYTES, name: NAME });
    await page.getByText(NAME).first().waitFor();
    await page.locator('[data-status="success"], .status-success').first().waitFor();
    const delivered = join(home.dataDir, 'delivered');
    expect(await readdir(delivered)).toEqual([NAME]);
    expect(await hashOf(join(delivered, NAME))).toBe(await hashOf(path));
  } finally {
    await browser.close();
  }
});

async function transfers(): Promise<any[]> {
  const { body } = await server.api('GET', '/api/v1/transfers');
  return body.items;
}

async function untilStaged(share: number): Promise<void> {
  for (;;) {
    const [view] = await transfers();
    if (view && view.stagedBytes >= share * SIZE_BYTES) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function untilDone(): Promise<any> {
  for (;;) {
    const [view] = await transfers();
    if (view?.phase === 'done' || view?.phase === 'failed') return view;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** A real drag of a file from outside, which gives the page a file handle, as a person's does. */
async function drop(page: Page, path: string): Promise<void> {
  const box = await page.locator('.zone').boundingBox();
  if (box === null) throw new Error('the page has no drop zone');
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, x: box.x + box.width / 2, y: box.y + 20, data });
  }
}

/** What a person does after a reload: one click, or picking the file again where the browser no longer grants it. */
async function carryOn(page: Page, path: string): Promise<void> {
  const card = page.locator('.carry');
  const row = page.getByText(NAME).first();
  await row.waitFor();
  if (await card.locator('input[data-pick="again"]').count()) {
    await card.locator('input[data-pick="again"]').setInputFiles(path);
  }
}

async function writeLarge(path: string): Promise<void> {
  const file = await open(path, 'w');
  const piece = 16 * 1024 * 1024;
  for (let at = 0; at < SIZE_BYTES; at += piece) await file.write(testBytes(Math.min(piece, SIZE_BYTES - at)));
  await file.close();
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
