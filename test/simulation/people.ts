/** Who acts in a run beside the functions: clients that stage files, people with wishes, the sweeper, and bad luck. */
import { createHash } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import { transferIdFrom, uploadIdFrom } from '#core/ids.ts';
import { createUpload, readHeads } from '#core/intake/announce.ts';
import { giveAnswers } from '#core/intake/answers.ts';
import { receive, receiveInbox } from '#core/intake/receive.ts';
import type { UploadState } from '#core/state.ts';
import type { Digests } from '#core/wire/digest.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { bytesOf } from './chance.ts';
import { headOf } from './ledger.ts';
import type { Mishaps } from './mishaps.ts';
import { Injected } from './process.ts';
import type { PlannedFile, Scenario } from './scenario.ts';
import { digestOf } from './streams.ts';
import type { Subject } from './subject.ts';
import type { Workers } from './workers.ts';
import type { World } from './world.ts';

export interface People {
  /** Announces, stages and answers as planned; resolves when the client has nothing more to do. */
  client(file: PlannedFile): Promise<void>;
  /** Wishes at random times, until quiet comes. */
  wisher(): Promise<void>;
  /** Somebody sees a transfer change, and now and then wants something else at once. */
  onSight(id: TransferId): void;
  /** Each minute: a sweep, and now and then a look into the inbox; for as long as the run lasts. */
  sweeper(onMinute: () => Promise<void>): Promise<void>;
  /** From now on only the collection of staged bytes is left, which takes days: two sweeps an hour will do. */
  slowDown(): void;
  /** Lets processes stand still and sessions die, until quiet comes. */
  badLuck(): Promise<void>;
  /** Resumes what is paused and retries what has failed. */
  mend(): Promise<void>;
  /** Uploads announced so far. */
  readonly uploads: Map<number, UploadState>;
  transferIds(): Promise<readonly TransferId[]>;
}

const MINUTE_MS = 60_000;
const OWNER = 'local';

