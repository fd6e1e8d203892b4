/** Hints that a test or a simulation takes out by hand, late, twice or never. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import type { Job } from '#core/wire/job.ts';

export interface MemoryDispatcher extends Dispatcher {
  /** The ready job that has waited longest, or any of them as the clock's chance has it; `null`: none is ready. */
  take(order?: 'longest-waiting' | 'any'): Job | null;
  /** When the earliest waiting job gets ready; `null`: none waits. */
  next(): number | null;
  /** Waiting jobs, ready or not, earliest first. */
  waiting(): readonly Job[];
  /** Every job ever sent, in order. */
  sent(): readonly Job[];
  /** Gives a job back as the queue would after its consumer died. */
  redeliver(job: Job): void;
  /** Doubles one waiting job by chance; false: none waits. */
  duplicate(): boolean;
  /** Loses one waiting job by chance; false: none waits. */
  drop(): boolean;
}

interface Waiting {
  readonly job: Job;
  readonly readyAtMs: number;
}

const DELAY_MAX_MS = 60_000;

export function memoryDispatcher(clock: Clock): MemoryDispatcher {
  const queue: Waiting[] = [];
  const sent: Job[] = [];

  function put(job: Job, readyAtMs: number): void {
    const behind = queue.findLastIndex((entry) => entry.readyAtMs <= readyAtMs);
    queue.splice(behind + 1, 0, { job: { ...job }, readyAtMs });
  }

  const byChance = (count: number) => Math.floor(clock.random() * count);

  return {
    send: async (jobs, { delayMs = 0 } = {}) => {
      if (!(delayMs >= 0 && delayMs <= DELAY_MAX_MS)) {
        throw new Fault('bug', 'dispatcher.delay', `a hint waits 0 to ${DELAY_MAX_MS} ms, not ${delayMs}`);
      }
      for (const job of jobs) {
        sent.push(job);
        put(job, clock.now() + delayMs);
      }
    },
    take: (order = 'longest-waiting') => {
      const now = clock.now();
      const ready = queue.findLastIndex((entry) => entry.readyAtMs <= now) + 1;
      if (ready === 0) return null;
      const [taken] = queue.splice(order === 'any' ? byChance(ready) : 0, 1);
      return taken?.job ?? null;
    },
    next: () => queue[0]?.readyAtMs ?? null,
    waiting: () => queue.map((entry) => entry.job),
    sent: () => sent,
    redeliver: (job) => put(job, clock.now()),
    duplicate: () => {
      const entry = queue[byChance(queue.length)];
      if (entry !== undefined) put(entry.job, entry.readyAtMs);
      return entry !== undefined;
    },
    drop: () => queue.splice(byChance(queue.length), 1).length > 0,
  };
}
