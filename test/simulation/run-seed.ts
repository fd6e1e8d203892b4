/** One seed, from its first client to the last staged byte removed. */
import { createCRC64, createMD5, createSHA1, createSHA256 } from 'hash-wasm';
import { Fault } from '#core/fault.ts';
import type { Rumour } from '#core/ports/progress.ts';
import { readView } from '#core/read-view.ts';
import { uploadKey } from '#core/state.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { chunkPrefix } from '#core/wire/keys.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';
import { checkNothingWaits } from './audit-rest.ts';
import { headOf } from './ledger.ts';
import { mishaps } from './mishaps.ts';
import { type People, people } from './people.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import { REAL, type Subject } from './subject.ts';
import { workers } from './workers.ts';
import { createWorld, type Sabotage, START_MS, type World } from './world.ts';

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly effects: number;
  readonly simulatedMs: number;
  /** How many transfers ended in which phase. */
  readonly endings: Readonly<Record<string, number>>;
}

/** A broken invariant, with the seed that broke it and what happened last. */
export class BrokenInvariant extends Error {
  readonly seed: number;
  readonly invariant: string;

  constructor(seed: number, invariant: string, tail: string) {
    super(`seed ${seed} breaks ${invariant}\nrun it alone with SEED=${seed}\n${tail}`);
    this.name = 'BrokenInvariant';
    this.seed = seed;
    this.invariant = invariant;
  }
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** After quiet: the longest idle look, the longest backoff, leases, and people who try again. */
const PATIENCE_MS = 6 * HOUR_MS;
const STEPS_MOST = 400_000;
/** Steps at one and the same moment: more than that, and somebody runs in a circle. */
const STEPS_AT_ONCE = 20_000;
/** Two clocks, each five seconds off. */
const SKEW_MS = 10_000;

export async function runSeed(seed: number, subject: Subject = REAL, sabotage: Sabotage = {}): Promise<SeedResult> {
  await warmUp();
  const scenario = scenarioOf(seed);
  const world = createWorld({ seed, limits: scenario.limits, rigs: scenario.rigs, sabotage });
  const { clock, journal } = world;
  let isOver = false;
  void story(world, scenario, subject).then(
    () => {
      isOver = true;
    },
    (error: unknown) => journal.violate('story', error instanceof Error ? String(error.stack) : String(error)),
  );
  let steps = 0;
  let momentMs = 0;
  let atOnce = 0;
  while (!isOver) {
    const broken = journal.violation();
    if (broken !== null) throw new BrokenInvariant(seed, broken, journal.tail());
    steps += 1;
    if (clock.now() > momentMs) [momentMs, atOnce] = [clock.now(), 0];
    atOnce += 1;
    if (atOnce > STEPS_AT_ONCE) journal.violate('I9', `somebody runs in a circle`);
    if (steps > STEPS_MOST) journal.violate('I9', `the run does not come to rest in ${STEPS_MOST} steps`);
    if (!(await clock.step())) journal.violate('I9', 'nobody waits for anything');
  }
  return {
    seed,
    steps,
    effects: journal.count(),
    simulatedMs: clock.now() - START_MS,
    endings: await endingsOf(world),
  };
}

async function story(world: World, scenario: Scenario, subject: Subject): Promise<void> {
  const { clock } = world;
  const luck = mishaps(scenario);
  const pool = workers(world, scenario, luck, subject);
  const actors = people(world, scenario, { workers: pool, mishaps: luck, subject });
  const seen = new Map<string, TransferView>();
  world.onSend = (_process, jobs, delayMs) => pool.send(jobs, delayMs);
  world.onPublish = (rumours) => {
    for (const rumour of rumours) if (rumour.kind === 'transfer') actors.onSight(rumour.view.id);
    for (const lateMs of luck.arrivals()) void clock.sleep(lateMs).then(() => learn(seen, rumours));
  };
  const clients = Promise.all(scenario.files.map((file) => actors.client(file)));
  void actors.sweeper(async () => {
    if (scenario.isPunctual && pool.isIdle()) await checkNothingWaits(world, await actors.transferIds());
  });
  void actors.badLuck();
  void actors.wisher();
  await clock.sleep(scenario.quietMs);
  luck.end();
  for (const place of world.rigs.values()) place.calmDown();
  await clients;
  await settled(world, scenario, actors);
  await checkEndings(world, scenario, actors);
  await checkViews(world, seen, actors);
  actors.slowDown();
  luck.limp();
  await removal(
    world,
    scenario,
    actors,
    (work) => pool.inProcess('sweep', (process) => work(world.engine(process))),
    subject,
  );
}

/** Waits, resumes and retries until every transfer has ended. */
async function settled(world: World, scenario: Scenario, actors: People): Promise<void> {
  const { clock, table, journal } = world;
  const isLeft = leavers(scenario, actors);
  const untilMs = clock.now() + PATIENCE_MS;
  for (;;) {
    await actors.mend();
    let isAll = true;
    for (const id of await actors.transferIds()) {
      const row = await table.get({ pk: `T#${id}`, sk: '@' });
      if (row === null || isLeft.has(headOf(row).file.uploadId)) continue;
      const isOver = row.queue === null && (row.phase !== 'failed' || errorOf(row) === 'digest.mismatch');
      if (!isOver) isAll = false;
      if (!isOver && clock.now() > untilMs) {
        journal.violate('I9', `${id} is still ${row.phase} (${errorOf(row)}) ${PATIENCE_MS} ms after quiet came`);
      }
    }
    if (isAll) return;
    await clock.sleep(2 * MINUTE_MS);
  }
}

async function checkEndings(world: World, scenario: Scenario, actors: People): Promise<void> {
  const { table, journal, rigs } = world;
  const plans = new Map(
    [...actors.uploads].map(([index, upload]) => [
      upload.uploadId,
      scenario.files.find((file) => file.index === index),
    ]),
  );
  const isLeft = leavers(scenario, actors);
  for (const id of await actors.transferIds()) {
    const row = await table.get({ pk: `T#${id}`, sk: '@' });
    if (row === null) continue;
    const { file, step } = headOf(row);
    if (isLeft.has(file.uploadId)) continue;
    const files =
      rigs
        .get(file.destinationId)
        ?.files()
        .filter(({ transferId }) => transferId === id) ?? [];
    const isWrong = plans.get(file.uploadId)?.digests === 'wrong';
    if (step.phase === 'done') {
      const content = world.contents.get(file.layout.kind === 'object' ? file.layout.version : file.uploadId);
      const same =
        files.length === 1 && content !== undefined && Buffer.compare(content, files[0]?.content ?? content) === 0;
      if (!same) journal.violate('I4', `${id} is done with ${files.length} files, or with other bytes`);
      if (isWrong) journal.violate('I4', `${id} is done although its digest was wrong`);
    } else {
      if (files.length > 0) journal.violate('I6', `${id} is ${step.phase} and was delivered`);
      if (step.phase === 'failed' && !isWrong) journal.violate('I9', `${id} has failed: ${errorOf(row)}`);
      const isStale = step.phase === 'canceled' && step.code === 'upload.replaced';
      if (step.phase === 'canceled' && !isStale && row.wish !== 'cancel')
        journal.violate('I6', `${id} was canceled by nobody`);
    }
  }
  for (const upload of actors.uploads.values()) {
    for (const { transferId } of upload.specs) {
      if ((await table.get({ pk: `T#${transferId}`, sk: '@' })) === null)
        journal.violate('I9', `${transferId} was never made`);
    }
  }
}

/** What a viewer saw last is not ahead of the table, and nothing he is told later takes him back. */
async function checkViews(world: World, seen: ReadonlyMap<string, TransferView>, actors: People): Promise<void> {
  for (const id of await actors.transferIds()) {
    const row = await world.table.get({ pk: `T#${id}`, sk: '@' });
    if (row === null) continue;
    const truth = await readView(world.table, row, 0);
    if (!isNews(seen.get(id), truth)) world.journal.violate('I14', `a viewer is ahead of ${id}`);
  }
}

/**
 * Staged bytes go when nobody needs them any more: at once, or when their upload has expired. Somebody may try again in the very
 * moment in which they are to be removed.
 */
async function removal(
  world: World,
  { chance }: Scenario,
  actors: People,
  inProcess: (work: (engine: Engine) => Promise<unknown>) => Promise<boolean>,
  subject: Subject,
): Promise<void> {
  const { clock, table, journal, staging } = world;
  const uploads = [...actors.uploads.values()];
  const untilMs = clock.now() + 23 * DAY_MS;
  for (;;) {
    const rows = await Promise.all(uploads.map(({ uploadId }) => table.get(uploadKey(uploadId))));
    const left = rows.filter((row) => row !== null && row.phase !== 'removed');
    if (left.length === 0 || clock.now() > untilMs) break;
    const dueAt = Math.min(...left.map((row) => row?.dueAt ?? Number.POSITIVE_INFINITY));
    await clock.sleep(Math.max(MINUTE_MS, dueAt + SKEW_MS - clock.now()));
    void inProcess((engine) => subject.sweep(engine));
    for (const [index, { specs, createdAt }] of uploads.entries()) {
      const expiresAt = Math.max(rows[index]?.expiresAt ?? 0, createdAt + 7 * DAY_MS);
      if (clock.now() < expiresAt) continue;
      const again = specs.map(
        ({ transferId }) =>
          (engine: Engine) =>
            subject.retry(engine, transferId).catch(refused),
      );
      void clock.sleep(chance.int(20, 120)).then(() => Promise.all(again.map(inProcess)));
    }
  }
  for (const { uploadId } of uploads) {
    const row = await table.get(uploadKey(uploadId));
    if (row?.phase !== 'removed') journal.violate('I9', `${uploadId} is still ${row?.phase}`);
    const left = staging.objects().filter(({ key }) => key.startsWith(chunkPrefix(uploadId)));
    if (left.length > 0) journal.violate('I7', `${left.length} chunks of ${uploadId} stay for ever`);
  }
}

function refused(error: unknown): void {
  if (!(error instanceof Fault)) throw error;
}

/** Uploads whose client went away before it had put everything. */
function leavers({ files }: Scenario, actors: People): Set<string> {
  const left = files
    .filter(({ leavesAfter }) => leavesAfter !== null)
    .map(({ index }) => actors.uploads.get(index)?.uploadId);
  return new Set(left.filter((id) => id !== undefined));
}

function learn(seen: Map<string, TransferView>, rumours: readonly Rumour[]): void {
  for (const rumour of rumours) {
    if (rumour.kind === 'transfer' && isNews(seen.get(rumour.view.id), rumour.view))
      seen.set(rumour.view.id, rumour.view);
  }
}

function errorOf(row: { readonly state: unknown }): string {
  const { step } = headOf(row);
  return step.phase === 'failed' ? step.error.code : '';
}

async function endingsOf({ table }: World): Promise<Record<string, number>> {
  const endings: Record<string, number> = {};
  for (const { row } of await table.owned('local', { limit: 100 })) endings[row.phase] = (endings[row.phase] ?? 0) + 1;
  return endings;
}

let warm: Promise<unknown> | null = null;
/** Compiling a hash takes real time, once; from then on it takes a turn of the event loop. */
function warmUp(): Promise<unknown> {
  warm ??= Promise.all([createSHA1(), createMD5(), createSHA256(), createCRC64()]);
  return warm;
}
