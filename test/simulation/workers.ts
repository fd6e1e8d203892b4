/** The functions of a run: each message starts a process, a few at once, with a budget and perhaps a short life. */
import type { Budget } from '#core/transfer/engine.ts';
import type { Job } from '#core/wire/job.ts';
import type { Mishaps } from './mishaps.ts';
import { Injected, type Process, spawn } from './process.ts';
import type { Scenario } from './scenario.ts';
import type { Subject } from './subject.ts';
import type { World } from './world.ts';

export interface Workers {
  /** Runs `work` in a process of its own. False when the process died or the work failed by what the run did to it. */
  inProcess(kind: string, work: (process: Process) => Promise<unknown>): Promise<boolean>;
  /** Puts hints on their way. Those of a sweep do arrive: without any message nothing would ever start. */
  send(jobs: readonly Job[], delayMs: number, arrive: 'surely' | 'perhaps'): void;
  /** Does something after a while, as a message does that is on its way. */
  later(delayMs: number, work: () => unknown): void;
  /** Living processes. */
  alive(): readonly Process[];
  /** Nothing runs, nothing waits to run, and no message is on its way. */
  isIdle(): boolean;
}

/** How long after its budget a function is stopped for good. */
const GRACE_MS = 2_000;
/** A message whose function failed comes back after so long. */
const AGAIN_MS = 60_000;

export function workers(world: World, scenario: Scenario, mishaps: Mishaps, subject: Subject): Workers {
  const { clock, journal } = world;
  const { chance, chaos, concurrency, budgetMs } = scenario;
  const alive = new Set<Process>();
  const backlog: Job[] = [];
  let running = 0;
  let underway = 0;
  let spawned = 0;

  async function inProcess(kind: string, work: (process: Process) => Promise<unknown>): Promise<boolean> {
    spawned += 1;
    const skewMs = chaos.skewMs === 0 ? 0 : chance.int(-chaos.skewMs, chaos.skewMs);
    const process = spawn({ name: `${kind}${spawned}`, base: clock, skewMs, fates: mishaps, journal });
    alive.add(process);
    try {
      const isDone = work(process).then(() => true);
      return await Promise.race([isDone, process.died.then(() => false)]);
    } catch (error) {
      if (!(error instanceof Injected)) {
        journal.violate('thrown', `${process.name}: ${error instanceof Error ? error.stack : String(error)}`);
      }
      return false;
    } finally {
      alive.delete(process);
    }
  }

  async function run(job: Job): Promise<void> {
    running += 1;
    const isDone = await inProcess('fn', async (process) => {
      const ownMs = mishaps.isOver() ? budgetMs : Math.ceil(budgetMs * (0.3 + chance.next()));
      const endsAt = process.clock.now() + ownMs;
      const stop = new AbortController();
      const over = new AbortController();
      void clock.sleep(ownMs, over.signal).then(
        async () => {
          stop.abort();
          if (!scenario.isPunctual) await clock.sleep(GRACE_MS, over.signal).then(process.kill, () => undefined);
        },
        () => undefined,
      );
      const budget: Budget = { remainingMs: () => endsAt - process.clock.now(), signal: stop.signal };
      try {
        await subject.advance(world.engine(process), job, budget);
      } finally {
        over.abort();
      }
    });
    running -= 1;
    if (!isDone && chance.is(0.7)) deliver(job, AGAIN_MS);
    next();
  }

  function next(): void {
    while (running < concurrency && backlog.length > 0) {
      const [job] = backlog.splice(chance.int(0, backlog.length - 1), 1);
      if (job !== undefined) void run(job);
    }
  }

  async function later(delayMs: number, work: () => unknown): Promise<void> {
    underway += 1;
    await clock.sleep(delayMs);
    underway -= 1;
    work();
  }

  function deliver(job: Job, delayMs: number): void {
    void later(delayMs, () => {
      backlog.push(job);
      next();
    });
  }

  return {
    inProcess,
    send: (jobs, delayMs, arrive) => {
      const times = () => (arrive === 'surely' ? [0] : mishaps.arrivals());
      for (const job of jobs) for (const lateMs of times()) deliver(job, delayMs + lateMs);
    },
    later: (delayMs, work) => void later(delayMs, work),
    alive: () => [...alive],
    isIdle: () => alive.size === 0 && backlog.length === 0 && underway === 0,
  };
}
