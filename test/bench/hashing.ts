/** Digests: the two kinds of hashers beside coreutils on the same bytes, and digest rows on the embedded bucket. */
import { randomFillSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Hasher, quickHasher } from '#core/transfer/digesting.ts';
import { DigestAlgorithm } from '#core/wire/digest.ts';
import { savableHasher } from '#hashing';
import { type Hashed, type HashingRig, inHashingRig } from './hashing-row.ts';
import { MIB, median, mibPerSecond, timed } from './measure.ts';
import { type Bench, ratio, type Table } from './report.ts';
import { command, inScratch } from './scratch.ts';

/** As much as one read of a socket gives. */
const PIECE_BYTES = 64 * 1024;
const PEERS: Partial<Record<DigestAlgorithm, string>> = { sha1: 'sha1sum', md5: 'md5sum', sha256: 'sha256sum' };

const ROWS: readonly { readonly algorithms: readonly DigestAlgorithm[]; readonly way: Hashed }[] = [
  { algorithms: ['sha1'], way: 'in one go' },
  { algorithms: ['sha1'], way: 'saving' },
  { algorithms: ['md5'], way: 'in one go' },
  { algorithms: ['md5'], way: 'saving' },
  { algorithms: ['sha256'], way: 'in one go' },
  { algorithms: ['sha256'], way: 'saving' },
  { algorithms: ['sha1', 'md5', 'sha256'], way: 'in one go' },
  { algorithms: ['sha1', 'md5', 'sha256'], way: 'saving' },
  { algorithms: ['crc64nvme'], way: 'any order' },
];

export const hashing: Bench = {
  name: 'hashing',
  about: 'each digest both ways beside coreutils on the same bytes; digest rows on the embedded bucket',
  async run(size) {
    const { bytes, rounds } = size === 'full' ? { bytes: 512 * MIB, rounds: 3 } : { bytes: 64 * MIB, rounds: 1 };
    const plain = await hashedHere(bytes, rounds);
    const rows = await inHashingRig(bytes, (rig) => hashedFromBucket(rig, rounds));
    return {
      tables: [plain.table, rows.table],
      targets: [],
      figures: { ...plain.figures, ...rows.figures },
      notes: [
        `${bytes / MIB} MiB of noise from memory and from the page cache, median of ${rounds} alternating rounds`,
        'a row reads the bucket over loopback, from another process, whose CPU is not counted; "saving" is what a file gets that does not fit one lease',
        'the bare GET throws the bytes away: no row can be faster on one stream; CRCs are read on four',
      ],
    };
  },
};

interface Part {
  readonly table: Table;
  readonly figures: Readonly<Record<string, number>>;
}

async function hashedHere(bytes: number, rounds: number): Promise<Part> {
  const noise = randomFillSync(Buffer.allocUnsafeSlow(bytes));
  const rates = new Map<string, number[]>();
  const add = (name: string, ms: number) => rates.set(name, [...(rates.get(name) ?? []), mibPerSecond(bytes, ms)]);
  await inScratch(async (directory) => {
    const file = join(directory, 'noise');
    await writeFile(file, noise);
    for (let round = 0; round < rounds; round++) {
      for (const algorithm of DigestAlgorithm.options) {
        for (const [way, create] of [['quick', quickHasher] as const, ['savable', savableHasher] as const]) {
          const hasher = await create(algorithm);
          add(`${algorithm} ${way}`, (await timed(async () => digest(hasher, noise))).ms);
        }
        const peer = PEERS[algorithm];
        if (peer !== undefined) add(`${algorithm} peer`, (await timed(() => command(peer, file))).ms);
      }
    }
  });
  const of = (name: string) => median(rates.get(name) ?? []);
  return {
    table: {
      columns: ['algorithm', 'in one go MiB/s', '÷ coreutils', 'savable MiB/s', '÷ coreutils', 'coreutils MiB/s'],
      rows: DigestAlgorithm.options.map((algorithm) => {
        const [quick, savable, peer] = ['quick', 'savable', 'peer'].map((way) => of(`${algorithm} ${way}`));
        const beside = (rate = 0) => (algorithm in PEERS ? ratio(rate, peer ?? 0) : '–');
        return [
          algorithm,
          quick ?? 0,
          beside(quick),
          savable ?? 0,
          beside(savable),
          algorithm in PEERS ? (peer ?? 0) : '–',
        ];
      }),
    },
    figures: Object.fromEntries([...rates.keys()].map((name) => [`${name} MiB/s`, of(name)])),
  };
}

function digest(hasher: Hasher, bytes: Buffer): string {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) hasher.update(bytes.subarray(at, at + PIECE_BYTES));
  return hasher.digest('hex');
}

async function hashedFromBucket(rig: HashingRig, rounds: number): Promise<Part> {
  const taken = new Map<string, { readonly rate: number; readonly cpu: number }[]>();
  const add = async (name: string, work: () => Promise<void>): Promise<void> => {
    const before = process.cpuUsage();
    const { ms } = await timed(work);
    const { user, system } = process.cpuUsage(before);
    const cpu = (user + system) / 1e6 / (rig.bytes / (1024 * MIB));
    taken.set(name, [...(taken.get(name) ?? []), { rate: mibPerSecond(rig.bytes, ms), cpu }]);
  };
  for (let round = 0; round < rounds; round++) {
    await add('bare GET', rig.get);
    for (const { algorithms, way } of ROWS) {
      await add(`${algorithms.join('+')}, ${way}`, () => rig.hash(algorithms, way));
    }
  }
  const of = (name: string, field: 'rate' | 'cpu') => median((taken.get(name) ?? []).map((one) => one[field]));
  const names = [...taken.keys()];
  return {
    table: {
      columns: ['digest row', 'MiB/s', '÷ bare GET', 'CPU s per GiB', '÷ bare GET'],
      rows: names.map((name) => [
        name,
        of(name, 'rate'),
        ratio(of(name, 'rate'), of('bare GET', 'rate')),
        of(name, 'cpu'),
        ratio(of(name, 'cpu'), of('bare GET', 'cpu')),
      ]),
    },
    figures: Object.fromEntries(
      names.flatMap((name) => [
        [`row ${name} MiB/s`, of(name, 'rate')],
        [`row ${name} CPU s/GiB`, of(name, 'cpu')],
      ]),
    ),
  };
}
