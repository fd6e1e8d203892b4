/** From the answer to a chunk's PUT to the first byte in the destination's file; and small files from end to end. */
import { readdir } from 'node:fs/promises';
import { setTimeout as passed } from 'node:timers/promises';
import { growthIn } from './growth.ts';
import { type Announced, type Home, inHome } from './home.ts';
import { numbersTo, pooled } from './http.ts';
import { MIB, quantile, timed } from './measure.ts';
import type { Bench, Report, Size } from './report.ts';

const CHUNK_BYTES = 10 * MIB;
const SMALL_BYTES = 1024;
const FIRST_BYTES = 256 * 1024;
const TARGET_MS = 300;
const SMALL_TARGET_PER_SECOND = 200;
const CLIENTS = 16;

/** Enough that no transfer waits for another's place. */
const ROOMY = { MAX_CONCURRENT_UPLOADS: '100' };

export const eventLatency: Bench = {
  name: 'event-latency',
  about: 'from a chunk’s PUT answer to the first byte in the destination, and 1 KiB files per second',
  async run(size) {
    const samples = size === 'full' ? 60 : 8;
    const first = await inHome(ROOMY, (home) => firstChunks(home, samples));
    const lingering = await inHome(ROOMY, (home) =>
      nextChunks(home, { samples, uploads: 1, pauseMs: () => 300 + Math.random() * 1_200 }),
    );
    const asleep = await inHome(ROOMY, (home) =>
      nextChunks(home, { samples, uploads: 12, pauseMs: () => 200 + Math.random() * 250 }),
    );
    const small = [];
    for (const files of [3, 16]) {
      small.push({
        files,
        ...(await inHome({ MAX_CONCURRENT_UPLOADS: String(files) }, (home) => smallFiles(home, size))),
      });
    }
    return reportOf(
      {
        'first chunk of a file': first,
        'next chunk, driver waits for it': lingering,
        'next chunk, driver let go': asleep,
      },
      small,
    );
  },
};

/** One file after the other, each of one chunk. */
async function firstChunks(home: Home, samples: number): Promise<number[]> {
  const growth = growthIn(home.delivered);
  const latencies: number[] = [];
  for (const number of numbersTo(samples)) {
    const upload = await home.announce(`first-${number}.bin`, FIRST_BYTES);
    const grown = growth.beyond(upload.transferId, 0);
    const answeredAt = await home.putChunk(upload, 1);
    latencies.push((await grown) - answeredAt);
    await home.untilDone(upload.transferId);
    await passed(Math.random() * 100);
  }
  growth.stop();
  return latencies;
}

/** Several files in turn, chunk by chunk: the more of them, the longer each one waits for its next. */
async function nextChunks(
  home: Home,
  { samples, uploads, pauseMs }: { readonly samples: number; readonly uploads: number; pauseMs(): number },
): Promise<number[]> {
  const growth = growthIn(home.delivered);
  const each = Math.ceil(samples / uploads);
  const files: Announced[] = [];
  for (const number of numbersTo(uploads))
    files.push(await home.announce(`next-${number}.bin`, (each + 1) * CHUNK_BYTES));
  const latencies: number[] = [];
  for (const number of numbersTo(each + 1)) {
    for (const upload of files) {
      const grown = growth.beyond(upload.transferId, (number - 1) * CHUNK_BYTES);
      const answeredAt = await home.putChunk(upload, number);
      const latency = (await grown) - answeredAt;
      if (number > 1) latencies.push(latency);
      await passed(pauseMs());
    }
  }
  for (const upload of files) await home.untilDone(upload.transferId);
  growth.stop();
  return latencies;
}

interface Small {
  readonly perSecond: number;
  readonly count: number;
}

async function smallFiles(home: Home, size: Size): Promise<Small> {
  const count = size === 'full' ? 300 : 60;
  const uploads: Announced[] = [];
  const { ms } = await timed(async () => {
    await pooled(numbersTo(count), CLIENTS, async (number) => {
      const upload = await home.announce(`small-${number}.bin`, SMALL_BYTES);
      uploads.push(upload);
      await home.putChunk(upload, 1);
    });
    for (const left = new Set(numbersTo(count)); left.size > 0; await passed(10)) {
      for (const name of await readdir(home.delivered)) left.delete(Number(/^small-(\d+)\.bin$/.exec(name)?.[1]));
    }
    await pooled(uploads.slice(-CLIENTS), CLIENTS, ({ transferId }) => home.untilDone(transferId));
  });
  for (const { transferId } of uploads) await home.untilDone(transferId);
  return { perSecond: (count * 1000) / ms, count };
}

function reportOf(
  latencies: Readonly<Record<string, readonly number[]>>,
  small: readonly (Small & { readonly files: number })[],
): Report {
  const entries = Object.entries(latencies);
  return {
    tables: [
      {
        columns: ['PUT answered → first byte', 'samples', 'p50 ms', 'p95 ms', 'most ms'],
        rows: entries.map(([name, ms]) => [
          name,
          String(ms.length),
          quantile(ms, 0.5),
          quantile(ms, 0.95),
          quantile(ms, 1),
        ]),
      },
      {
        columns: ['1 KiB files, files at once', 'files', 'files/s'],
        rows: small.map(({ files, count, perSecond }) => [String(files), String(count), perSecond]),
      },
    ],
    targets: [
      ...entries.map(([name, ms]) => ({
        what: `p95, ${name}`,
        sense: 'at most' as const,
        limit: TARGET_MS,
        measured: quantile(ms, 0.95),
        unit: 'ms',
      })),
      ...small.map(({ files, perSecond }) => ({
        what: `small files, ${files} at once`,
        sense: 'at least' as const,
        limit: SMALL_TARGET_PER_SECOND,
        measured: perSecond,
        unit: 'files/s',
      })),
    ],
    figures: Object.fromEntries([
      ...entries.flatMap(([name, ms]) => [
        [`p50 ms, ${name}`, Number(quantile(ms, 0.5).toFixed(1))],
        [`p95 ms, ${name}`, Number(quantile(ms, 0.95).toFixed(1))],
      ]),
      ...small.map(({ files, perSecond }) => [`small files/s, ${files} at once`, Math.round(perSecond)]),
    ]),
    notes: [
      `${CLIENTS} clients announce, stage and wait for small files; every file is on disk, synced, before it counts`,
      'the first two have one file under way; a driver lets go after two seconds without a chunk',
    ],
  };
}
