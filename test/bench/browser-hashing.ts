/** SHA-1 in the page's own worker, in Chromium, beside `sha1sum` and the command line's hasher on the same file. */
import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { builtPage } from '../support/built-page.ts';
import { launchChromium } from '../support/chromium.ts';
import { MIB, median, mibPerSecond, quantile, timed } from './measure.ts';
import { type Bench, type Report, ratio } from './report.ts';
import { command, inScratch } from './scratch.ts';

const WORKER = fileURLToPath(new URL('../../web/upload/worker-hasher.ts', import.meta.url));

/** As the console asks, with a frame counter beside it: how long the page stood still at most, in milliseconds. */
const ENTRY = `
import { workerHasher } from '${WORKER}';
const hasher = workerHasher();
globalThis.hashFile = async (algorithm) => {
  const [file] = document.getElementById('file').files;
  const gaps = [];
  let before = performance.now();
  let isOver = false;
  const frame = () => {
    const now = performance.now();
    gaps.push(now - before);
    before = now;
    if (!isOver) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  const startedAt = performance.now();
  const digests = await hasher.whole(file, [algorithm], new AbortController().signal, () => {});
  const ms = performance.now() - startedAt;
  isOver = true;
  return { ms, digest: digests[algorithm], gaps };
};
`;
interface Hashed {
  readonly ms: number;
  readonly digest: string;
  readonly gaps: readonly number[];
}

type Way = 'page' | 'command line' | 'sha1sum';

export const browserHashing: Bench = {
  name: 'browser-hashing',
  about: "SHA-1 of a file in the page's worker, in Chromium, beside sha1sum and our command line",
  async run(size) {
    const { bytes, rounds } = size === 'full' ? { bytes: 1024 * MIB, rounds: 5 } : { bytes: 256 * MIB, rounds: 2 };
    await using pages = await builtPage({ name: 'hashing-bench', entry: ENTRY });
    return await inScratch(async (directory) => {
      const path = join(directory, 'noise');
      await writeNoise(path, bytes);
      const browser = await launchChromium();
      try {
        const page = await browser.newPage();
        await page.goto(pages.url);
        await page.locator('#file').setInputFiles(path);
        const rates: Record<Way, number[]> = { page: [], 'command line': [], sha1sum: [] };
        const gaps: number[] = [];
        // The first one compiles and reads the file in; it counts for nobody.
        const { digest } = await hashed(page);
        for (let round = 0; round < rounds; round++) {
          const inPage = await hashed(page);
          if (inPage.digest !== digest) throw new Error('two digests of one file');
          gaps.push(...inPage.gaps);
          rates.page.push(mibPerSecond(bytes, inPage.ms));
          rates['command line'].push(mibPerSecond(bytes, (await timed(() => hashedHere(path, digest))).ms));
          rates.sha1sum.push(mibPerSecond(bytes, (await timed(() => command('sha1sum', path))).ms));
        }
        return reportOf(rates, gaps, { bytes, rounds });
      } finally {
        await browser.close();
      }
    });
  },
};

function hashed(page: Page): Promise<Hashed> {
  return page.evaluate(() => (globalThis as any).hashFile('sha1'));
}

async function hashedHere(path: string, digest: string): Promise<void> {
  const hash = createHash('sha1');
  for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024 })) hash.update(piece);
  if (hash.digest('hex') !== digest) throw new Error('the page and we differ');
}

function reportOf(
  rates: Readonly<Record<Way, readonly number[]>>,
  gaps: readonly number[],
  { bytes, rounds }: { readonly bytes: number; readonly rounds: number },
): Report {
  const peer = median(rates.sha1sum);
  const ways = Object.entries(rates).map(([way, list]) => [way, median(list)] as const);
  return {
    tables: [
      { columns: ['way', 'MiB/s', '÷ sha1sum'], rows: ways.map(([way, rate]) => [way, rate, ratio(rate, peer)]) },
    ],
    targets: [
      { what: 'SHA-1 in the page', sense: 'at least', limit: 300, measured: median(rates.page), unit: 'MiB/s' },
      {
        what: 'between two frames meanwhile, p99',
        sense: 'at most',
        limit: 50,
        measured: quantile(gaps, 0.99),
        unit: 'ms',
      },
    ],
    figures: Object.fromEntries(ways.map(([way, rate]) => [`${way} MiB/s`, rate])),
    notes: [`${bytes / MIB} MiB of noise in the page cache, median of ${rounds} alternating rounds after a first one`],
  };
}

async function writeNoise(path: string, bytes: number): Promise<void> {
  const piece = randomFillSync(Buffer.allocUnsafe(16 * MIB));
  const file = await open(path, 'w');
  for (let at = 0; at < bytes; at += piece.length) await file.write(piece);
  await file.close();
}
