/** The functions of the AWS home as they are deployed: size, and what a cold start costs before the first call. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, bundle, ENTRIES, type Entry } from '../lambda/bundle.ts';
import { MIB, median } from './measure.ts';
import type { Bench, Report } from './report.ts';

const ZIPPED_MIB_MAX = 2;
const IMPORT_MS_MAX = 150;

interface Measured {
  readonly entry: Entry;
  readonly made: Bundle;
  readonly importMs: number;
  readonly leastMs: number;
  readonly residentMib: number;
}

export const bundles: Bench = {
  name: 'bundles',
  about: 'size and cold import of each function as it is deployed',
  async run(size) {
    const scratch = await mkdtemp(join(tmpdir(), 'entrepot-bundles-'));
    try {
      const starts = size === 'full' ? 15 : 5;
      const nothing = await coldStarts(starts, 'data:text/javascript,');
      const measured: Measured[] = [];
      for (const entry of ENTRIES) {
        const made = await bundle(entry, scratch);
        measured.push({ entry, made, ...(await coldStarts(starts, join(made.dir, 'bundle.mjs'))) });
      }
      return reportOf(measured, nothing.residentMib);
    } finally {
      await rm(scratch, { recursive: true });
    }
  },
};

/** Medians of so many processes, one after the other. */
async function coldStarts(count: number, module: string): Promise<Omit<Measured, 'entry' | 'made'>> {
  const starts: { importMs: number; residentMib: number }[] = [];
  for (let start = 0; start < count; start++) starts.push(await coldStart(module));
  return {
    importMs: median(starts.map(({ importMs }) => importMs)),
    leastMs: Math.min(...starts.map(({ importMs }) => importMs)),
    residentMib: median(starts.map(({ residentMib }) => residentMib)),
  };
}

const MEASURE = `
  const startedAt = performance.now();
  await import(process.argv[1]);
  const importMs = performance.now() - startedAt;
  process.stdout.write(JSON.stringify({ importMs, residentMib: process.memoryUsage.rss() / ${MIB} }));
`;

async function coldStart(module: string): Promise<{ importMs: number; residentMib: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', MEASURE, module], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [pieces, [code]] = await Promise.all([child.stdout.toArray(), once(child, 'exit')]);
  if (code !== 0) throw new Error(`a bundle cannot be imported: exit ${code}`);
  return JSON.parse(Buffer.concat(pieces).toString());
}

function reportOf(measured: readonly Measured[], nothingMib: number): Report {
  const zippedMib = ({ made }: Measured) => made.zippedBytes / MIB;
  return {
    tables: [
      {
        columns: ['function', 'zipped KiB', 'raw KiB', 'import ms', 'least', 'resident MiB'],
        rows: measured.map(({ entry, made, importMs, leastMs, residentMib }) => [
          entry,
          made.zippedBytes / 1024,
          made.rawBytes / 1024,
          importMs,
          leastMs,
          residentMib,
        ]),
      },
    ],
    targets: measured.flatMap((one) => [
      {
        ...{ what: `zip of ${one.entry}`, sense: 'at most' as const, limit: ZIPPED_MIB_MAX, unit: 'MiB' },
        measured: zippedMib(one),
      },
      {
        ...{ what: `cold import of ${one.entry}`, sense: 'at most' as const, limit: IMPORT_MS_MAX, unit: 'ms' },
        measured: one.importMs,
      },
    ]),
    figures: Object.fromEntries(
      measured.flatMap((one) => [
        [`${one.entry}ZippedMib`, zippedMib(one)],
        [`${one.entry}ImportMs`, one.importMs],
      ]),
    ),
    notes: [
      `medians, and the least of all starts; a Node that imports nothing has ${Math.round(nothingMib)} MiB resident`,
      'Lambda gives a function a share of a core by its memory during calls, and a whole one while it starts',
    ],
  };
}
