/** How much of a delivery hides behind the staging of the same file, with both sides held to one rate. */
import { type Home, inHome } from './home.ts';
import { numbersTo, pooled, putNoise } from './http.ts';
import { MIB, mibPerSecond, timed } from './measure.ts';
import { type Bench, type Report, ratio, type Size } from './report.ts';

const CHUNK_BYTES = 10 * MIB;

/** What the browser client starts with, and the one that makes no bursts. */
const IN_FLIGHT = [1, 3];

interface Times {
  readonly inFlight: number;
  readonly stageMs: number;
  readonly deliverMs: number;
  readonly bothMs: number;
}

export const cutThrough: Bench = {
  name: 'cut-through',
  about: 'total time of a chunked upload to a folder, staging and delivery throttled alike',
  async run(size) {
    const { bytes, rate } = scale(size);
    const runs: Times[] = [];
    for (const inFlight of IN_FLIGHT) {
      runs.push(
        await inHome({ ENTREPOT_BUCKET_LIMIT: String(rate) }, async (home) => ({
          inFlight,
          stageMs: await stageOnly(home, bytes, inFlight),
          deliverMs: await deliverOnly(home, bytes, inFlight),
          bothMs: await both(home, bytes, inFlight),
        })),
      );
    }
    return reportOf(runs, bytes, rate);
  },
};

function scale(size: Size): { readonly bytes: number; readonly rate: number } {
  return size === 'full' ? { bytes: 256 * MIB, rate: 25 * MIB } : { bytes: 80 * MIB, rate: 40 * MIB };
}

/** The same puts under keys that are nobody's, so that nothing is delivered. */
async function stageOnly(home: Home, bytes: number, inFlight: number): Promise<number> {
  const count = Math.ceil(bytes / CHUNK_BYTES);
  const urls = await Promise.all(numbersTo(count).map((number) => home.objectUrl('PUT', `bench/${number}`)));
  const { ms } = await timed(() =>
    pooled([...urls.entries()], inFlight, ([index, url]) => putNoise(url, chunkSize(bytes, index + 1))),
  );
  return ms;
}

/** Everything is staged while the transfer is paused; the time runs from its resumption. */
async function deliverOnly(home: Home, bytes: number, inFlight: number): Promise<number> {
  const upload = await home.announce('deliver-only.bin', bytes);
  await home.wish(upload.transferId, 'pause');
  await pooled(numbersTo(upload.chunkCount), inFlight, (number) => home.putChunk(upload, number));
  const { ms } = await timed(async () => {
    await home.wish(upload.transferId, 'resume');
    await home.untilDone(upload.transferId);
  });
  return ms;
}

async function both(home: Home, bytes: number, inFlight: number): Promise<number> {
  const { ms } = await timed(async () => {
    const upload = await home.announce('both.bin', bytes);
    await pooled(numbersTo(upload.chunkCount), inFlight, (number) => home.putChunk(upload, number));
    await home.untilDone(upload.transferId);
  });
  return ms;
}

const chunkSize = (bytes: number, number: number): number => Math.min(CHUNK_BYTES, bytes - (number - 1) * CHUNK_BYTES);

function reportOf(runs: readonly Times[], bytes: number, rate: number): Report {
  const chunkMs = (CHUNK_BYTES / rate) * 1000;
  const longer = ({ stageMs, deliverMs }: Times) => Math.max(stageMs, deliverMs);
  return {
    tables: [
      {
        columns: [
          'puts in flight',
          'stage s',
          'deliver s',
          'one after the other s',
          'together s',
          'MiB/s',
          '÷ longer one',
          '÷ sum',
        ],
        rows: runs.map((run) => {
          const sumMs = run.stageMs + run.deliverMs;
          const inSeconds = [run.stageMs, run.deliverMs, sumMs, run.bothMs].map((ms) => ms / 1000);
          const ratios = [ratio(run.bothMs, longer(run)), ratio(run.bothMs, sumMs)];
          return [String(run.inFlight), ...inSeconds, mibPerSecond(bytes, run.bothMs), ...ratios];
        }),
      },
    ],
    targets: runs.map((run) => ({
      what: `together, ${run.inFlight} in flight (longer one + 2 chunk times + 1 s)`,
      sense: 'at most',
      limit: (longer(run) + 2 * chunkMs + 1000) / 1000,
      measured: run.bothMs / 1000,
      unit: 's',
    })),
    figures: Object.fromEntries(
      runs.flatMap(({ inFlight, stageMs, deliverMs, bothMs }) => [
        [`stageMs.${inFlight}`, Math.round(stageMs)],
        [`deliverMs.${inFlight}`, Math.round(deliverMs)],
        [`togetherMs.${inFlight}`, Math.round(bothMs)],
      ]),
    ),
    notes: [
      `${bytes / MIB} MiB in chunks of 10 MiB, ${rate / MIB} MiB/s in each direction, so a chunk takes ${chunkMs} ms`,
      'the limit is the bucket’s: the folder itself writes as fast as its disk',
    ],
  };
}
