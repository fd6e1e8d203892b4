/** Browser staging by our client beside Uppy's, in one Chromium, on one page, into one bucket. */
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { TransferId } from '#core/wire/ids.ts';
import { launchChromium } from '../support/chromium.ts';
import { testBytes } from '../support/staging-client.ts';
import { bundledScript, findUppy, visit } from '../support/uppy.ts';
import { type BareWay, barePut } from './bare-puts.ts';
import { type Home, inHome } from './home.ts';
import { MIB, median, mibPerSecond, timed } from './measure.ts';
import { type Bench, type Report, ratio, type Size } from './report.ts';

const VERSION = '5.1.0';
const WEB = fileURLToPath(new URL('../../web/upload', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/staging-page', import.meta.url));

/** As the console sets it up, without its memory and its hashing: nothing here asks for either. */
const ENTRY = `
import { apiClient } from '${WEB}/client.ts';
import { uploadQueue } from '${WEB}/queue.ts';
import { memoryRecords } from '${WEB}/record.ts';
import { browserSurroundings } from '${WEB}/surroundings.ts';
globalThis.stageFile = async ({ token, destinationId }) => {
  const around = browserSurroundings(apiClient({ origin: '', token: () => token }), memoryRecords());
  const queue = uploadQueue(around, { hasher: null, claims: () => [], onTransfers: () => {} });
  const [file] = document.getElementById('file').files;
  await queue.add([{ file, folder: '', handle: null }], [{ id: destinationId, path: '/' }]);
  await queue.idle();
  return queue.snapshot().uploads.map(({ key }) => queue.current(key).phase);
};
`;

type Way = 'ours' | 'Uppy, as it is' | 'Uppy, in parts';
const WAYS: readonly Way[] = ['ours', 'Uppy, as it is', 'Uppy, in parts'];
/** Above it Uppy sends parts by itself. */
const FORM_BYTES_MAX = 100 * MIB;

const waysOf = (sizeBytes: number): readonly Way[] => (sizeBytes > FORM_BYTES_MAX ? WAYS.slice(0, 2) : WAYS);

const BARE: readonly BareWay[] = ['form', 'slices'];

interface BareTime {
  readonly sizeBytes: number;
  readonly way: BareWay;
  readonly ms: number;
}

interface Time {
  readonly sizeBytes: number;
  readonly way: Way;
  readonly stageMs: number;
  readonly deliverMs: number;
}

export const uppy: Bench = {
  name: 'uppy',
  about: `browser staging by our client beside @uppy/aws-s3 ${VERSION}, same Chromium, page and bucket`,
  async run(size) {
    const script = await findUppy(VERSION);
    if (script === null) throw new Error('no Uppy to compare with');
    await mkdir(CACHE, { recursive: true });
    await writeFile(join(CACHE, 'entry.js'), ENTRY);
    const scripts = [script, await bundledScript(CACHE)];
    const folder = await mkdtemp(join(tmpdir(), 'entrepot-bench-'));
    const browser = await launchChromium();
    try {
      const times: Time[] = [];
      const bare: BareTime[] = [];
      for (const { sizeBytes, rounds } of scale(size)) {
        const path = join(folder, `${sizeBytes}.bin`);
        await writeNoise(path, sizeBytes);
        for (let round = 0; round < rounds; round++) {
          // Whoever goes first finds colder caches.
          const ways = round % 2 === 0 ? waysOf(sizeBytes) : [...waysOf(sizeBytes)].reverse();
          for (const way of ways) {
            const context = await browser.newContext();
            const stageMs = await inHome({}, async (home) => {
              await addNowhere(home);
              return staged(home, await context.newPage(), scripts, path, { way, destinationId: NOWHERE });
            });
            const deliverMs = await inHome({}, async (home) => {
              const page = await context.newPage();
              const { ms } = await timed(async () => {
                await staged(home, page, scripts, path, { way, destinationId: 'folder' });
                await untilDelivered(home);
              });
              return ms;
            });
            times.push({ sizeBytes, way, stageMs, deliverMs });
            await context.close();
          }
          for (const way of round % 2 === 0 ? BARE : [...BARE].reverse()) {
            bare.push({ sizeBytes, way, ms: await barePut(browser, path, way) });
          }
        }
        await rm(path);
      }
      return reportOf(times, bare);
    } finally {
      await browser.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

function scale(size: Size): readonly { readonly sizeBytes: number; readonly rounds: number }[] {
  const small = { sizeBytes: 60 * MIB, rounds: size === 'full' ? 5 : 2 };
  return size === 'full' ? [small, { sizeBytes: 1024 * MIB, rounds: 3 }] : [small];
}

/** Takes nothing, so that a run of staging is only that. */
const NOWHERE = 'nowhere';

async function addNowhere({ server }: Home): Promise<void> {
  const settings = { root: join(server.dataDir, 's3.json', 'not-a-folder') };
  await server.api('POST', '/api/v1/destinations', { id: NOWHERE, provider: 'folder', settings });
}

interface Run {
  readonly way: Way;
  readonly destinationId: string;
}

/** Milliseconds from the call that adds the file until the client says that it is there. */
async function staged(home: Home, page: Page, scripts: readonly string[], path: string, run: Run): Promise<number> {
  const { url, token } = home.server;
  await page.goto(`${url}/healthz`);
  await page.evaluate(() => {
    (globalThis as any).document.body.innerHTML = '<input type="file" id="file">';
  });
  for (const content of scripts) await page.addScriptTag({ content, type: 'module' });
  await page.waitForFunction(() => 'Uppy' in globalThis && 'stageFile' in globalThis);
  await page.locator('#file').setInputFiles(path);
  await warmUp(home, run.destinationId);
  const { ms, value } = await timed(() => send(page, url, token, run));
  if (value !== 'sent') throw new Error(`${run.way}: ${value}`);
  return ms;
}

/** A server that has just started takes a tenth of a second for the first call of each kind, which is a sixth of a small file's time. */
async function warmUp({ server }: Home, destinationId: string): Promise<void> {
  for (let times = 0; times < 3; times++) {
    const request = { name: 'warm.bin', sizeBytes: 1, destinations: [{ id: destinationId }] };
    const { body } = await server.api('POST', '/api/v1/uploads', request);
    await server.api('DELETE', `/api/v1/uploads/${body.upload.id}`);
    const session = await server.api('POST', `/api/uppy/${destinationId}/s3/multipart`, { filename: 'warm.bin' });
    const path = `/api/uppy/${destinationId}/s3/multipart/${session.body.uploadId}`;
    const query = `?key=${encodeURIComponent(session.body.key)}`;
    await server.api('GET', `${path}/1${query}`);
    await server.api('DELETE', `${path}${query}`);
    await server.api('GET', `/api/uppy/${destinationId}/s3/params?filename=warm.bin`);
  }
}

async function send(page: Page, url: string, token: string, { way, destinationId }: Run): Promise<string> {
  if (way === 'ours') {
    const phases = await page.evaluate((given) => (globalThis as any).stageFile(given), { token, destinationId });
    return phases.join() === 'staged' ? 'sent' : phases.join();
  }
  const multipart = way === 'Uppy, in parts' ? { multipart: true } : {};
  const told = await visit(page, VERSION, { endpoint: `${url}/api/uppy/${destinationId}`, token, ...multipart });
  return told.outcome === 'success' ? 'sent' : (told.error ?? told.outcome);
}

async function untilDelivered(home: Home): Promise<void> {
  for (;;) {
    const { body } = await home.server.api('GET', '/api/v1/transfers');
    const first = body.items.find((view: any) => view.name !== 'warm.bin');
    if (first !== undefined) {
      await home.untilDone(TransferId.parse(first.id));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function writeNoise(path: string, sizeBytes: number): Promise<void> {
  const file = await open(path, 'w');
  for (let at = 0; at < sizeBytes; at += 20 * MIB) await file.write(testBytes(Math.min(20 * MIB, sizeBytes - at)));
  await file.close();
}

function reportOf(times: readonly Time[], bare: readonly BareTime[]): Report {
  const sizes = [...new Set(times.map(({ sizeBytes }) => sizeBytes))];
  const of = (sizeBytes: number, way: Way, what: 'stageMs' | 'deliverMs'): number =>
    median(times.filter((time) => time.sizeBytes === sizeBytes && time.way === way).map((time) => time[what]));
  const bareOf = (sizeBytes: number, way: BareWay): number =>
    median(bare.filter((time) => time.sizeBytes === sizeBytes && time.way === way).map(({ ms }) => ms));
  return {
    tables: sizes.flatMap((sizeBytes) => [
      {
        columns: [`${sizeBytes / MIB} MiB`, 'staged s', 'MiB/s', 'ours ÷ it', 'delivered s', 'ours ÷ it'],
        rows: waysOf(sizeBytes).map((way) => {
          const [stageMs, deliverMs] = [of(sizeBytes, way, 'stageMs'), of(sizeBytes, way, 'deliverMs')];
          return [
            way,
            stageMs / 1000,
            mibPerSecond(sizeBytes, stageMs),
            ratio(of(sizeBytes, 'ours', 'stageMs'), stageMs),
            deliverMs / 1000,
            ratio(of(sizeBytes, 'ours', 'deliverMs'), deliverMs),
          ];
        }),
      },
      {
        columns: ['nothing but the browser', 'sent s', 'MiB/s'],
        rows: BARE.map((way) => {
          const ms = bareOf(sizeBytes, way);
          return [way, ms / 1000, mibPerSecond(sizeBytes, ms)];
        }),
      },
    ]),
    targets: sizes.map((sizeBytes) => ({
      what: `${sizeBytes / MIB} MiB staged, our time ÷ that of Uppy as it is`,
      sense: 'at most',
      limit: 0.8,
      measured: of(sizeBytes, 'ours', 'stageMs') / of(sizeBytes, 'Uppy, as it is', 'stageMs'),
      unit: '×',
    })),
    figures: Object.fromEntries(
      sizes.flatMap((sizeBytes) => [
        ...waysOf(sizeBytes).flatMap((way) => [
          [`stageMs.${sizeBytes / MIB}.${way}`, Math.round(of(sizeBytes, way, 'stageMs'))],
          [`deliverMs.${sizeBytes / MIB}.${way}`, Math.round(of(sizeBytes, way, 'deliverMs'))],
        ]),
        ...BARE.map((way) => [`bareMs.${sizeBytes / MIB}.${way}`, Math.round(bareOf(sizeBytes, way))]),
      ]),
    ),
    notes: [
      'medians; a fresh, warmed up server and a fresh page for each run, in turn and in turned order',
      'on one machine every way shares two cores with the browser: what a client gains on a real line does not show',
      'up to 100 MiB Uppy sends one form; in parts it sends six of 5 MiB at a time',
      'nothing but the browser: to a server that throws the bytes away; slices are six of 10 MiB at once, each with its preflight',
      'staged: for a destination that takes nothing; delivered: into a folder, from the opening of the page to the end',
    ],
  };
}
