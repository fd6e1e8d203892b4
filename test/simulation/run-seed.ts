/** One seed, from its first client to the last staged byte removed. */
import { createCRC64, createMD5, createSHA1, createSHA256 } from 'hash-wasm';
import type { Rumour } from '#core/ports/progress.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';
import { checkNothingWaits } from './audit-rest.ts';
import { checkEndings, checkViews, removal, settled } from './endings.ts';
import { mishaps } from './mishaps.ts';
import { people } from './people.ts';
import { type Scenario, scenarioOf } from './scenario.ts';
import { REAL, type Subject } from './subject.ts';
import { workers } from './workers.ts';
import { createWorld, type Sabotage, START_MS, type World } from './world.ts';

export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly effects: number;
  readonly simulatedMs: number;
  /** Phase in which each transfer ended. */
  readonly endings: Readonly<Record<string, string>>;
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

const STEPS_MOST = 400_000;
/** Steps at one and the same moment: more than that, and somebody runs in a circle. */
const STEPS_AT_ONCE = 20_000;

export interface SeedOptions {
  readonly subject?: Subject;
  readonly sabotage?: Sabotage;
  /** Changes what the seed stands for. */
  readonly tune?: (scenario: Scenario) => Scenario;
}

/** Throws BrokenInvariant at the first invariant that does not hold. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const { subject = REAL, sabotage = {}, tune = (scenario) => scenario } = options;
  await warmUp();
  const scenario = tune(scenarioOf(seed));
  const world = createWorld({ seed, limits: scenario.limits, rigs: scenario.rigs, sabotage });
  const { clock, journal } = world;
  const over: { endings: SeedResult['endings'] | null } = { endings: null };
  void story(world, scenario, subject).then(
    (endings) => {
      over.endings = endings;
    },
    (error: unknown) => journal.violate('story', error instanceof Error ? String(error.stack) : String(error)),
  );
  let steps = 0;
  let momentMs = 0;
  let atOnce = 0;
  for (;;) {
    const { endings } = over;
    const broken = journal.violation();
    if (broken !== null) throw new BrokenInvariant(seed, broken, journal.tail());
    if (endings !== null) {
      return { seed, steps, effects: journal.count(), simulatedMs: clock.now() - START_MS, endings };
    }
    steps += 1;
    if (clock.now() > momentMs) [momentMs, atOnce] = [clock.now(), 0];
    atOnce += 1;
    if (atOnce > STEPS_AT_ONCE) journal.violate('I9', 'somebody runs in a circle');
    if (steps > STEPS_MOST) journal.violate('I9', `the run does not come to rest in ${STEPS_MOST} steps`);
    if (!(await clock.step())) journal.violate('I9', 'nobody waits for anything');
  }
}

async function story(world: World, scenario: Scenario, subject: Subject): Promise<SeedResult['endings']> {
  const { clock } = world;
  const luck = mishaps(scenario);
  const pool = workers(world, scenario, luck, subject);
  const actors = people(world, scenario, { workers: pool, mishaps: luck, subject });
  const seen = new Map<string, TransferView>();
  world.onSend = (sender, jobs, delayMs) =>
    pool.send(jobs, delayMs, sender.name.startsWith('sweep') ? 'surely' : 'perhaps');
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
  const endings = await checkEndings(world, scenario, actors);
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
  return endings;
}

function learn(seen: Map<string, TransferView>, rumours: readonly Rumour[]): void {
  for (const rumour of rumours) {
    if (rumour.kind === 'transfer' && isNews(seen.get(rumour.view.id), rumour.view))
      seen.set(rumour.view.id, rumour.view);
  }
}

let warm: Promise<unknown> | null = null;
/** Compiling a hash takes real time, once; from then on it takes a turn of the event loop. */
function warmUp(): Promise<unknown> {
  warm ??= Promise.all([createSHA1(), createMD5(), createSHA256(), createCRC64()]);
  return warm;
}
