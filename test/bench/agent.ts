/** Parts through an agent on the loopback beside the same driver called directly, and what the agent's process takes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { type Bucket, startBucket } from '#adapters/bucket/server.ts';
import { s3StagingLinks } from '#adapters/s3/links.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { s3Client } from '#clients/s3/client.ts';
import type { RemoteConnection } from '#core/ports/agents.ts';
import type { Item, PartBody, PushProvider } from '#core/ports/provider.ts';
import { AgentId } from '#core/wire/agent.ts';
import { TransferId } from '#core/wire/ids.ts';
import { s3Kind } from '#providers/s3/provider.ts';
import { type Home, KEY, startHome, throughAgent } from '../agent/rig.ts';
import { NO_STORE } from '../support/no-store.ts';
import { BENCH_BUCKET } from './bucket-keys.ts';
import { startChild } from './child.ts';
import { forgetPeak, MIB, median, mibPerSecond, residentMib, timed } from './measure.ts';
import type { Bench, Report, Size, Target } from './report.ts';
import { inScratch } from './scratch.ts';

export const agent: Bench = {
  name: 'agent',
  about:
    'an S3 driver at an agent on the loopback, its bytes over the line and from the bucket, beside the same driver here, by turns; memory with 3 files',
  run: (size) => inScratch((directory) => run(size, directory)),
};

const ID = AgentId.parse('bench');
const PART_BYTES = 8 * MIB;
const IN_FLIGHT = 5;
const FILES = 3;

type Way = 'line' | 'bucket';
const WAYS: readonly Way[] = ['line', 'bucket'];

/** A home, with an agent of the image whose bytes go this way. */
interface Fleet {
  readonly way: Way;
  readonly home: Home;
  readonly child: ChildProcess;
}

/** As the home has it: one part, read from the bucket in its process as often as it is asked for. */
type Staged = Pick<PartBody, 'spans' | 'open'>;

async function run(size: Size, directory: string): Promise<Report> {
  const parts = size === 'quick' ? 8 : 16;
  const turns = size === 'quick' ? 3 : 5;
  const staging = await startBucket({ dataDir: `${directory}/staging`, ...NEARBY });
  const staged = await stagedPart(staging);
  const fleets: Fleet[] = [];
  try {
    for (const way of WAYS) fleets.push(await startFleet(way, staging));
    const idleMib = Math.max(...fleets.map(({ child }) => residentMib(child.pid ?? 0).now));
    const taken = await rates(fleets, directory, staged, { parts, turns });
    const rows = [];
    const figures: Record<string, number> = { idle_mib: Math.round(idleMib) };
    const targets: Target[] = [];
    for (const fleet of fleets) {
      const { way } = fleet;
      const memory = await memoryOf(fleet, directory, staged, parts);
      const ours = taken.get(way) ?? [];
      const here = taken.get('here') ?? [];
      const ratio = median(here.map((ms, at) => ms / (ours[at] ?? Number.NaN)));
      const rate = (all: readonly number[]) => Math.round(mibPerSecond(parts * PART_BYTES, median(all)));
      rows.push([
        way,
        rate(ours),
        rate(here),
        ratio.toFixed(2),
        Math.round(memory.fastMib),
        Math.round(memory.slowMib),
      ]);
      figures[`${way}_ratio`] = Number(ratio.toFixed(2));
      figures[`${way}_mib_per_s`] = rate(ours);
      figures['here_mib_per_s'] = rate(here);
      figures[`${way}_fast_peak_mib`] = Math.round(memory.fastMib);
      figures[`${way}_slow_peak_mib`] = Math.round(memory.slowMib);
      const measured = Math.max(memory.slowMib, memory.fastMib);
      const what = `memory with ${FILES} files, bytes by ${way}`;
      targets.push({ what, sense: 'at most', limit: 96, measured, unit: 'MiB' });
    }
    return {
      tables: [
        {
          columns: ['bytes by', 'at the agent MiB/s', 'here MiB/s', 'ratio', `${FILES} files, fast MiB`, 'slow MiB'],
          rows,
        },
      ],
      targets,
      figures,
      notes: ['home, agent and buckets share the machine; the agent is the one of the image, bundled'],
    };
  } finally {
    for (const { child, home } of fleets) {
      child.kill('SIGKILL');
      await home[Symbol.asyncDispose]();
    }
    await staging.close();
  }
}

