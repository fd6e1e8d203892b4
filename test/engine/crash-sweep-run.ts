/** One run of a story in which everything in memory dies at one effect; from then on only sweeps bring the transfer on. */
import { createUpload } from '#core/intake/announce.ts';
import type { Intake } from '#core/intake/intake.ts';
import { receive, receiveInbox } from '#core/intake/receive.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import {
  begunQueue,
  DIGEST_QUEUE,
  type HeadState,
  headKey,
  UPLOAD_QUEUE,
  uploadKey,
  waitingQueue,
} from '#core/state.ts';
import type { Engine, Limits } from '#core/transfer/engine.ts';
import type { TransferId, UploadId } from '#core/wire/ids.ts';
import { CALM, type Fates, type Process } from '../simulation/process.ts';
import type { RigTraits } from '../simulation/rig-provider.ts';
import { type Sabotage, START_MS, type World } from '../simulation/world.ts';
import { createLab, type FileOptions, type Lab, type LabFile } from './lab.ts';

/** A file on its way, whoever brought it. */
export interface Freight {
  readonly uploadId: UploadId;
  readonly content: Uint8Array;
  readonly transferIds: readonly TransferId[];
}

/** What a transfer meets, and what people do meanwhile. Told again from the start for every death. */
export interface Story {
  readonly rigs?: Readonly<Record<string, Partial<RigTraits>>>;
  readonly limits?: Partial<Limits>;
  readonly outcome?: 'done' | 'canceled';
  /** Attempts that the transfer may take: 1 unless somebody tries it again. */
  readonly attempts?: number;
  /** What a call of a destination throws instead of doing anything. */
  readonly trouble?: (method: string, run: Run) => Error | null;
  /** Broken stores and destinations, to see that the sweep notices. */
  readonly sabotage?: (world: () => World) => Sabotage;
  tell(run: Run): Promise<Freight>;
}

/** `effect` counts from 1. */
export interface Death {
  readonly effect: number;
  readonly side: 'before' | 'after';
}

export interface Run {
  readonly lab: Lab;
  readonly world: World;
  /** Calls that change something, up to the death, in order. */
  readonly effects: readonly string[];
  /** How often each part of each session has landed: `session part`. */
  readonly landings: ReadonlyMap<string, number>;
  isCrashed(): boolean;
  /** Whatever the story's trouble is, a person has dealt with it. */
  mend(): void;
  isMended(): boolean;
  announce(file: FileOptions): Promise<LabFile>;
  /** The inbox gets an object, and the bucket tells of it once; should that be lost, the hourly listing finds it. */
  putObject(key: string, content: Uint8Array): Promise<Freight>;
  /** Somebody calls the API, and calls again when no answer comes. */
  ask(call: (own: { readonly engine: Engine; readonly intake: Intake }) => Promise<unknown>): Promise<void>;
  /** Time passes, with a sweep at every full minute at which a row is due. */
  pass(ms: number): Promise<void>;
  until(isSo: () => boolean | Promise<boolean>): Promise<void>;
  head(id: TransferId): Promise<HeadState>;
}

const SWEEP_MS = 60_000;
/** Longer than an inbox object stays after its delivery, shorter than an upload without news. */
const PATIENCE_MS = 3 * 24 * 60 * 60_000;

export function startRun(story: Story, death: Death | null): Run {
  const landings = new Map<string, number>();
  let isMended = false;
  const { fates, effects, isCrashed } = mortality(story, death, () => run);
  const { rigs = { rig: {} }, limits = {} } = story;
  const broken = story.sabotage?.(() => lab.world) ?? {};
  const provider = (bare: PushProvider) => {
    const own = counted(bare, landings);
    return broken.provider?.(own) ?? own;
  };
  const lab = createLab({ rigs, limits, fates, sabotage: { ...broken, provider } });
  const { world } = lab;
  loseHints(world, isCrashed);

  const ask: Run['ask'] = async (call) => {
    let own: Process;
    do {
      own = lab.process('api');
      await Promise.race([call({ engine: world.engine(own), intake: world.intake(own) }), own.died]);
    } while (own.isDead());
  };
  const until = untilWithSweeps(lab);
  const run: Run = {
    lab,
    world,
    effects,
    landings,
    isCrashed,
    mend: () => {
      isMended = true;
    },
    isMended: () => isMended,
    announce: async (options) => {
      const file = await lab.announce(options);
      if (isCrashed()) await ask(({ intake }) => createUpload(intake, file.upload));
      return file;
    },
    putObject: async (key, content) => {
      world.contents.set(world.staging.put(key, content).version, content);
      const own = lab.process('staged');
      await Promise.race([receive(world.intake(own), [key]), own.died]);
      if (isCrashed()) await ask(({ intake }) => receiveInbox(intake));
      await until(async () => (await world.table.owned('local', { limit: 1 })).length > 0);
      const [found] = await world.table.owned('local', { limit: 1 });
      if (found === undefined) throw new Error('the object has not become a transfer');
      const { uploadId, transferId } = (found.row.state as HeadState).file;
      return { uploadId, content, transferIds: [transferId] };
    },
    ask,
    pass: async (ms) => {
      let isOver = false;
      void world.clock.sleep(ms).then(() => {
        isOver = true;
      });
      await until(() => isOver);
    },
    until,
    head: lab.head,
  };
  return run;
}