export function people(
  world: World,
  scenario: Scenario,
  { workers, mishaps, subject }: { readonly workers: Workers; readonly mishaps: Mishaps; readonly subject: Subject },
): People {
  const { clock, staging, table } = world;
  const { chance, chaos } = scenario;
  const uploads = new Map<number, UploadState>();
  let sweepMs = MINUTE_MS;

  async function untilDone(kind: string, work: Parameters<Workers['inProcess']>[1]): Promise<void> {
    while (!(await workers.inProcess(kind, work))) await clock.sleep(1_000);
  }

  function told(keys: readonly string[]): void {
    for (const lateMs of mishaps.arrivals()) {
      workers.later(lateMs, () => workers.inProcess('staged', (process) => receive(world.intake(process), keys)));
    }
  }

  async function client(file: PlannedFile): Promise<void> {
    await clock.sleep(file.startMs);
    const content = bytesOf(file.sizeBytes, scenario.seed * 100 + file.index);
    if (file.via === 'inbox') return putObject(file, content);
    const upload = uploadOf(file, content, clock.now(), scenario.seed);
    uploads.set(file.index, upload);
    world.contents.set(upload.uploadId, content);
    if (file.isKnown) for (const id of file.to) world.rigs.get(id)?.knows(content);
    await untilDone('api', (process) => createUpload(world.intake(process), upload));
    const isStaying = { now: true };
    const answering = answers(upload, content, isStaying);
    await clock.sleep(file.leadMs);
    await stage(file, upload, content);
    await clock.sleep(5 * MINUTE_MS);
    isStaying.now = false;
    await answering;
  }

  async function stage(file: PlannedFile, upload: UploadState, content: Uint8Array): Promise<void> {
    const { layout, uploadId } = upload;
    if (layout.kind !== 'chunks') return;
    const all = Array.from({ length: layout.count }, (_, i) => i + 1);
    const numbers = file.isInOrder ? all : chance.shuffled(all);
    for (const [done, number] of numbers.entries()) {
      if (done === file.leavesAfter) return;
      if (done === 1) await clock.sleep(file.restMs);
      await clock.sleep(file.napMs > 0 && chance.is(0.1) ? file.napMs : Math.floor(chance.next() * file.gapMs));
      if ((await table.get({ pk: `U#${uploadId}`, sk: '@' }))?.phase !== 'open') return;
      const at = (number - 1) * layout.chunkBytes;
      staging.put(chunkKey(uploadId, number), content.slice(at, at + layout.chunkBytes));
      told([chunkKey(uploadId, number)]);
    }
  }

  async function putObject(file: PlannedFile, content: Uint8Array): Promise<void> {
    const key = `inbox/${file.to[0]}/folder/file ${file.index}.bin`;
    const putOnce = (bytes: Uint8Array): void => {
      world.contents.set(staging.put(key, bytes).version, bytes);
      told([key]);
    };
    putOnce(content);
    const other = bytesOf(file.sizeBytes, scenario.seed * 100 + file.index + 50);
    // Back to what it was: the same content, and yet another arrival.
    for (const [index, ms] of file.flips.entries()) {
      await clock.sleep(ms);
      putOnce(index === 0 ? other : content);
    }
  }

  /** Answers its destinations' questions from its own copy, when it happens to look. */
  async function answers(upload: UploadState, content: Uint8Array, isStaying: { now: boolean }): Promise<void> {
    while (isStaying.now) {
      await clock.sleep(chance.int(5_000, 60_000));
      await workers.inProcess('api', async (process) => {
        const intake = world.intake(process);
        for (const row of await readHeads(intake, upload)) {
          const { step } = headOf(row);
          if (row.queue === null || step.phase !== 'opening' || step.asks.length === 0) continue;
          const given = step.asks.map(({ id, start, end }) => ({
            id,
            digest: digestOf('sha1', content.slice(start, end)),
          }));
          await quietly(giveAnswers(intake, upload, given));
        }
      });
    }
  }

  async function wisher(): Promise<void> {
    for (let i = 0; i < chaos.wishes; i++) {
      await clock.sleep(chance.int(1_000, Math.max(2_000, Math.floor((2 * scenario.quietMs) / chaos.wishes))));
      const ids = await transferIds();
      if (mishaps.isOver() || ids.length === 0) return;
      await wishOnce(chance.pick(ids), 0.15);
    }
  }

  async function wishOnce(id: TransferId, cancels: number): Promise<void> {
    const { pause, resume, retry, cancel } = subject;
    const wish = chance.is(cancels) ? cancel : chance.pick([pause, resume, pause, resume, retry]);
    await workers.inProcess('api', (process) => quietly(wish(world.engine(process), id)));
  }

  function onSight(id: TransferId): void {
    if (mishaps.isOver() || !chance.is(chaos.haste)) return;
    workers.later(chance.int(0, 2_500), () => wishOnce(id, chaos.cancels));
  }

  async function sweeper(onMinute: () => Promise<void>): Promise<void> {
    for (let minute = 1; ; minute++) {
      await clock.sleep(sweepMs);
      await onMinute();
      void workers.inProcess('sweep', async (process) => {
        await subject.sweep(world.engine(process));
        if (minute % 10 === 0) await receiveInbox(world.intake(process));
      });
    }
  }

  async function badLuck(): Promise<void> {
    while (!mishaps.isOver()) {
      await clock.sleep(chance.int(1_000, MINUTE_MS));
      const alive = workers.alive().filter(({ name }) => name.startsWith('fn'));
      if (alive.length > 0 && chance.is(chaos.freeze)) chance.pick(alive).freeze(chance.int(1_000, 150_000));
      const place = chance.pick([...world.rigs.values()]);
      const open = place.sessions().filter(({ state }) => state === 'open');
      if (open.length > 0 && chance.is(chaos.sessionDeath)) place.expire(chance.pick(open));
    }
  }

  async function mend(): Promise<void> {
    for (const id of await transferIds()) {
      const row = await table.get({ pk: `T#${id}`, sk: '@' });
      if (row === null) continue;
      const { step } = headOf(row);
      const isHopeless = step.phase === 'failed' && step.error.code === 'digest.mismatch';
      const isFailed = step.phase === 'failed' && !isHopeless;
      const wish = isFailed ? subject.retry : row.wish === 'pause' && !isHopeless ? subject.resume : null;
      if (wish !== null) await workers.inProcess('api', (process) => quietly(wish(world.engine(process), id)));
    }
  }

  async function transferIds(): Promise<readonly TransferId[]> {
    const owned = await table.owned(OWNER, { limit: 100 });
    return owned.map(({ row }) => headOf(row).file.transferId);
  }

  const slowDown = (): void => {
    sweepMs = 30 * MINUTE_MS;
  };

  return { client, wisher, onSight, sweeper, slowDown, badLuck, mend, uploads, transferIds };
}

/** A refusal is an answer too. */
async function quietly(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Fault) || error instanceof Injected) throw error;
  }
}

function uploadOf(file: PlannedFile, content: Uint8Array, createdAt: number, seed: number): UploadState {
  const uploadId = uploadIdFrom('simulation', String(seed), String(file.index));
  return {
    v: 1,
    uploadId,
    ownerId: OWNER,
    name: `file ${file.index}.bin`,
    sizeBytes: file.sizeBytes,
    layout: { kind: 'chunks', chunkBytes: file.chunkBytes, count: Math.ceil(file.sizeBytes / file.chunkBytes) },
    digests: claimed(file, content),
    specs: file.to.map((destinationId, index) => ({
      transferId: transferIdFrom(uploadId, index),
      destinationId,
      folder: '/',
    })),
    createdAt,
    sweptAt: null,
  };
}

function claimed({ digests }: PlannedFile, content: Uint8Array): Digests {
  if (digests === 'none') return {};
  if (digests === 'right') return { sha1: digestOf('sha1', content) };
  return { sha1: createHash('sha1').update('something else').digest('hex') };
}
