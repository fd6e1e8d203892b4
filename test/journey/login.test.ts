/** A person logs in to 115 by a code on the page, looks around in three destinations, and picks a folder with the keyboard alone. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { API_TOKEN, type FakeCloudDrive2, fakeCloudDrive2 } from '../fakes/clouddrive2/server.ts';
import { move } from '../fakes/pan115/passport.ts';
import { type Fake115, startFake115 } from '../fakes/pan115/server.ts';
import { addNode, ROOT_ID } from '../fakes/pan115/world.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';

const chromium = await findChromium();
let fake115: Fake115;
let fakeCloud: FakeCloudDrive2;
let home: ServerHome;
let server: RunningServer;

beforeAll(async () => {
  fake115 = await startFake115({ requestsPerSecond: 1000 });
  const films = addNode(fake115.world, { parentId: ROOT_ID, name: '影视', kind: 'folder' });
  for (const name of ['2024', '2025']) addNode(fake115.world, { parentId: films.id, name, kind: 'folder' });
  fakeCloud = await fakeCloudDrive2();
  home = await serverHome();
  server = await home.start();
  await mkdir(join(home.dataDir, 'delivered', 'photos'), { recursive: true });
  const address = `${fakeCloud.host}:${fakeCloud.port}`;
  const cloud = { provider: 'clouddrive2', settings: { address }, credentials: { apiToken: API_TOKEN } };
  expect((await server.api('POST', '/api/v1/destinations', { id: 'cloud', ...cloud })).status).toBe(201);
});

afterAll(async () => {
  await home?.cleanup();
  await fake115?.close();
  await fakeCloud?.[Symbol.asyncDispose]();
});

test.runIf(chromium)(
  'the page logs in by a code, again when the login has ended, and shows folders to pick',
  async () => {
    const browser = await launchChromium();
    try {
      const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 900 } });
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      await toTheFake(page);
      await page.goto(`${server.url}/#token=${server.token}`);
      await page.locator('.zone').waitFor();
      await page.goto(`${server.url}/#/destinations`);

      await addByCode(page);
      await endAndLogInAgain(page);
      await lookAtTheServer(page);
      await pickByKeyboard(page);
      expect(complaints).toEqual([]);
      for (const [token] of [...fake115.world.access, ...fake115.world.refresh]) {
        expect(await page.content()).not.toContain(token);
        expect(server.errors()).not.toContain(token);
      }
    } finally {
      await browser.close();
    }
  },
);

/** The form has no place for the address of another 115, and a person needs none. */
async function toTheFake(page: Page): Promise<void> {
  const { api, passport, qrcode } = fake115.urls;
  await page.route('**/api/v1/logins', async (route) => {
    const body = route.request().postDataJSON();
    const settings = { ...body.settings, requestsPerSecond: 3, endpoints: { api, passport, qrcode } };
    await route.continue({ postData: JSON.stringify({ ...body, settings }) });
  });
}

/** The person's phone. */
function phone(status: 1 | 2 | -2): void {
  move(fake115.world, [...fake115.world.logins.keys()].at(-1) ?? '', status);
}

async function addByCode(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Add destination' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Kind').selectOption('pan115');
  await dialog.getByLabel('Name', { exact: true }).fill('mine');
  await dialog.getByLabel('Client ID').fill('100000115');
  await dialog.getByRole('button', { name: 'Show the code' }).click();
  await dialog.getByRole('img', { name: 'QR code of the login to 115' }).waitFor();
  const status = dialog.getByRole('status');
  await status.getByText('Waiting for the scan').waitFor();
  phone(-2);
  await status.getByText('turned down').waitFor();
  await dialog.getByRole('button', { name: 'New code' }).click();
  await status.getByText('Waiting for the scan').waitFor();
  phone(1);
  await status.getByText('Scanned').waitFor();
  phone(2);
  await status.getByText('Logged in. mine is ready.').waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('heading', { name: 'mine' }).waitFor();
  const { body } = await server.api('POST', '/api/v1/destinations/mine/check', {});
  expect(body).toMatchObject({ ok: true });
}

async function endAndLogInAgain(page: Page): Promise<void> {
  // Somebody has taken the application's right away.
  fake115.world.access.clear();
  fake115.world.refresh.clear();
  const place = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'mine' }) });
  await place.getByRole('button', { name: 'Check' }).click();
  await place.getByText('Log in again under Destinations').waitFor();
  await place.getByRole('button', { name: 'Log in again' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Waiting for the scan').waitFor();
  phone(2);
  await dialog.getByText('Logged in').waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await place.getByRole('button', { name: 'Check' }).click();
  await place.getByText('Reachable and writable').waitFor();
}

async function lookAtTheServer(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Tasks and mounts cloud' }).click();
  await page.getByText('Nothing is being sent.').waitFor();
  await page.getByText('Nothing is mounted.').waitFor();
}

async function pickByKeyboard(page: Page): Promise<void> {
  await page.goto(`${server.url}/#/transfers`);
  for (const name of ['mine', 'cloud', 'folder']) {
    await page.getByRole('checkbox', { name: new RegExp(`^${name} `) }).setChecked(true);
  }
  await page.getByRole('button', { name: 'Browse' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('[role=treeitem]:focus').waitFor();
  const which = dialog.getByLabel('Destination');
  await which.selectOption('folder');
  await dialog.getByRole('treeitem', { name: 'photos' }).waitFor();
  await which.selectOption('cloud');
  await dialog.getByRole('treeitem', { name: '115' }).waitFor();
  await which.selectOption('mine');
  const films = dialog.getByRole('treeitem', { name: '影视' });
  await films.waitFor();
  await which.focus();
  await page.keyboard.press('Tab');
  for (const key of ['ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
  await dialog.getByRole('treeitem', { name: '2025' }).waitFor();
  expect(await films.getAttribute('aria-expanded')).toBe('true');
  for (const key of ['ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
  await dialog.getByRole('treeitem', { name: '2025', selected: true }).waitFor();
  await dialog.getByRole('button', { name: 'New folder' }).click();
  // Takes back what was opened last, and no more.
  await page.keyboard.press('Escape');
  await dialog.getByRole('button', { name: 'New folder' }).click();
  await page.keyboard.type('纪录片');
  await page.keyboard.press('Enter');
  await dialog.getByRole('treeitem', { name: '纪录片', selected: true }).waitFor();
  await dialog.getByRole('treeitem', { name: '纪录片' }).press('Enter');
  await dialog.waitFor({ state: 'detached' });
  expect(await page.getByLabel('Folder at the destination').inputValue()).toBe('/影视/2025/纪录片');
  expect([...fake115.world.nodes.values()].map(({ name }) => name)).toContain('纪录片');
}
