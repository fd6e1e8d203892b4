/** Parts through an agent on the loopback beside the same driver called directly, and what the agent's process takes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startBucket } from '#adapters/bucket/server.ts';
import { systemClock } from '#adapters/system/clock.ts';
import type { RemoteConnection } from '#core/ports/agents.ts';
import type { Item, PushProvider } from '#core/ports/provider.ts';
import { AgentId } from '#core/wire/agent.ts';
import { TransferId } from '#core/wire/ids.ts';
import { s3Kind } from '#providers/s3/provider.ts';
import { type Home, KEY, startHome, throughAgent } from '../agent/rig.ts';
import { NO_STORE } from '../support/no-store.ts';
import { BENCH_BUCKET } from './bucket-keys.ts';
import { startChild } from './child.ts';
import { forgetPeak, MIB, median, mibPerSecond, residentMib, timed } from './measure.ts';
import type { Bench, Report, Size } from './report.ts';
import { inScratch } from './scratch.ts';

export const agent: Bench = {
  name: 'agent',
  about:
    'an S3 driver at an agent on the loopback beside the same driver here, 5 parts at once, by turns; memory with 3 files',
  run: (size) => inScratch((directory) => run(size, directory)),
};

const ID = AgentId.parse('bench');
const PART_BYTES = 8 * MIB;
const IN_FLIGHT = 5;
const FILES = 3;

async function run(size: Size, directory: string): Promise<Report> {
  const parts = size === 'quick' ? 8 : 32;
  const turns = size === 'quick' ? 3 : 5;
  const home = await startHome();
  const child = await startBundle(home);
  try {
    const idleMib = residentMib(child.pid ?? 0).now;
    const { ours, direct } = await rates(home, directory, parts, turns);
    const memory = await memoryOf(home, child, directory, parts);
    const ratio = median(direct.map((ms, at) => ms / (ours[at] ?? Number.NaN)));
    const rate = (all: readonly number[]) => Math.round(mibPerSecond(parts * PART_BYTES, median(all)));
    return {
      tables: [
        {
          columns: ['at the agent MiB/s', 'here MiB/s', 'ratio'],
          rows: [[rate(ours), rate(direct), ratio.toFixed(2)]],
        },
        {
          columns: ['agent idle MiB', `${FILES} files at full rate MiB`, `${FILES} files to a slow bucket MiB`],
          rows: [[idleMib, memory.fastMib, memory.slowMib].map(Math.round)],
        },
      ],
      targets: [
        { what: `memory with ${FILES} files`, sense: 'at most', limit: 96, measured: memory.slowMib, unit: 'MiB' },
      ],
      figures: {
        ratio: Number(ratio.toFixed(2)),
        agent_mib_per_s: rate(ours),
        here_mib_per_s: rate(direct),
        idle_mib: Math.round(idleMib),
        fast_peak_mib: Math.round(memory.fastMib),
        slow_peak_mib: Math.round(memory.slowMib),
      },
      notes: ['home, agent and bucket share the machine; the agent is the one of the image, bundled'],
    };
  } finally {
    child.kill('SIGKILL');
    await home[Symbol.asyncDispose]();
  }
}

/** Milliseconds of each turn. The bucket is a process of its own, and syncs what it takes. */
async function rates(home: Home, directory: string, parts: number, turns: number) {
  const bucket = await startChild('bucket-server.ts', `${directory}/fast`);
  const connection = connectionTo(bucket.url);
  const there = throughAgent(home.server.agents, ID, s3Kind, connection);
  const here = s3Kind.connect({ ...connection, clock: systemClock() });
  if (here.mode !== 'push') throw new Error('a bucket is pushed to');
  const ours: number[] = [];
  const direct: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    direct.push((await timed(() => send(here, parts))).ms);
    ours.push((await timed(() => send(there, parts))).ms);
  }
  await bucket.stop();
  return { ours, direct };
}

