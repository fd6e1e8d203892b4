/** One large file from S3 to S3 through us, beside `rclone copyto` of the same object with the same parts in flight. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AwsClient } from 'aws4fetch';
import { TransferList } from '#core/wire/transfer.ts';
import { havePrograms } from '../support/apt.ts';
import { type Radosgw, startRadosgw } from '../support/radosgw.ts';
import { serverHome } from '../support/server.ts';
import { BENCH_BUCKET } from './bucket-keys.ts';
import { startChild } from './child.ts';
import { countingProxy } from './counting-proxy.ts';
import { putNoise } from './http.ts';
import { forgetPeak, MIB, median, mibPerSecond, timed } from './measure.ts';
import { type Usage, usageOf } from './process-usage.ts';
import { type Bench, type Report, ratio } from './report.ts';
import { inScratch, settleDisk } from './scratch.ts';

const PART_MIB = 10;
const PARTS_AT_ONCE = 5;
const RSS_MAX_MIB = 200;
const POLL_MS = 20;
const MASTER = 'master.bin';

/** A bucket of some store, and the keys to it. */
interface Side {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

interface Way {
  readonly name: string;
  readonly from: Side;
  readonly to: Side;
}

interface Run extends Usage {
  readonly ms: number;
}

interface Pair {
  readonly ours: Run;
  readonly rclone: Run;
}

export const rclone: Bench = {
  name: 'rclone',
  about: `one file from S3 to S3, ${PART_MIB} MiB parts, ${PARTS_AT_ONCE} at once, beside rclone copyto`,
  async run(size) {
    const full = size === 'full';
    const { bytes, pairs } = full ? { bytes: 2048 * MIB, pairs: 5 } : { bytes: 128 * MIB, pairs: 1 };
    await using gateway = await startRadosgw();
    const rcloneIsHere = await havePrograms({
      purpose: 'bench beside rclone',
      binaries: ['rclone'],
      packages: ['rclone'],
    });
    if (gateway === null || !rcloneIsHere) throw new Error('radosgw and rclone are needed');
    return await inScratch(async (directory) => {
      const bucket = await startChild('bucket-server.ts', directory);
      try {
        const results = [];
        for (const way of await waysBetween(gateway, bucket.url)) {
          await putNoise(await presigned(way.from, 'PUT', MASTER), bytes);
          const runs = await pairsOf(way, bytes, pairs);
          const requests = await requestsOf(way, Math.min(bytes, 256 * MIB));
          results.push({ way, runs, requests });
        }
        return reportOf(results, bytes);
      } finally {
        await bucket.stop();
      }
    });
  },
};

/** The third way crosses one store without its help: another name of its address is another service to everybody. */
async function waysBetween(gateway: Radosgw, bucketUrl: string): Promise<readonly Way[]> {
  const { endpoint, region, accessKeyId, secretAccessKey } = gateway;
  const rados = (name: string): Side => ({ endpoint, region, accessKeyId, secretAccessKey, bucket: name });
  const ours: Side = { ...BENCH_BUCKET, endpoint: bucketUrl };
  for (const name of ['bench-from', 'bench-to']) await gateway.makeBucket(name);
  const elsewhere = endpoint.replace('127.0.0.1', 'localhost');
  return [
    { name: 'radosgw → our bucket', from: rados('bench-from'), to: ours },
    { name: 'our bucket → radosgw', from: ours, to: rados('bench-to') },
    { name: 'radosgw → radosgw', from: rados('bench-from'), to: { ...rados('bench-to'), endpoint: elsewhere } },
  ];
}

async function pairsOf(way: Way, bytes: number, count: number): Promise<readonly Pair[]> {
  return withUs(way, async (deliver) => {
    const pairs: Pair[] = [];
    for (let n = 0; n < count; n++) {
      const file = `${way.name.replaceAll(/\W+/g, '-')}-${n}.bin`;
      const turns = {
        ours: () => deliver(file, bytes),
        rclone: () => copyWithRclone(way, file, bytes),
      };
      const order = n % 2 === 0 ? (['ours', 'rclone'] as const) : (['rclone', 'ours'] as const);
      const runs: Partial<Record<'ours' | 'rclone', Run>> = {};
      for (const who of order) {
        await settleDisk();
        runs[who] = await turns[who]();
      }
      if (runs.ours !== undefined && runs.rclone !== undefined) pairs.push({ ours: runs.ours, rclone: runs.rclone });
    }
    return pairs;
  });
}

/** Both once more, through proxies that count and are not timed: requests about the file itself per GiB. */
async function requestsOf(way: Way, bytes: number): Promise<{ readonly ours: number; readonly rclone: number }> {
  await putNoise(await presigned(way.from, 'PUT', MASTER), bytes);
  await using from = await countingProxy(way.from.endpoint);
  await using to = await countingProxy(way.to.endpoint);
  const counted: Way = {
    name: way.name,
    from: { ...way.from, endpoint: from.url },
    to: { ...way.to, endpoint: to.url },
  };
  await withUs(counted, (deliver) => deliver('counted-ours.bin', bytes));
  await copyWithRclone(counted, 'counted-rclone.bin', bytes);
  const perGib = (word: string) => {
    const counts = [from.counted(word), to.counted(word)].flatMap((byMethod) => Object.values(byMethod));
    return (counts.reduce((sum, count) => sum + count, 0) * 1024 * MIB) / bytes;
  };
  return { ours: perGib('counted-ours'), rclone: perGib(`${MASTER}`) + perGib('counted-rclone') };
}

type Deliver = (file: string, bytes: number) => Promise<Run>;

/** A server of ours whose staging is the one side and whose destination is the other. */
async function withUs<T>({ from, to }: Way, work: (deliver: Deliver) => Promise<T>): Promise<T> {
  const home = await serverHome({
    ENTREPOT_S3_ENDPOINT: from.endpoint,
    ENTREPOT_S3_REGION: from.region,
    ENTREPOT_S3_BUCKET: from.bucket,
    ENTREPOT_S3_ACCESS_KEY_ID: from.accessKeyId,
    ENTREPOT_S3_SECRET_ACCESS_KEY: from.secretAccessKey,
    MAX_CONCURRENT_PARTS: String(PARTS_AT_ONCE),
  });
  try {
    const server = await home.start();
    const { endpoint, region, bucket, accessKeyId, secretAccessKey } = to;
    const made = await server.api('POST', '/api/v1/destinations', {
      id: 'there',
      provider: 's3',
      settings: { endpoint, region, bucket, prefix: 'delivered', forcePathStyle: true, partBytes: PART_MIB * MIB },
      credentials: { accessKeyId, secretAccessKey },
    });
    if (made.status !== 201) throw new Error(`the destination was refused: ${JSON.stringify(made.body)}`);
    const pid = server.process.pid ?? 0;
    return await work(async (file, bytes) => {
      forgetPeak(pid);
      const before = usageOf(pid);
      await copyInside(from, MASTER, `inbox/there/${file}`);
      const ms = await untilDelivered(server, file);
      const after = usageOf(pid);
      await checkAndRemove(to, `delivered/${file}`, bytes);
      // A store that knows no conditional removal keeps it, and the next server would deliver it once more.
      await checkAndRemove(from, `inbox/there/${file}`, bytes);
      return { ms, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakMib: after.peakMib };
    });
  } finally {
    await home.cleanup();
  }
}

/** From the moment that the object was seen to the end of the transfer: how long it lay unseen is the poll's matter. */
async function untilDelivered(
  server: Awaited<ReturnType<Awaited<ReturnType<typeof serverHome>>['start']>>,
  file: string,
) {
  for (;;) {
    const { body } = await server.api('GET', '/api/v1/transfers?limit=10');
    const found = TransferList.parse(body).items.find(({ name }) => name === file);
    if (found?.phase === 'failed' || found?.phase === 'canceled') {
      throw new Error(`${file} ended ${found.phase}: ${found.error?.code ?? ''}`);
    }
    if (found?.phase === 'done' && found.endedAt !== null)
      return Date.parse(found.endedAt) - Date.parse(found.createdAt);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function copyWithRclone(way: Way, file: string, bytes: number): Promise<Run> {
  const target = `delivered/rclone-${file}`;
  const args = [
    'copyto',
    `from:${way.from.bucket}/${MASTER}`,
    `to:${way.to.bucket}/${target}`,
    ...['--config', '/dev/null', '--ignore-times', '--s3-no-check-bucket'],
    ...['--s3-chunk-size', `${PART_MIB}Mi`, '--s3-upload-cutoff', `${PART_MIB}Mi`],
    ...['--s3-upload-concurrency', String(PARTS_AT_ONCE)],
  ];
  // rclone 1.60 stops at once where a CA bundle is configured for the AWS library.
  const { AWS_CA_BUNDLE: _, ...env } = process.env;
  const { ms, value } = await timed(async () => {
    const child = spawn('rclone', args, {
      env: { ...env, ...remote('FROM', way.from), ...remote('TO', way.to) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    let last: Usage = { cpuSeconds: Number.NaN, peakMib: Number.NaN };
    const look = setInterval(() => {
      last = lastUsage(child.pid ?? 0, last);
    }, POLL_MS);
    const [code] = await once(child, 'exit');
    clearInterval(look);
    if (code !== 0) throw new Error(`rclone ended with ${code}`);
    return last;
  });
  await checkAndRemove(way.to, target, bytes);
  return { ms, ...value };
}

/** What it cost by the last look before it ended: a process that is gone cannot be asked. */
function lastUsage(pid: number, before: Usage): Usage {
  try {
    const now = usageOf(pid);
    return Number.isNaN(now.peakMib) ? before : now;
  } catch {
    return before;
  }
}

function remote(name: string, { endpoint, region, accessKeyId, secretAccessKey }: Side): Record<string, string> {
  const settings = {
    TYPE: 's3',
    PROVIDER: 'Other',
    ENDPOINT: endpoint,
    REGION: region,
    ACCESS_KEY_ID: accessKeyId,
    SECRET_ACCESS_KEY: secretAccessKey,
    FORCE_PATH_STYLE: 'true',
  };
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [`RCLONE_CONFIG_${name}_${key}`, value]));
}

function signerOf({ region, accessKeyId, secretAccessKey }: Side): AwsClient {
  return new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3' });
}

async function presigned(side: Side, method: string, key: string): Promise<string> {
  const url = `${side.endpoint}/${side.bucket}/${key}?X-Amz-Expires=3600`;
  return (await signerOf(side).sign(url, { method, aws: { signQuery: true } })).url;
}

async function copyInside(side: Side, source: string, target: string): Promise<void> {
  const answer = await signerOf(side).fetch(`${side.endpoint}/${side.bucket}/${target}`, {
    method: 'PUT',
    headers: { 'x-amz-copy-source': `/${side.bucket}/${source}` },
  });
  if (!answer.ok) throw new Error(`the copy in the bucket was answered with ${answer.status}`);
  await answer.arrayBuffer();
}

/** Stores do not get fuller by the run: a full one would be what is measured. */
async function checkAndRemove(side: Side, key: string, bytes: number): Promise<void> {
  const url = `${side.endpoint}/${side.bucket}/${key}`;
  const answer = await signerOf(side).fetch(url, { method: 'HEAD' });
  const found = Number(answer.headers.get('content-length'));
  if (!answer.ok || found !== bytes) throw new Error(`${key} has ${found} bytes, HTTP ${answer.status}`);
  const removed = await signerOf(side).fetch(url, { method: 'DELETE' });
  if (!removed.ok && removed.status !== 404) throw new Error(`${key} could not be removed, HTTP ${removed.status}`);
}

interface Result {
  readonly way: Way;
  readonly runs: readonly Pair[];
  readonly requests: { readonly ours: number; readonly rclone: number };
}

async function reportOf(results: readonly Result[], bytes: number): Promise<Report> {
  const version = await versionOfRclone();
  const gib = bytes / MIB / 1024;
  const rows = results.map(({ way, runs, requests }) => {
    const of = (who: 'ours' | 'rclone') => ({
      rate: median(runs.map((pair) => mibPerSecond(bytes, pair[who].ms))),
      cpu: median(runs.map((pair) => pair[who].cpuSeconds / gib)),
      peak: Math.max(...runs.map((pair) => pair[who].peakMib)),
    });
    const rate = median(runs.map(({ ours, rclone: theirs }) => theirs.ms / ours.ms));
    return { name: way.name, ours: of('ours'), theirs: of('rclone'), rate, requests };
  });
  const both = (ours: number, theirs: number) => [ours, theirs, ratio(ours, theirs)];
  return {
    tables: [
      {
        columns: [
          'way',
          'our MiB/s',
          'rclone',
          'ratio',
          'CPU s/GiB',
          'rclone',
          'ratio',
          'RSS MiB',
          'rclone',
          'ratio',
          'requests/GiB',
          'rclone',
        ],
        rows: rows.map(({ name, ours, theirs, requests }) => [
          name,
          ...both(ours.rate, theirs.rate),
          ...both(ours.cpu, theirs.cpu),
          ...both(ours.peak, theirs.peak),
          requests.ours,
          requests.rclone,
        ]),
      },
    ],
    targets: rows.flatMap(({ name, ours, rate }) => [
      {
        what: `${name}: rate beside rclone, median of pairs`,
        sense: 'at least' as const,
        limit: 1,
        measured: rate,
        unit: '×',
      },
      { what: `${name}: RSS`, sense: 'at most' as const, limit: RSS_MAX_MIB, measured: ours.peak, unit: 'MiB' },
    ]),
    figures: Object.fromEntries(
      rows.flatMap(({ name, rate, ours }) => [
        [`${name} ratio`, rate],
        [`${name} RSS MiB`, ours.peak],
      ]),
    ),
    notes: [
      `${bytes / MIB} MiB, ${results[0]?.runs.length ?? 0} pairs in alternation; ${version}`,
      'our time runs from the moment the object is seen to the end of the transfer; rclone’s is that of its process',
      'CPU and RSS are those of our server and of the rclone process; the stores have processes of their own',
      'requests are those about the file itself, counted in a run that is not timed',
    ],
  };
}

async function versionOfRclone(): Promise<string> {
  const child = spawn('rclone', ['version'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [first] = await once(child.stdout, 'data');
  return String(first).split('\n')[0] ?? '';
}
