import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LinkId } from '#core/wire/ids.ts';
import type { DropView } from '#core/wire/link.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type FakeApi, fakeApi, testBytes } from './fake-api.ts';
import { type FakeDrop, fakeDrop, SECRET } from './fake-drop.ts';
import { TOKEN } from './fake-routes.ts';

const hasChromium = (await findChromium()) !== null;

describe.skipIf(!hasChromium)('the page of a link in Chromium', () => {
  let browser: Browser;
  let pageDir: string;
  let filesDir: string;
  let fake: FakeApi;
  let drop: FakeDrop;
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    pageDir = await mkdtemp(join(tmpdir(), 'entrepot-drop-page-'));
    filesDir = await mkdtemp(join(tmpdir(), 'entrepot-drop-files-'));
    const root = join(import.meta.dirname, '../../web');
    await Promise.all([
      build({ root, configFile: join(root, 'vite.config.ts'), logLevel: 'error', build: { outDir: pageDir } }),
      launchChromium().then((launched) => {
        browser = launched;
      }),
    ]);
  });
  afterAll(async () => {
    await browser.close();
    for (const dir of [pageDir, filesDir]) await rm(dir, { recursive: true });
  });
  afterEach(async () => {
    await context.close();
    await fake.close();
  });

  async function begin(view: Partial<DropView> = {}): Promise<void> {
    drop = fakeDrop(view);
    fake = await fakeApi({ pageDir, chunkBytes: 50_000, drop });
    context = await browser.newContext({ locale: 'en-GB' });
    page = await newPage();
  }

  async function newPage(): Promise<Page> {
    const fresh = await context.newPage();
    fresh.setDefaultTimeout(10_000);
    fresh.on('dialog', (dialog) => void dialog.accept());
    return fresh;
  }

  async function openLink(): Promise<void> {
    await page.goto(`${fake.origin}/#drop=${SECRET}`);
    await page.locator('[data-pick=files]').waitFor({ state: 'attached' });
  }

  const item = (status: string) => page.locator(`.drop-item[data-status=${status}]`);
  const pick = (...names: readonly string[]) =>
    page.setInputFiles(
      '[data-pick=files]',
      names.map((name) => ({ name, mimeType: 'video/mp4', buffer: testBytes(120_000, name) })),
    );
  const sent = () => [...fake.uploads.keys()].map((id) => fake.content(id));

  it('takes files in a browser that lets no page keep anything, and the secret leaves the address all the same', async () => {
    await begin();
    await page.addInitScript(() => {
      const refuse = {
        get: () => {
          throw new DOMException('refused', 'SecurityError');
        },
      };
      Object.defineProperty(window, 'localStorage', refuse);
      Object.defineProperty(window, 'indexedDB', refuse);
    });
    await openLink();
    expect(page.url()).not.toContain(SECRET);
    await page.getByLabel('Your name').fill('Ann');
    await pick('kept nowhere.mp4');
    await expect.poll(sent).toEqual([testBytes(120_000, 'kept nowhere.mp4')]);
    await page.goto(`${fake.origin}/#token=${TOKEN}`);
    await page.reload();
    await page.getByLabel(/token/i).waitFor();
  });

  it('has the secret leave the address at once, finds it again after a reload, and leaves the owner’s token alone', async () => {
    await begin();
    await page.goto(`${fake.origin}/#token=${TOKEN}`);
    await page.locator('.to-name', { hasText: 'nas' }).waitFor();
    await openLink();
    expect(page.url()).not.toContain(SECRET.slice(27));
    await page.reload();
    await page.getByRole('heading', { name: 'Footage for the spring film' }).waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
    await pick('a.mp4');
    await item('placing').waitFor();
    expect(drop.announced).toMatchObject([{ folder: '/', senderName: undefined }]);
    await page.goto(`${fake.origin}/#/transfers`);
    await page.locator('.to-name', { hasText: 'nas' }).waitFor();
  });

  it('tells a file as received when it is whole, and as delivered only when it is, also after a reload', async () => {
    await begin();
    await openLink();
    await pick('a.mp4');
    await item('placing').waitFor();
    expect(sent()).toEqual([testBytes(120_000, 'a.mp4')]);
    await page.getByText('Your file is received').waitFor();
    await page.reload();
    await item('placing').waitFor();
    for (const { id } of [...fake.transfers.values()]) fake.change(id, { phase: 'done', status: 'success' });
    await item('delivered').waitFor();
    await page.getByText('Your file is delivered').waitFor();
  });

  it('tells before anything is sent what it does not take, and keeps what was chosen until there is a name', async () => {
    await begin({ suffixes: ['.mp4'], filesMax: 9, filesLeft: 1, senderName: 'required' });
    await openLink();
    await pick('notes.txt', 'a.mp4', 'b.mp4');
    const refused = page.getByRole('alert');
    await refused.getByText('2 files were not taken').waitFor();
    expect(await refused.textContent()).toContain('notes.txt');
    expect(await refused.textContent()).toContain('b.mp4');
    expect(fake.uploads.size).toBe(0);
    await page.getByLabel('Your name').fill('Anna Berg');
    await page.getByLabel('Your name').press('Enter');
    await item('placing').waitFor();
    expect(drop.announced).toMatchObject([{ senderName: 'Anna Berg' }]);
  });

  it('goes on after a reload with what was broken off, of which the console in the same browser knows nothing', async () => {
    await begin();
    fake.fault({ act: 'hang', method: 'PUT', times: 2 });
    // On a disk: a file that is only in a test's memory has another date each time it is picked.
    const path = join(filesDir, 'a.mp4');
    await writeFile(path, testBytes(120_000, 'a.mp4'));
    await openLink();
    await page.setInputFiles('[data-pick=files]', path);
    await item('sending').waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'not finished' }).waitFor();
    fake.clearFaults();
    const customers = page;
    page = await newPage();
    await page.goto(`${fake.origin}/#token=${TOKEN}`);
    await page.locator('.to-name', { hasText: 'nas' }).waitFor();
    await page.getByText('a.mp4', { exact: true }).waitFor();
    expect(await page.locator('.carry').count()).toBe(0);
    page = customers;
    await page.setInputFiles('[data-pick=again]', path);
    await item('placing').waitFor();
    expect(sent()).toEqual([testBytes(120_000, 'a.mp4')]);
    expect(drop.announced).toHaveLength(1);
  });

  it('says that it is full, expired, revoked or away, and goes on by itself where it can', async () => {
    await begin();
    await openLink();
    const set = (part: Partial<DropView>) => {
      if (drop.view) drop.view = { ...drop.view, ...part };
    };
    set({ state: 'full' });
    await page.reload();
    await page.getByRole('heading', { name: 'This link is full' }).waitFor();
    set({ state: 'expired' });
    await page.reload();
    await page.getByRole('heading', { name: 'This link has expired' }).waitFor();
    fake.fault({ act: 'drop', method: 'GET', path: '/drop', times: 1 });
    set({ state: 'active' });
    await page.reload();
    await page.getByRole('heading', { name: 'Footage for the spring film' }).waitFor();
    fake.fault({ act: 'hang', method: 'PUT', times: 9 });
    await pick('a.mp4');
    await item('sending').waitFor();
    drop.view = null;
    await page.reload();
    await page.getByRole('heading', { name: 'This link is no longer valid' }).waitFor();
    await page.goto('about:blank');
    await page.goto(`${fake.origin}/#drop=half-of-it`);
    await page.getByRole('heading', { name: 'This address is not complete' }).waitFor();
  });

  it('is made by its owner, told once, and revoked; every control has a name', async () => {
    await begin();
    await page.goto(`${fake.origin}/#token=${TOKEN}`);
    await page.getByRole('link', { name: 'Links' }).click();
    await page.getByRole('button', { name: 'New link' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Film');
    await page.getByRole('button', { name: 'Browse nas' }).click();
    await page.getByRole('heading', { name: 'Choose a folder' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('Folder at nas').fill('/in');
    expect(await unnamed()).toEqual([]);
    await page.getByRole('button', { name: 'Make the link' }).click();
    const address = await page.locator('.link-url').textContent();
    expect(address).toMatch(new RegExp(`^${fake.origin}/#drop=[0-9A-Z]{26}\\.1$`));
    await page.getByRole('img', { name: 'QR code of the address of Film' }).waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('button', { name: 'Revoke: Film' }).click();
    await page.locator('.link[data-state=revoked]').waitFor();
    expect(await page.content()).not.toContain('drop=');
    expect(await unnamed()).toEqual([]);
    fake.plant({ name: 'a.mp4', link: { id: linkIdOf(address), sender: 'Anna' } });
    await page.getByRole('link', { name: 'Transfers' }).click();
    await page.locator('.item').getByText('by Film').waitFor();
    await openLink();
    expect(await unnamed()).toEqual([]);
  });

  function linkIdOf(address: string | null): LinkId {
    return LinkId.parse(`lnk_${/#drop=(\w+)/.exec(address ?? '')?.[1]}`);
  }

  /** Controls without a word for who does not see them. */
  function unnamed(): Promise<string[]> {
    return page.locator('button, a[href], input:not([hidden]), select, textarea').evaluateAll((all) =>
      all
        .filter((one) => {
          const labels = 'labels' in one && one.labels instanceof NodeList ? [...one.labels] : [];
          const words = [one.getAttribute('aria-label'), one.textContent, ...labels.map((label) => label.textContent)];
          return words.every((word) => !word?.trim());
        })
        .map((one) => one.outerHTML),
    );
  }
});