/** Peaks of resident memory. Behind a slow bucket all windows are full. */
async function memoryOf(home: Home, { pid = 0 }: ChildProcess, directory: string, parts: number) {
  const peaks: number[] = [];
  for (const bytesPerSecond of [null, 24 * MIB]) {
    const { bucket, region, ...credential } = BENCH_BUCKET;
    const server = await startBucket({
      ...{ dataDir: `${directory}/${bytesPerSecond}`, host: '127.0.0.1', port: 0, bucket, region },
      credentials: [credential],
      allowedOrigins: '*',
      ...(bytesPerSecond === null ? {} : { bytesPerSecond }),
    });
    const there = throughAgent(home.server.agents, ID, s3Kind, connectionTo(server.url));
    forgetPeak(pid);
    await Promise.all(Array.from({ length: FILES }, () => send(there, parts)));
    peaks.push(residentMib(pid).peak);
    await server.close();
  }
  const [fastMib = Number.NaN, slowMib = Number.NaN] = peaks;
  return { fastMib, slowMib };
}

let files = 0;

/** One file from its opening to its end. */
async function send(provider: PushProvider, parts: number): Promise<void> {
  const ctx = { signal: new AbortController().signal };
  files += 1;
  const item: Item = {
    transferId: TransferId.parse(`trf_01${String(files).padStart(24, '0')}`),
    name: `${files}.bin`,
    folder: '/',
    sizeBytes: parts * PART_BYTES,
    digests: {},
    answers: {},
  };
  const opening = await provider.open(item, ctx);
  if (opening.kind !== 'ready') throw new Error('the bucket has this file already');
  const receipts: { number: number; tag: string }[] = [];
  let next = 1;
  const loop = async (): Promise<void> => {
    while (next <= parts) {
      const number = next++;
      const range = { start: (number - 1) * PART_BYTES, end: number * PART_BYTES };
      const part = { number, range, sizeBytes: PART_BYTES, spans: [], open: async () => noise(PART_BYTES) };
      receipts.push(await provider.put(opening.session, item, part, ctx));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  await provider.finish(
    opening.session,
    item,
    receipts.sort((a, b) => a.number - b.number),
    ctx,
  );
}

/** As a store's answer comes: by 64 KiB. */
const CHUNK = new Uint8Array(64 * 1024).fill(0x5a);

function noise(sizeBytes: number): ReadableStream<Uint8Array> {
  let leftBytes = sizeBytes;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        if (leftBytes === 0) return controller.close();
        leftBytes -= CHUNK.length;
        return controller.enqueue(CHUNK.slice());
      },
    },
    { highWaterMark: 0 },
  );
}

function connectionTo(endpoint: string): RemoteConnection {
  const { bucket, region, accessKeyId, secretAccessKey } = BENCH_BUCKET;
  return {
    provider: 's3',
    destinationId: 'bucket',
    deviceId: '00112233445566778899aabbccddeeff',
    settings: { endpoint, region, bucket, partBytes: PART_BYTES },
    staging: NO_STORE,
    credentials: {
      read: async () => ({ accessKeyId, secretAccessKey }),
      rotate: () => Promise.reject(new Error('keys of a bucket are not rotated')),
    },
    shared: () => ({ read: async () => null, swap: async () => true }),
  };
}

/** As in the image. */
const NODE_FLAGS = ['--max-semi-space-size=1', '--optimize-for-size', '--external-memory-accounted-in-global-limit'];

/** The agent of the image. Resolves when it is attached. */
async function startBundle(home: Home): Promise<ChildProcess> {
  const at = (path: string) => fileURLToPath(new URL(`../../agent/${path}`, import.meta.url));
  execFileSync(process.execPath, [at('bundle.mjs')]);
  const flags = ['--server-url', `http://127.0.0.1:${home.port}`, '--agent-id', ID];
  const child = spawn(process.execPath, [...NODE_FLAGS, at('dist/main.mjs'), ...flags], {
    env: { PATH: process.env['PATH'] ?? '', MALLOC_ARENA_MAX: '2', AGENT_TOKEN: KEY, AGENT_LOG: 'error' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the agent ended with ${code}`)));
  const attached = home.until(() => (home.server.agents.attached()[0]?.memoryBytes ?? null) !== null);
  await Promise.race([attached, failed]);
  failed.catch(() => undefined);
  return child;
}
