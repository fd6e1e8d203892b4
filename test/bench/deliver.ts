/** One large file from the inbox to a folder, beside `cp` and fsync of as many bytes on the same disk. */
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TransferList } from '#core/wire/transfer.ts';
import { type Home, inHome } from './home.ts';
import { putNoise } from './http.ts';
import { forgetPeak, MIB, median, mibPerSecond, residentMib, timed } from './measure.ts';
import { type Bench, ratio } from './report.ts';
import { command, settleDisk } from './scratch.ts';

const RSS_MAX_MIB = 200;

interface Round {
  readonly stage: number;
  readonly deliver: number;
  readonly copy: number;
  readonly beforeMib: number;
  readonly stagedMib: number;
  readonly peakMib: number;
}

export const deliver: Bench = {
  name: 'deliver',
  about: 'one file from the inbox to a folder, beside cp + fsync',
  async run(size) {
    const { bytes, rounds } = size === 'full' ? { bytes: 1024 * MIB, rounds: 3 } : { bytes: 128 * MIB, rounds: 1 };
    const samples = await inHome({}, async (home) => {
      const all: Round[] = [];
      for (let round = 1; round <= rounds; round++) all.push(await delivered(home, bytes, round));
      return all;
    });
    const of = (field: keyof Round) => median(samples.map((sample) => sample[field]));
    const peakMib = Math.max(...samples.map((sample) => sample.peakMib));
    return {
      tables: [
        {
          columns: ['what', 'MiB/s', '÷ cp + fsync'],
          rows: [
            ['inbox → folder', of('deliver'), ratio(of('deliver'), of('copy'))],
            ['cp + fsync', of('copy'), ratio(1, 1)],
            ['PUT into the inbox', of('stage'), ratio(of('stage'), of('copy'))],
          ],
        },
        {
          columns: ['server', 'RSS at start MiB', 'after the PUT', 'peak while delivering'],
          rows: [['whole process', samples[0]?.beforeMib ?? Number.NaN, of('stagedMib'), peakMib]],
        },
      ],
      targets: [
        { what: 'peak RSS of the server', sense: 'at most', limit: RSS_MAX_MIB, measured: peakMib, unit: 'MiB' },
      ],
      figures: {
        'deliver MiB/s': of('deliver'),
        'cp + fsync MiB/s': of('copy'),
        'stage MiB/s': of('stage'),
        'RSS before MiB': samples[0]?.beforeMib ?? Number.NaN,
        'RSS peak MiB': peakMib,
      },
      notes: [
        `${bytes / MIB} MiB, median of ${rounds}; both read from the page cache; the bucket, the engine and the API share the process`,
        'the engine reads the files of the bucket in its own process; the time runs from the PUT’s answer to the transfer’s end',
      ],
    };
  },
};

async function delivered(home: Home, bytes: number, round: number): Promise<Round> {
  const name = `large-${round}.bin`;
  const beforeMib = residentMib(home.pid).now;
  await settleDisk();
  const url = await home.objectUrl('PUT', `inbox/folder/${name}`);
  const put = await timed(() => putNoise(url, bytes));
  const stagedMib = residentMib(home.pid).now;
  forgetPeak(home.pid);
  const moved = await timed(() => untilDelivered(home, name));
  const peakMib = residentMib(home.pid).peak;
  const file = join(home.delivered, name);
  const { size } = await stat(file);
  if (size !== bytes) throw new Error(`${size} bytes were delivered`);
  await settleDisk();
  const copied = await timed(() => copySynced(file, `${file}.copy`));
  await Promise.all([rm(file), rm(`${file}.copy`)]);
  return {
    stage: mibPerSecond(bytes, put.ms),
    deliver: mibPerSecond(bytes, moved.ms),
    copy: mibPerSecond(bytes, copied.ms),
    beforeMib,
    stagedMib,
    peakMib,
  };
}

/** An inbox object's transfer has an id that we do not know: it is the newest of its name. */
async function untilDelivered(home: Home, name: string): Promise<void> {
  for (;;) {
    const { body } = await home.server.api('GET', '/api/v1/transfers?limit=10');
    const found = TransferList.parse(body).items.find((item) => item.name === name);
    if (found !== undefined) return void (await home.untilDone(found.id));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function copySynced(source: string, target: string): Promise<void> {
  await command('cp', source, target);
  const file = await open(target, 'r+');
  await file.sync();
  await file.close();
}
