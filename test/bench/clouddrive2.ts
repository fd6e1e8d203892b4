/** Remote uploads to CloudDrive2: our driver beside a bare loop of the same messages, and memory with many uploads on one channel. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { API_TOKEN } from '../fakes/clouddrive2/server.ts';
import { startChild } from './child.ts';
import { MIB, median, mibPerSecond } from './measure.ts';
import type { Bench, Report, Size } from './report.ts';

export const cloudDrive2: Bench = {
  name: 'clouddrive2',
  about:
    'answers of a remote upload: our driver beside bare grpc-js, 1 MiB messages, by turns; memory with 100 uploads',
  run,
};

const UPLOADS = 100;
/** The lane answers so many reads at once, of all files together. */
const LANE_READS = 16;

async function run(size: Size): Promise<Report> {
  const fileMib = size === 'quick' ? 128 : 512;
  const rows: (readonly (string | number)[])[] = [];
  const figures: Record<string, number> = {};
  const ratios: number[] = [];
  for (const reads of [1, 4, 8]) {
    const { rounds } = await inClient<{ rounds: readonly Round[] }>(reads, ['rate', 1, fileMib * MIB, reads]);
    const ratio = median(rounds.map(({ ours, bare }) => bare / ours));
    const rate = (ms: number) => Math.round(mibPerSecond(fileMib * MIB, ms));
    const ours = rate(median(rounds.map((round) => round.ours)));
    const bare = rate(median(rounds.map((round) => round.bare)));
    rows.push([reads, ours, bare, ratio.toFixed(2)]);
    figures[`ours_${reads}_mib_per_s`] = ours;
    figures[`bare_${reads}_mib_per_s`] = bare;
    ratios.push(ratio);
  }
  const each = (size === 'quick' ? 4 : 16) * MIB;
  const memory = await inClient<{ peakMib: number }>(4, ['memory', UPLOADS, each, LANE_READS]);
  figures['peak_mib'] = Math.round(memory.peakMib);
  return {
    tables: [{ columns: ['reads at once', 'ours MiB/s', 'bare MiB/s', 'ratio'], rows }],
    targets: [
      { what: 'least ratio to bare grpc-js', sense: 'at least', limit: 0.7, measured: Math.min(...ratios), unit: '' },
      { what: `memory with ${UPLOADS} uploads`, sense: 'at most', limit: 200, measured: memory.peakMib, unit: 'MiB' },
    ],
    figures,
    notes: ['the server is a fake on the same machine that keeps no byte; it shares the cores with the client'],
  };
}

interface Round {
  readonly ours: number;
  readonly bare: number;
}

const CLIENT = fileURLToPath(new URL('clouddrive2-client.ts', import.meta.url));
/** As `npm start` does, like the variable below: 28 MiB lighter from the second start on, and as much again at work. */
const PRELOAD = ['--import', new URL('../../local/need-node.mjs', import.meta.url).href];

/** What the client prints, beside a fresh server that asks for so many reads at once. */
async function inClient<T>(reads: number, [what, ...rest]: readonly (string | number)[]): Promise<T> {
  const server = await startChild('clouddrive2-server.ts', String(reads));
  try {
    const args = [...PRELOAD, CLIENT, String(what), server.url, API_TOKEN, ...rest.map(String)];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      env: { ...process.env, MALLOC_ARENA_MAX: '2' },
      timeout: 10 * 60_000,
    });
    // The client's own line, of the shape that was asked for.
    return JSON.parse(stdout) as T;
  } finally {
    await server.stop();
  }
}
