import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AgentId, type AgentView } from '#core/wire/agent.ts';
import type { Alert } from '#core/wire/alert.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type FakeApi, fakeApi, testBytes } from './fake-api.ts';
import { TOKEN } from './fake-routes.ts';
import type { FakeOptions } from './fake-state.ts';

const hasChromium = (await findChromium()) !== null;

describe.skipIf(!hasChromium)('the page in Chromium', () => {
  let browser: Browser;
  let pageDir: string;
  let fake: FakeApi;
  let context: BrowserContext;
  let page: Page;
  /** What the browser complained about: nothing, unless a test asks for trouble. */
  let complaints: string[];

  beforeAll(async () => {
    pageDir = await mkdtemp(join(tmpdir(), 'entrepot-page-'));
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
    await rm(pageDir, { recursive: true });
  });
  beforeEach(() => {
    complaints = [];
  });
  afterEach(async () => {
    await context.close();
    await fake.close();
  });

  interface Opening extends FakeOptions {
    readonly locale?: string;
    /** Called before the page is there. */
    readonly before?: () => void;
  }

  async function open({ locale = 'en-GB', before, ...options }: Opening = {}): Promise<void> {
    fake = await fakeApi({ pageDir, chunkBytes: 100_000, delivers: true, ...options });
    before?.();
    context = await browser.newContext({ locale, viewport: { width: 1280, height: 900 } });
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('dialog', (dialog) => void dialog.accept());
    await page.goto(`${fake.origin}/#token=${TOKEN}`);
    await page.locator('.to-name', { hasText: 'nas' }).waitFor();
  }

  const item = (status: string) => page.locator(`.item[data-status=${status}]`);

  async function pick(name: string, bytes: Buffer): Promise<void> {
    await page.setInputFiles('[data-pick=files]', { name, mimeType: 'video/mp4', buffer: bytes });
  }

  function content(): Buffer {
    return fake.content([...fake.uploads.keys()].at(-1) ?? '');
  }

  it('a dropped file goes through both bars and says where it is', async () => {
    await open();
    await page.evaluate((text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], '测试.txt', { type: 'text/plain' }));
      for (const type of ['dragenter', 'dragover', 'drop']) {
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
      }
    }, 'x'.repeat(250_000));
    await item('success').waitFor();
    const bars = item('success').getByRole('progressbar');
    expect(await bars.evaluateAll((all) => all.map((bar) => bar.getAttribute('aria-valuenow')))).toEqual([
      '100',
      '100',
    ]);
    expect(await item('success').textContent()).toContain('/测试.txt');
    expect(content()).toEqual(Buffer.from('x'.repeat(250_000)));
    // What the ticket did not sign would have been refused by the bucket.
    expect(fake.log.filter((line) => line.startsWith('PUT')).sort()).toEqual(['PUT 1 200', 'PUT 2 200', 'PUT 3 200']);
    expect(complaints).toEqual([]);
  });

  it('a webhook is added, its secret shown once, and a test says what came back', async () => {
    await open();
    const id = 'whk_00000000000000000000000000';
    const times = { createdAt: '2026-11-22T10:00:00.000Z', failingSince: null, nextTryAt: null, last: null };
    const more = { ...times, destinations: [], enabled: true, status: 'active' };
    const items: object[] = [];
    await page.route('**/api/v1/webhooks**', async (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname.endsWith('/test')) {
        return route.fulfill({ json: { ok: false, status: null, code: 'webhook.no_answer', elapsedMs: 10_000 } });
      }
      if (route.request().method() === 'GET') return route.fulfill({ json: { items } });
      const webhook = { id, ...more, ...route.request().postDataJSON() };
      items.push(webhook);
      return route.fulfill({ status: 201, json: { ...webhook, secret: 'whsec_AAAA' } });
    });
    await page.goto(`${fake.origin}/#/destinations`);
    await page.getByRole('button', { name: 'Add webhook' }).click();
    await page.getByLabel('Address').fill('https://there.example/hook');
    await page.getByLabel('an alert is over').uncheck();
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('whsec_AAAA').waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('heading', { name: 'https://there.example/hook' }).waitFor();
    expect(await page.locator('.webhooks').textContent()).not.toContain('whsec');
    expect(await page.locator('.webhooks').textContent()).toContain('a transfer failed · a transfer was cancelled');
    await page.getByRole('button', { name: 'Test there.example' }).click();
    await page.getByText('The receiver did not answer within 10 seconds').waitFor();
    expect(items).toMatchObject([{ url: 'https://there.example/hook', events: { length: 4 } }]);
    expect(complaints).toEqual([]);
  });

  it('files that are chosen before the server has told the destinations go to the first one', async () => {
    await open();
    let answerNow = () => {};
    const asked = new Promise<void>((resolve) => {
      void page.route('**/api/v1/destinations', async (route) => {
        const held = new Promise<void>((go) => {
          answerNow = go;
        });
        resolve();
        await held;
        await route.continue();
      });
    });
    await page.reload();
    await asked;
    await pick('early.mp4', testBytes(10_000));
    answerNow();
    await item('success').waitFor();
    expect(content()).toEqual(testBytes(10_000));
    await page.route('**/api/v1/destinations', (route) => route.abort());
    await page.reload();
    await pick('never.mp4', testBytes(10_000));
    await page.getByText('Please choose them again').waitFor();
    expect(fake.uploads.size).toBe(1);
  });

  it('a chosen folder keeps its shape below the target folder', async () => {
    await open();
    await page.getByLabel('Folder at the destination').fill('/影视');
    await page.evaluate(() => {
      const file = new File(['hello'], 'a.txt');
      Object.defineProperty(file, 'webkitRelativePath', { value: 'trip/day 1/a.txt' });
      const input = document.querySelector('[data-pick=folder]');
      Object.defineProperty(input, 'files', { value: [file] });
      input?.dispatchEvent(new Event('change', { bubbles: true }));
    });
    await item('success').waitFor();
    expect([...fake.uploads.values()][0]?.destinations).toEqual([{ id: 'nas', path: '/影视/trip/day 1' }]);
  });

  it('a dropped folder keeps its shape, also where two files in it have one name', async () => {
    await open();
    const dir = join(await mkdtemp(join(tmpdir(), 'entrepot-drop-')), 'trip');
    for (const name of ['a.txt', 'day 1/a.txt', 'day 1/raw/b.txt']) {
      await mkdir(join(dir, name, '..'), { recursive: true });
      await writeFile(join(dir, name), name);
    }
    const devtools = await context.newCDPSession(page);
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      const data = { items: [], files: [dir], dragOperationsMask: 1 };
      await devtools.send('Input.dispatchDragEvent', { type, x: 640, y: 400, data });
    }
    await expect.poll(() => fake.uploads.size).toBe(3);
    const places = [...fake.uploads.values()].map(({ view, destinations }) => `${destinations[0]?.path}/${view.name}`);
    expect(places.sort()).toEqual(['/trip/a.txt', '/trip/day 1/a.txt', '/trip/day 1/raw/b.txt']);
    await rm(join(dir, '..'), { recursive: true });
  });

  it('takes the token out of the address, remembers it, and asks for one when there is none', async () => {
    await open();
    expect(page.url()).not.toContain(TOKEN);
    await page.reload();
    await page.locator('.to-name', { hasText: 'nas' }).waitFor();
    await page.getByRole('button', { name: 'Forget the token' }).click();
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('does not accept this token').waitFor();
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.locator('.to-name', { hasText: 'nas' }).waitFor();
  });

  it('speaks the language of the browser, and the other one by a click that it remembers', async () => {
    await open({ locale: 'zh-CN' });
    await page.getByRole('heading', { name: '发送文件' }).waitFor();
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('zh-CN');
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Send files' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Send files' }).waitFor();
  });

  it('a page that is older than its server says so where a part of it is gone, and goes on', async () => {
    await open();
    await page.route('**/assets/destinations-view-*.js', (route) => route.fulfill({ status: 404 }));
    await page.getByRole('link', { name: 'Destinations' }).click();
    await page.getByRole('alert').getByRole('button', { name: 'Reload' }).waitFor();
    await page.getByRole('link', { name: 'Transfers' }).click();
    await pick('film.mp4', testBytes(50_000));
    await item('success').waitFor();
  });

  it('every control has a name, every id is there once, and Esc closes what was opened', async () => {
    await open();
    fake.plant({
      name: 'a.mp4',
      phase: 'moving',
      status: 'uploading',
      sizeBytes: 100,
      movedBytes: 40,
      stagedBytes: 80,
    });
    const error = { code: 'folder.disk_full', message: 'ENOSPC' };
    fake.plant({
      name: 'b.mp4',
      phase: 'failed',
      status: 'failed',
      sizeBytes: 100,
      error,
      endedAt: new Date().toISOString(),
    });
    await page.getByText('The destination is full.').waitFor();
    expect(await nameless()).toEqual([]);
    await page.getByRole('link', { name: 'b.mp4', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText('ENOSPC').waitFor();
    expect(await nameless()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Destinations' }).click();
    await page.getByRole('button', { name: 'Add destination' }).click();
    await page.getByLabel('Kind').selectOption('s3');
    expect(await nameless()).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('adds, checks and removes a destination', async () => {
    await open();
    await page.getByRole('link', { name: 'Destinations' }).click();
    await page.getByRole('button', { name: 'Add destination' }).click();
    await page.getByLabel('Name', { exact: true }).fill('media');
    await page.getByLabel('Folder on the server').fill('/srv/media');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('button', { name: 'Check media' }).click();
    await page.getByText('Reachable and writable').waitFor();
    expect(fake.destinations.get('media')?.settings).toEqual({ root: '/srv/media' });
    await page.getByRole('button', { name: 'Remove: media' }).click();
    await page.getByRole('heading', { name: 'media' }).waitFor({ state: 'detached' });
    expect(fake.destinations.has('media')).toBe(false);
  });

  it('a destination is edited in the form it was made with: only what changed is sent, a refusal is told at its field', async () => {
    await open();
    await page.getByRole('link', { name: 'Destinations' }).click();
    const edit = page.getByRole('button', { name: 'Edit: nas' });
    await edit.press('Enter');
    const root = page.getByLabel('Folder on the server');
    expect(await root.inputValue()).toBe('/srv/nas');
    expect(await nameless()).toEqual([]);
    await root.fill('media');
    await page.keyboard.press('Enter');
    await page.getByText('give an absolute path').waitFor();
    expect(await root.evaluate((input) => input === document.activeElement)).toBe(true);
    await root.fill('/srv/other');
    const changed = once(fake.events, 'changed');
    await page.getByLabel('When the name is taken').selectOption('fail');
    await page.getByRole('button', { name: 'Save' }).click();
    expect((await changed)[0]).toEqual({ settings: { root: '/srv/other', onConflict: 'fail' } });
    // What it was changed to is tried at once, and the keyboard is back where it was.
    await page.getByText('Reachable and writable').waitFor();
    expect(await edit.evaluate((button) => button === document.activeElement)).toBe(true);

    // What somebody else has changed meanwhile is not overwritten, and can be looked at.
    await edit.click();
    await root.fill('/srv/mine');
    const standing = fake.destinations.get('nas');
    if (standing) fake.destinations.set('nas', { ...standing, settings: { root: '/srv/theirs' }, version: 'theirs' });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Somebody else has changed this destination').waitFor();
    await page.getByRole('button', { name: 'Look again' }).click();
    await expect.poll(() => root.inputValue()).toBe('/srv/theirs');
    await root.fill('/srv/mine');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Reachable and writable').waitFor();
    expect(fake.destinations.get('nas')?.settings).toMatchObject({ root: '/srv/mine' });

    await edit.click();
    await page.getByLabel('Megabytes a second at most').fill('fast');
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await page.getByLabel('Megabytes a second at most').fill('2.5');
    await page.getByLabel('Only at certain hours').check();
    await page.getByLabel('Until').fill('06:30');
    const limited = once(fake.events, 'changed');
    await page.getByRole('button', { name: 'Save' }).click();
    const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
    const hours = { zone, windows: [{ from: '01:00', to: '06:30' }] };
    expect((await limited)[0]).toEqual({ limits: { bytesPerSecond: 2_500_000, hours } });
    await page.getByText('2.5 MB/s · 01:00–06:30').waitFor();

    await page.getByRole('button', { name: 'Edit: archive' }).click();
    await page.getByLabel('Replace them').check();
    await page.getByLabel('Access key ID').fill('key');
    await page.getByLabel('Secret access key').fill('secret');
    const replaced = once(fake.events, 'changed');
    await page.getByRole('button', { name: 'Save' }).click();
    expect((await replaced)[0]).toEqual({ credentials: { accessKeyId: 'key', secretAccessKey: 'secret' } });
  });

  it('agents have a section where the home takes them: revoked, restored and forgotten there', async () => {
    await open({ kinds: [{ id: 's3', placements: ['here', 'agents'] }] });
    await page.getByRole('link', { name: 'Agents' }).click();
    await page.getByText('No agent yet').waitFor();
    await page.getByText('npm run agent').waitFor();
    fake.agents.set('office', officeAgent());
    await page.reload();
    await page.getByText('2 of 2 files now').waitFor();
    await page.getByText('The destination wants a person to confirm something.').waitFor();
    await page.getByText('over its line: The agent does not reach the bucket.').waitFor();
    expect(await nameless()).toEqual([]);
    await page.getByRole('button', { name: 'Revoke Office' }).click();
    await page.getByText('Revoked').waitFor();
    await page.getByRole('button', { name: 'Restore Office' }).click();
    await page.getByText('Offline').waitFor();
    await page.getByRole('button', { name: 'Forget: Office' }).click();
    await page.getByText('No agent yet').waitFor();
    expect(complaints).toEqual([]);
  });

  it('a destination is placed on agents when it is added, and taken back by the keyboard', async () => {
    await open({ kinds: [{ id: 's3', placements: ['here', 'agents'] }] });
    await page.getByRole('link', { name: 'Destinations' }).click();
    await page.getByRole('button', { name: 'Add destination' }).click();
    // The kinds that the home has not are not offered.
    expect(await page.getByLabel('Kind').locator('option').allTextContents()).toEqual(['S3']);
    await page.getByLabel('Name', { exact: true }).fill('films');
    await page.getByLabel('Region', { exact: true }).fill('eu');
    await page.getByLabel('Bucket', { exact: true }).fill('films');
    await page.getByLabel('Access key ID').fill('key');
    await page.getByLabel('Secret access key').fill('secret');
    await page.getByLabel('At agents').check();
    await page.getByLabel('Tags that an agent must have').fill('region');
    const add = page.getByRole('button', { name: 'Add', exact: true });
    expect(await add.isDisabled()).toBe(true);
    await page.getByLabel('Tags that an agent must have').fill('region=cn，isp = telecom');
    await page.getByLabel('Which one is taken').selectOption('longest-rested');
    await page.getByLabel('Minutes between two files').fill('5');
    expect(await nameless()).toEqual([]);
    await add.click();
    await page.getByText('The longest rested · region=cn, isp=telecom · every 5 min').waitFor();
    expect(fake.destinations.get('films')?.placement).toEqual({
      on: 'agents',
      tags: { region: 'cn', isp: 'telecom' },
      strategy: 'longest-rested',
      spacingSeconds: 300,
      perHourMax: 0,
    });
    await page.getByRole('button', { name: 'Edit: films' }).press('Enter');
    await page.getByLabel('At agents').press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.getByText('The longest rested').waitFor({ state: 'detached' });
    expect(fake.destinations.get('films')?.placement).toEqual({ on: 'here' });
    expect(complaints).toEqual([]);
  });

  it('alerts are counted, told with where to go, and greyed when they are over', async () => {
    await open();
    await page.getByRole('button', { name: 'Alerts', exact: true }).waitFor();
    fake.alerts.push(slowDestination);
    fake.notify({ title: 'A destination is slow', content: slowDestination.message, type: 'warning' });
    await page.getByRole('button', { name: '1 alert' }).click();
    await page.getByText('archive is slow').waitFor();
    expect(await nameless()).toEqual([]);
    expect(await page.getByRole('dialog').getByText('A destination is slow').count()).toBe(0);
    fake.alerts[0] = { ...slowDestination, endedAt: '2026-11-22T09:00:00.000Z' };
    fake.notify({ title: 'Backup', content: 'The disk is changed at noon.', type: 'info' });
    await page.getByText('The disk is changed at noon.').waitFor();
    await page.getByText('Over', { exact: true }).waitFor();
    await page.keyboard.press('Escape');
    const bell = page.getByRole('button', { name: 'Alerts', exact: true });
    expect(await bell.evaluate((button) => button === document.activeElement)).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('a transfer has an address: opened by it, closed by Esc, and told when nobody knows it', async () => {
    await open();
    const { id } = fake.plant({ name: 'a.mp4', phase: 'moving', status: 'uploading', sizeBytes: 100, movedBytes: 40 });
    const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 8, 0, second)).toISOString();
    fake.histories.set(id, [
      { seq: 1, at: at(0), type: 'staging' },
      { seq: 2, at: at(5), type: 'queued', code: 'agents.busy' },
      { seq: 3, at: at(35), type: 'moving' },
      { seq: 4, at: at(50), type: 'fault', code: 's3.slow_down' },
    ]);
    const link = page.getByRole('link', { name: 'a.mp4', exact: true });
    await link.press('Enter');
    await page.getByRole('dialog').getByText('In line 0:30').waitFor();
    await page.getByText('The destination wants fewer requests.').waitFor();
    expect(page.url()).toContain(`#/t/${id}`);
    expect(await nameless()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await link.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(complaints).toEqual([]);
    await page.goto(`${fake.origin}/#/t/${id}`);
    await page.getByRole('dialog').getByText('In line').waitFor();
    await page.goto(`${fake.origin}/#/t/trf_gone`);
    await page.getByRole('dialog').getByText('does not know this transfer').waitFor();
  });

  it('the receipt of what was delivered is saved as the server signed it', async () => {
    await open();
    const { id } = fake.plant({ name: 'a.mp4', phase: 'done', status: 'success', endedAt: '2026-11-21T00:00:00.000Z' });
    await page.getByRole('link', { name: 'a.mp4', exact: true }).press('Enter');
    const downloading = page.waitForEvent('download');
    await page.getByRole('dialog').getByRole('button', { name: 'Receipt' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('a.mp4.receipt.json');
    const saved = JSON.parse(await readFile(await download.path(), 'utf8'));
    expect(saved).toEqual({ receipt: { transferId: id }, jws: 'signed' });
    expect(complaints).toEqual([]);
  });

  it('what the list shows is canceled as one, after a question that counts it, and the rest is left alone', async () => {
    await open({
      before: () => {
        for (let index = 0; index < 12; index += 1) {
          const destinationId = index < 9 ? 'nas' : 'archive';
          fake.plant({
            name: `film ${index}.mp4`,
            phase: 'moving',
            status: 'uploading',
            sizeBytes: 100,
            destinationId,
          });
        }
      },
    });
    await page.getByLabel('Destination', { exact: true }).selectOption('nas');
    await page.getByRole('button', { name: 'Pause 9' }).click();
    await page.locator('.bulk').getByText('9 of 9').waitFor();
    // The keyboard is not left in the void when the button that it pressed is gone.
    const dismiss = page.getByRole('button', { name: 'Dismiss' });
    expect(await dismiss.evaluate((button) => button === document.activeElement)).toBe(true);
    await page.getByRole('button', { name: 'Cancel 9' }).click();
    await page.getByRole('dialog').getByText('Cancel 9 transfers?').waitFor();
    expect(await nameless()).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 9' }).click();
    await page.getByRole('button', { name: 'Active 0' }).waitFor();
    await page.getByLabel('Destination', { exact: true }).selectOption('archive');
    await page.getByRole('button', { name: 'Cancel 3' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('pause, resume and cancel reach both the chunks here and the transfer there', async () => {
    await open();
    fake.fault({ method: 'PUT', path: '00002', act: 'hang' });
    const hung = once(fake.events, 'hung');
    await pick('film.mp4', testBytes(300_000));
    await hung;
    await page.getByRole('button', { name: 'Pause: film.mp4' }).click();
    await item('paused').waitFor();
    await expect.poll(() => [...fake.transfers.values()][0]?.wish).toBe('pause');
    await page.getByRole('button', { name: 'Resume: film.mp4' }).click();
    await item('success').waitFor();
    expect(content()).toEqual(testBytes(300_000));

    fake.fault({ method: 'PUT', path: '00001', act: 'hang' });
    await pick('next.mp4', testBytes(50_000));
    await page.getByRole('button', { name: 'Cancel: next.mp4' }).click();
    await item('cancelled').waitFor();
    await expect.poll(() => [...fake.uploads.values()].at(-1)?.view.phase).toBe('removed');
  });

  it('after a reload a file with a handle goes on by itself, and only its missing chunk is sent', async () => {
    await open();
    // A file of the page's own disk stands for one that the person picked: its handle survives in IndexedDB just so.
    await page.evaluate(
      async (bytes) => {
        const root = await navigator.storage.getDirectory();
        const handle = await root.getFileHandle('film.mp4', { create: true });
        const writer = await handle.createWritable();
        await writer.write(new Uint8Array(bytes));
        await writer.close();
        Object.assign(window, { showOpenFilePicker: async () => [handle] });
      },
      [...testBytes(300_000)],
    );
    fake.fault({ method: 'PUT', path: '00002', act: 'hang' });
    const others = new Promise<void>((resolve) => {
      const staged = new Set<number>();
      fake.events.on('put', (number: number) => {
        if (staged.add(number).size === 2) resolve();
      });
    });
    await page.getByRole('button', { name: 'Choose files' }).click();
    await others;
    await page.reload();
    await item('success').waitFor();
    expect(content()).toEqual(testBytes(300_000));
    expect(fake.log.filter((line) => line === 'PUT 1 200' || line === 'PUT 3 200').length).toBe(2);
    expect(await page.locator('.carry').count()).toBe(0);
  });

  it('after a reload a file without a handle is asked for, and another file is refused', async () => {
    await open();
    fake.fault({ method: 'PUT', path: '00002', act: 'hang' });
    const hung = once(fake.events, 'hung');
    await pick('film.mp4', testBytes(150_000));
    await hung;
    await page.reload();
    await page.getByText('1 file from an earlier visit is not finished').waitFor();
    const puts = () => fake.log.filter((line) => line.startsWith('PUT') && line.endsWith('200')).length;
    const before = puts();
    const other = { name: 'film.mp4', mimeType: 'video/mp4', buffer: testBytes(150_000, 'other') };
    await page.setInputFiles('[data-pick=again]', other);
    await page.getByText('This is not the file the upload was begun with.').waitFor();
    expect(puts()).toBe(before);
    await page.getByRole('button', { name: 'Discard', exact: true }).click();
    await page.locator('.carry').waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.querySelector('[data-status=cancelled]') !== null);
  });

  it('a destination that knows the file by its digest takes no byte: it is hashed in a worker first', async () => {
    const bytes = testBytes(250_000);
    await open({ knownSha1: createHash('sha1').update(bytes).digest('hex') });
    const answered = once(fake.events, 'answers');
    fake.destinations.clear();
    const placement = { on: 'here' } as const;
    const own = {
      settings: {},
      hasCredentials: true,
      placement,
      limits: {},
      createdAt: '2026-11-21T00:00:00.000Z',
      version: '1',
    };
    fake.destinations.set('drive', { id: 'drive', provider: 'pan115', ...own });
    await page.reload();
    await page.getByText('Ask by checksum first').waitFor();
    await pick('film.mp4', bytes);
    const [answers] = await answered;
    expect(answers).toEqual([{ id: 'ask1', digest: createHash('sha1').update(bytes.subarray(10, 50)).digest('hex') }]);
    await item('quick_success').getByText('Instant').waitFor();
    expect(fake.log.filter((line) => line.startsWith('PUT'))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('says so when the live channel is down, and comes back by a click', async () => {
    await open();
    fake.fault({ method: 'POST', path: '/tickets', act: { status: 503 }, times: 1000 });
    fake.cutSockets();
    await page.getByText('The server does not answer.').waitFor();
    fake.clearFaults();
    const reconnect = page.getByRole('button', { name: 'Reconnect' });
    await reconnect.click();
    await reconnect.waitFor({ state: 'detached' });
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('thousands of transfers are a few dozen elements, and nothing is wider than a phone', async () => {
    const done = { phase: 'done', status: 'success', endedAt: '2026-11-21T00:00:00.000Z' } as const;
    await open({
      before: () => {
        for (let index = 0; index < 5000; index += 1) fake.plant({ name: `file ${index}.bin`, ...done });
      },
    });
    await page.setViewportSize({ width: 360, height: 780 });
    await page.getByRole('button', { name: 'All 5,000' }).waitFor();
    expect(await page.locator('.item').count()).toBeLessThan(60);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await page.getByLabel('Search by name').fill('file 4999');
    await page.getByText('file 4999.bin').first().waitFor();
    expect(complaints).toEqual([]);
  });

  /** Controls without a name, pictures without a text, ids that are there twice: what a screen reader stumbles over. */
  function nameless(): Promise<string[]> {
    return page.evaluate(() => {
      const isSeen = (element: Element) => element.checkVisibility();
      const labelOf = (element: Element) =>
        element.getAttribute('aria-label') ||
        (element instanceof HTMLElement && element.textContent.trim()) ||
        ((element instanceof HTMLInputElement || element instanceof HTMLSelectElement) &&
          element.labels?.[0]?.textContent);
      const controls = document.querySelectorAll('button, a, input, select, [role=progressbar], [role=img]');
      const unnamed = [...controls].filter((element) => isSeen(element) && !labelOf(element));
      const pictures = [...document.querySelectorAll('svg')].filter(
        (svg) => isSeen(svg) && !svg.getAttribute('aria-label') && !svg.closest('[aria-hidden]'),
      );
      const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
      const twice = ids.filter((id, index) => ids.indexOf(id) !== index);
      return [...unnamed, ...pictures].map((element) => element.outerHTML.slice(0, 200)).concat(twice);
    });
  }
});

const slowDestination: Alert = {
  id: 'alr_1',
  kind: 'low_speed',
  subject: 'archive',
  message: 'archive takes 10 kB/s',
  values: { bytesPerSecond: 10_000, usualBytesPerSecond: 20_000_000 },
  raisedAt: '2026-11-22T08:00:00.000Z',
  endedAt: null,
};

function officeAgent(): AgentView {
  return {
    id: AgentId.parse('office'),
    name: 'Office',
    version: '1.0.0',
    providers: ['s3'],
    filesMax: 2,
    bandwidthMbps: 100,
    tags: { region: 'cn' },
    status: 'busy',
    address: '192.0.2.7',
    firstSeenAt: '2026-11-22T00:00:00.000Z',
    lastSeenAt: '2026-11-22T01:00:00.000Z',
    memoryBytes: 70_000_000,
    bytes: { way: 'line', code: 'agent.bucket_unreached' },
    files: 2,
    filesDone: 8,
    filesFailed: 1,
    refusals: [{ at: '2026-11-22T00:30:00.000Z', code: 'bilibili.risk' }],
    restsUntil: null,
  };
}
