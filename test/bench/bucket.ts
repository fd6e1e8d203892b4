/** The embedded bucket beside bare HTTP servers that do less and less. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AwsV4Signer } from 'aws4fetch';
import { BENCH_BUCKET } from './bucket-keys.ts';
import { type Child, startChild } from './child.ts';
import { getBytes, numbersTo, pooled, putNoise } from './http.ts';
import { forgetPeak, MIB, median, mibPerSecond, residentMib, timed } from './measure.ts';
import { type Bench, ratio } from './report.ts';
import { inScratch, settleDisk } from './scratch.ts';

const BODY_BYTES = 10 * MIB;
const IN_FLIGHT = 4;

interface Peer {
  readonly name: string;
  start(directory: string): Promise<Child>;
  url(origin: string, method: 'PUT' | 'GET', number: number): Promise<string>;
}

interface Sample {
  readonly put: number;
  readonly get: number;
  readonly idleMib: number;
  readonly putPeakMib: number;
  readonly getPeakMib: number;
}

const plain = (name: string, ...wanted: readonly string[]): Peer => ({
  name,
  start: (directory) => startChild('plain-server.ts', directory, ...wanted),
  url: async (origin, _method, number) => `${origin}/${number}`,
});

const PEERS: readonly Peer[] = [
  { name: 'embedded bucket', start: (directory) => startChild('bucket-server.ts', directory), url: signedUrl },
  plain('bare http, fsync, MD5', 'sync', 'md5'),
  plain('bare http, fsync', 'sync'),
  plain('bare http, no fsync'),
];

export const bucket: Bench = {
  name: 'bucket',
  about: 'PUT and ranged GET of 10 MiB bodies, 4 in flight, beside bare Node servers on the same disk',
  async run(size) {
    const { rounds, count } = size === 'full' ? { rounds: 5, count: 64 } : { rounds: 1, count: 8 };
    const samples = new Map<string, Sample[]>(PEERS.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const peer of PEERS) samples.get(peer.name)?.push(await sampled(peer, count));
    }
    const of = (name: string, field: keyof Sample) => median((samples.get(name) ?? []).map((sample) => sample[field]));
    const [own = '', , synced = ''] = PEERS.map(({ name }) => name);
    return {
      tables: [
        {
          columns: [
            'server',
            'PUT MiB/s',
            '÷ bare fsync',
            'GET MiB/s',
            '÷ bare fsync',
            'RSS idle',
            'peak PUT',
            'peak GET MiB',
          ],
          rows: PEERS.map(({ name }) => [
            name,
            of(name, 'put'),
            ratio(of(name, 'put'), of(synced, 'put')),
            of(name, 'get'),
            ratio(of(name, 'get'), of(synced, 'get')),
            of(name, 'idleMib'),
            of(name, 'putPeakMib'),
            of(name, 'getPeakMib'),
          ]),
        },
      ],
      targets: [],
      figures: {
        'put MiB/s': of(own, 'put'),
        'get MiB/s': of(own, 'get'),
        'bare fsync put MiB/s': of(synced, 'put'),
        'bare fsync get MiB/s': of(synced, 'get'),
        'peak RSS MiB': Math.max(of(own, 'putPeakMib'), of(own, 'getPeakMib')),
      },
      notes: [
        `median of ${rounds} alternating rounds of ${count} bodies; reads come from the page cache; the client shares the cores`,
        'the bucket also verifies SigV4, computes the ETag (MD5), and writes a row to its index before it answers',
      ],
    };
  },
};

async function sampled(peer: Peer, count: number): Promise<Sample> {
  return inScratch(async (scratch) => {
    const directory = join(scratch, 'data');
    await mkdir(directory);
    const server = await peer.start(directory);
    try {
      const numbers = numbersTo(count);
      const puts = await Promise.all(numbers.map((number) => peer.url(server.url, 'PUT', number)));
      const gets = await Promise.all(numbers.map((number) => peer.url(server.url, 'GET', number)));
      await settleDisk();
      const idleMib = residentMib(server.pid).now;
      const put = await timed(() => pooled(puts, IN_FLIGHT, (url) => putNoise(url, BODY_BYTES)));
      const putPeakMib = residentMib(server.pid).peak;
      forgetPeak(server.pid);
      const get = await timed(() => pooled(gets, IN_FLIGHT, readWhole));
      const bytes = count * BODY_BYTES;
      return {
        put: mibPerSecond(bytes, put.ms),
        get: mibPerSecond(bytes, get.ms),
        idleMib,
        putPeakMib,
        getPeakMib: residentMib(server.pid).peak,
      };
    } finally {
      await server.stop();
    }
  });
}

async function readWhole(url: string): Promise<void> {
  const bytes = await getBytes(url, { range: `bytes=0-${BODY_BYTES - 1}` });
  if (bytes !== BODY_BYTES) throw new Error(`${bytes} bytes came back`);
}

async function signedUrl(origin: string, method: 'PUT' | 'GET', number: number): Promise<string> {
  const { bucket: name, ...keys } = BENCH_BUCKET;
  const url = `${origin}/${name}/${number}?X-Amz-Expires=3600`;
  return (await new AwsV4Signer({ ...keys, url, method, service: 's3', signQuery: true }).sign()).url.href;
}
