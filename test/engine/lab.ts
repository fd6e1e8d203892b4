/** A world in which everything goes well unless a test says otherwise: hints arrive at once, each job in a process of its own. */
import { transferIdFrom, uploadIdFrom } from '#core/ids.ts';
import { createUpload } from '#core/intake/announce.ts';
import { receive } from '#core/intake/receive.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { type HeadState, headKey, type UploadState } from '#core/state.ts';
import { advance } from '#core/transfer/advance.ts';
import type { Budget, Limits } from '#core/transfer/engine.ts';
import { sweep } from '#core/transfer/sweep.ts';
import { retry } from '#core/transfer/wishes.ts';
import type { Digests } from '#core/wire/digest.ts';
import type { TransferId } from '#core/wire/ids.ts';
import type { Job } from '#core/wire/job.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { bytesOf } from '../simulation/chance.ts';
import { type Fates, NO_HARM, type Process, spawn } from '../simulation/process.ts';
import { PLAIN, type RigTraits } from '../simulation/rig-provider.ts';
import { createWorld, type Sabotage, type World } from '../simulation/world.ts';

export const LIMITS: Limits = { files: 3, parts: 5, functionParts: 5, finishPatienceMs: 120_000 };

export interface LabOptions {
  /** Destinations by id; `{ rig: {} }` is one plain one. */
  readonly rigs?: Readonly<Record<string, Partial<RigTraits>>>;
  readonly limits?: Partial<Limits>;
  readonly fates?: Fates;
  readonly sabotage?: Sabotage;
  readonly providerError?: () => Error;
  /** How long one call may work. */
  readonly budgetMs?: number;
  /** Whether what is under way at the end of a budget is cut off. */
  readonly budgetEnds?: 'aborts' | 'gently';
  /** Whether hints arrive; those of sweeps always do. */
  readonly hints?: 'arrive' | 'are lost' | 'are doubled';
}

export interface FileOptions {
  readonly sizeBytes: number;
  readonly chunkBytes?: number;
  readonly to?: readonly string[];
  readonly digests?: Digests;
  readonly name?: string;
}

export interface LabFile {
  readonly upload: UploadState;
  readonly content: Uint8Array;
  readonly transferIds: readonly TransferId[];
}

export interface Lab {
  readonly world: World;
  process(name: string): Process;
  /** A client announces a file of this size, of bytes that no other file has. */
  announce(file: FileOptions): Promise<LabFile>;
  /** The client puts chunks, all of them unless told otherwise, and the bucket tells of it. */
  stage(file: LabFile, numbers?: readonly number[]): Promise<void>;
  /** An S3 client puts a whole object. */
  putObject(key: string, content: Uint8Array): Promise<void>;
  /** Time passes, with a sweep each minute. */
  pass(ms: number): Promise<void>;
  /** Time passes until it is so; at most `limitMs`. */
  until(isSo: () => boolean | Promise<boolean>, limitMs?: number): Promise<void>;
  /** Until every transfer of the file has ended. */
  ended(file: LabFile, limitMs?: number): Promise<void>;
  row(id: TransferId): Promise<WorkRow>;
  head(id: TransferId): Promise<HeadState>;
  /** Content of the finished file of a transfer at a destination; more than one is an error. */
  delivered(rigId: string, id: TransferId): Uint8Array | null;
  /** Everything that runs is dead, and every hint is lost. */
  killAll(): void;
  /** Lets a job run now, and answers when it is over. */
  run(job: Job): Promise<void>;
  sweep(): Promise<void>;
  /** Somebody tries a failed transfer again. */
  retry(id: TransferId): Promise<void>;
}

const SWEEP_MS = 60_000;
const HOUR_MS = 60 * 60_000;