/** Until every transfer has ended. */
export async function ended({ world, until }: Run, { transferIds }: Freight): Promise<void> {
  await until(async () => {
    const rows = await Promise.all(transferIds.map((id) => world.table.get(headKey(id))));
    return rows.every((row) => row !== null && row.queue === null);
  });
}

/** Until the upload is through with its staged bytes. */
export async function removed({ world, until }: Run, { uploadId }: Freight): Promise<void> {
  await until(async () => {
    const row = await world.table.get(uploadKey(uploadId));
    return row !== null && row.queue === null && row.phase === 'removed';
  });
}

/** Counts effects up to the one at which everything dies. */
function mortality(story: Story, death: Death | null, run: () => Run) {
  const effects: string[] = [];
  let isDead = false;
  const crash = (): void => {
    if (isDead) return;
    isDead = true;
    run().lab.killAll();
  };
  const fates: Fates = {
    of: (process, port, method, kind) => {
      const error = port === 'remote' ? (story.trouble?.(method, run()) ?? null) : null;
      const fate = error === null ? CALM : { ...CALM, fails: 'before' as const, error };
      if (kind === 'read' || method === 'purge' || isDead) return fate;
      effects.push(`${process.name} ${port}.${method}`);
      if (effects.length !== death?.effect) return fate;
      if (death.side === 'before' || error !== null) {
        crash();
        return fate;
      }
      void process.died.then(crash);
      return { ...fate, dies: 'after' };
    },
    breaksOff: () => false,
  };
  return { fates, effects, isCrashed: () => isDead };
}

/** After the death no hint arrives any more but those of sweeps. */
function loseHints(world: World, isCrashed: () => boolean): void {
  const deliver = world.onSend;
  world.onSend = (sender, jobs, delayMs) => {
    const isSweep = sender.name.startsWith('sweep');
    if (isCrashed() && !isSweep) return;
    // A queue hands out one hint after the other: no two of a sweep begin at the very same moment.
    jobs.forEach((job, index) => {
      deliver(sender, [job], isSweep ? delayMs + index : delayMs);
    });
  };
}

function untilWithSweeps(lab: Lab): Run['until'] {
  const { clock, table, rigs } = lab.world;
  const queues = [UPLOAD_QUEUE, DIGEST_QUEUE, ...[...rigs.keys()].flatMap((id) => [waitingQueue(id), begunQueue(id)])];
  let sweptAt = START_MS;

  const minuteAfter = (atMs: number) => START_MS + Math.ceil((atMs - START_MS) / SWEEP_MS) * SWEEP_MS;

  /** A sweep that finds nothing due changes nothing: only those that find something are made. */
  async function dueAfter(soonestMs: number): Promise<number> {
    let dueAt = Number.POSITIVE_INFINITY;
    for (const queue of queues) {
      const [key] = await table.due(queue, Number.POSITIVE_INFINITY, 1);
      if (key !== undefined) dueAt = Math.min(dueAt, (await table.get(key))?.dueAt ?? dueAt);
    }
    return Math.max(dueAt, soonestMs);
  }

  return async (isSo) => {
    const untilMs = clock.now() + PATIENCE_MS;
    for (;;) {
      // Lets everything run that can, and throws what the audits found.
      await lab.until(() => true);
      if (await isSo()) return;
      const wakesAt = clock.next() ?? Number.POSITIVE_INFINITY;
      const soonestMs = minuteAfter(Math.max(sweptAt + SWEEP_MS, clock.now()));
      const sweepAt = wakesAt <= soonestMs ? soonestMs : minuteAfter(await dueAfter(soonestMs));
      if (Math.min(sweepAt, wakesAt) > untilMs) throw new Error('nothing brings it on any more');
      if (wakesAt <= sweepAt) await clock.step();
      else {
        await clock.advance(sweepAt - clock.now());
        sweptAt = sweepAt;
        await lab.sweep();
      }
    }
  };
}

/** Counts what has landed, also when nobody lives to hear of it. */
function counted(provider: PushProvider, landings: Map<string, number>): PushProvider {
  return {
    ...provider,
    put: async (session, item, part, ctx) => {
      const receipt = await provider.put(session, item, part, ctx);
      const key = `${String(session)} ${part.number}`;
      landings.set(key, (landings.get(key) ?? 0) + 1);
      return receipt;
    },
  };
}