/** Milliseconds of each turn. The bucket that is sent to is a process of its own, and syncs what it takes. */
async function rates(
  fleets: readonly Fleet[],
  directory: string,
  staged: Staged,
  { parts, turns }: { readonly parts: number; readonly turns: number },
): Promise<ReadonlyMap<Way | 'here', readonly number[]>> {
  const bucket = await startChild('bucket-server.ts', `${directory}/fast`);
  const connection = connectionTo(bucket.url);
  const here = s3Kind.connect({ ...connection, clock: systemClock() });
  if (here.mode !== 'push') throw new Error('a bucket is pushed to');
  const taken = new Map<Way | 'here', number[]>([['here', []]]);
  for (let turn = 0; turn < turns; turn++) {
    taken.get('here')?.push((await timed(() => send(here, staged, parts))).ms);
    for (const { way, home } of fleets) {
      const there = throughAgent(home.server.agents, ID, s3Kind, connection);
      const all = taken.get(way) ?? [];
      taken.set(way, [...all, (await timed(() => send(there, staged, parts))).ms]);
    }
  }
  await bucket.stop();
  return taken;
}

/** Peaks of resident memory. Behind a slow bucket all windows are full. */
async function memoryOf({ way, home, child: { pid = 0 } }: Fleet, directory: string, staged: Staged, parts: number) {
  const peaks: number[] = [];
  for (const bytesPerSecond of [null, 24 * MIB]) {
    const server = await startBucket({
      dataDir: `${directory}/${way}-${bytesPerSecond}`,
      ...NEARBY,
      ...(bytesPerSecond === null ? {} : { bytesPerSecond }),
    });
    const there = throughAgent(home.server.agents, ID, s3Kind, connectionTo(server.url));
    forgetPeak(pid);
    await Promise.all(Array.from({ length: FILES }, () => send(there, staged, parts)));
    peaks.push(residentMib(pid).peak);
    await server.close();
  }
  const [fastMib = Number.NaN, slowMib = Number.NaN] = peaks;
  return { fastMib, slowMib };
}

let files = 0;

/** One file from its opening to its end. */
async function send(provider: PushProvider, staged: Staged, parts: number): Promise<void> {
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
      receipts.push(
        await provider.put(opening.session, item, { number, range, sizeBytes: PART_BYTES, ...staged }, ctx),
      );
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

async function stagedPart({ url, source }: Bucket): Promise<Staged> {
  const { bucket, ...keys } = BENCH_BUCKET;
  const client = s3Client({ endpoint: url, ...keys, forcePathStyle: true });
  const key = 'staging/part';
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: new Uint8Array(PART_BYTES).fill(0x5a) }));
  client.destroy();
  const object = await source.stat(key);
  if (object === null) throw new Error('what was just put is not there');
  const range = { start: 0, end: PART_BYTES };
  return {
    spans: [{ key, version: object.version, range }],
    open: () => source.read(object, range, new AbortController().signal),
  };
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

const NEARBY = {
  ...{ host: '127.0.0.1', port: 0, bucket: BENCH_BUCKET.bucket, region: BENCH_BUCKET.region },
  credentials: [{ accessKeyId: BENCH_BUCKET.accessKeyId, secretAccessKey: BENCH_BUCKET.secretAccessKey }],
  allowedOrigins: '*',
} as const;

/** As in the image. */
const NODE_FLAGS = [
  '--max-semi-space-size=1',
  '--optimize-for-size',
  '--external-memory-accounted-in-global-limit',
  '--expose-gc',
  '--no-opt',
  '--no-maglev',
];

/** The agent of the image. Resolves when it is attached, and has found its way. */
async function startFleet(way: Way, staging: Bucket): Promise<Fleet> {
  const { bucket, ...keys } = BENCH_BUCKET;
  const links = s3StagingLinks({ endpoint: staging.url, bucket, ...keys, forcePathStyle: true, clock: systemClock() });
  const home = await startHome(way === 'line' ? {} : { bytes: { way: 'auto', links } });
  const at = (path: string) => fileURLToPath(new URL(`../../agent/${path}`, import.meta.url));
  execFileSync(process.execPath, [at('bundle.mjs')]);
  const flags = ['--server-url', `http://127.0.0.1:${home.port}`, '--agent-id', ID];
  const child = spawn(process.execPath, [...NODE_FLAGS, at('dist/main.mjs'), ...flags], {
    env: { PATH: process.env['PATH'] ?? '', MALLOC_ARENA_MAX: '2', AGENT_TOKEN: KEY, AGENT_LOG: 'error' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the agent ended with ${code}`)));
  const attached = home.until(() => {
    const [agent] = home.server.agents.attached();
    return agent !== undefined && agent.memoryBytes !== null && agent.bytes?.way === way;
  });
  await Promise.race([attached, failed]);
  failed.catch(() => undefined);
  return { way, home, child };
}