export function createLab(options: LabOptions = {}): Lab {
  const {
    rigs = { rig: {} },
    fates = NO_HARM,
    budgetMs = 240_000,
    hints = 'arrive',
    sabotage,
    providerError,
  } = options;
  const world = createWorld({
    seed: 1,
    limits: { ...LIMITS, ...options.limits },
    rigs: Object.entries(rigs).map(([id, traits]) => ({ id, traits: { ...PLAIN, ...traits } })),
    ...(sabotage === undefined ? {} : { sabotage }),
    ...(providerError === undefined ? {} : { providerError }),
  });
  const { clock, table, staging, journal } = world;
  const alive = new Set<Process>();
  let spawned = 0;
  let files = 0;
  let life = 0;
  let sweptAt = clock.now();
  const thrown: unknown[] = [];

  const process = (name: string): Process => {
    spawned += 1;
    const made = spawn({ name: `${name}${spawned}`, base: clock, skewMs: 0, fates, journal });
    alive.add(made);
    return made;
  };

  world.onSend = (sender, jobs, delayMs) => {
    const isSweep = sender.name.startsWith('sweep');
    const times = { arrive: 1, 'are lost': isSweep ? 1 : 0, 'are doubled': 2 }[hints];
    for (const job of jobs) for (let i = 0; i < times; i++) void deliver(job, delayMs);
  };

  async function deliver(job: Job, delayMs: number): Promise<void> {
    const born = life;
    if (delayMs > 0) await clock.sleep(delayMs);
    if (born === life) await run(job);
  }

  async function run(job: Job): Promise<void> {
    const own = process('fn');
    const endsAt = clock.now() + budgetMs;
    const stop = new AbortController();
    const over = new AbortController();
    if (options.budgetEnds === 'aborts')
      void clock.sleep(budgetMs, over.signal).then(
        () => stop.abort(),
        () => {},
      );
    const budget: Budget = { remainingMs: () => endsAt - clock.now(), signal: stop.signal };
    try {
      await Promise.race([advance(world.engine(own), job, budget), own.died]);
    } catch (error) {
      thrown.push(error);
    }
    over.abort();
    alive.delete(own);
  }

  async function sweepOnce(): Promise<void> {
    const own = process('sweep');
    await Promise.race([sweep(world.engine(own)), own.died]);
    alive.delete(own);
  }

  function check(): void {
    const violation = journal.violation();
    if (violation !== null) throw new Error(`${violation}\n${journal.tail()}`);
    if (thrown.length > 0) throw new Error(`advance threw\n${journal.tail()}`, { cause: thrown[0] });
  }

  async function until(isSo: () => boolean | Promise<boolean>, limitMs = HOUR_MS): Promise<void> {
    const untilMs = clock.now() + limitMs;
    for (;;) {
      await clock.advance(0);
      check();
      if (await isSo()) return;
      const nextAt = Math.min(clock.next() ?? Number.POSITIVE_INFINITY, sweptAt + SWEEP_MS);
      if (nextAt > untilMs) throw new Error(`not so after ${limitMs} ms\n${journal.tail()}`);
      if (nextAt === sweptAt + SWEEP_MS) {
        await clock.advance(nextAt - clock.now());
        sweptAt = nextAt;
        void sweepOnce();
        await clock.advance(0);
      } else await clock.step();
    }
  }

  const lab: Lab = {
    world,
    process,
    announce: async ({ sizeBytes, chunkBytes = 10, to = Object.keys(rigs), digests = {}, name = 'film.mp4' }) => {
      files += 1;
      const content = bytesOf(sizeBytes, files);
      const uploadId = uploadIdFrom('lab', String(files));
      world.contents.set(uploadId, content);
      const upload: UploadState = {
        v: 1,
        uploadId,
        ownerId: 'local',
        name,
        sizeBytes,
        layout: { kind: 'chunks', chunkBytes, count: Math.ceil(sizeBytes / chunkBytes) },
        digests,
        specs: to.map((destinationId, index) => ({
          transferId: transferIdFrom(uploadId, index),
          destinationId,
          folder: '/',
        })),
        createdAt: clock.now(),
        sweptAt: null,
      };
      const own = process('api');
      await Promise.race([createUpload(world.intake(own), upload), own.died]);
      return { upload, content, transferIds: upload.specs.map(({ transferId }) => transferId) };
    },
    stage: async ({ upload, content }, numbers) => {
      const { layout, uploadId } = upload;
      if (layout.kind !== 'chunks') throw new Error('an object is put as one');
      const all = numbers ?? Array.from({ length: layout.count }, (_, i) => i + 1);
      for (const number of all) {
        const at = (number - 1) * layout.chunkBytes;
        staging.put(chunkKey(uploadId, number), content.slice(at, at + layout.chunkBytes));
      }
      const own = process('staged');
      const keys = all.map((number) => chunkKey(uploadId, number));
      await Promise.race([receive(world.intake(own), keys), own.died]);
      alive.delete(own);
    },
    putObject: async (key, content) => {
      world.contents.set(staging.put(key, content).version, content);
      const own = process('staged');
      await receive(world.intake(own), [key]);
    },
    pass: (ms) => {
      const untilMs = clock.now() + ms;
      return until(async () => {
        const nextAt = Math.min(clock.next() ?? Number.POSITIVE_INFINITY, sweptAt + SWEEP_MS);
        if (nextAt <= untilMs) return false;
        await clock.advance(untilMs - clock.now());
        return true;
      }, ms);
    },
    until,
    ended: (file, limitMs) =>
      until(async () => {
        const rows = await Promise.all(file.transferIds.map((id) => table.get(headKey(id))));
        return rows.every((row) => row !== null && row.queue === null);
      }, limitMs),
    row: async (id) => {
      const row = await table.get(headKey(id));
      if (row === null) throw new Error(`there is no ${id}`);
      return row;
    },
    head: async (id) => (await lab.row(id)).state as HeadState,
    delivered: (rigId, id) => {
      const found =
        world.rigs
          .get(rigId)
          ?.files()
          .filter((file) => file.transferId === id) ?? [];
      if (found.length > 1) throw new Error(`${id} was delivered ${found.length} times`);
      return found[0]?.content ?? null;
    },
    killAll: () => {
      life += 1;
      for (const one of alive) one.kill();
      alive.clear();
    },
    run,
    sweep: sweepOnce,
    retry: (id) => retry(world.engine(process('api')), id),
  };
  return lab;
}
