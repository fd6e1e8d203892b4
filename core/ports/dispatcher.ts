/** Hints that a work row may have something to do. */
import type { Job } from '#core/wire/job.ts';

/**
 * Laws: every job is delivered at least once, in any order, no earlier than its delay, unless the process (or the queue) dies:
 * then it may be lost, and the sweeper makes up for it. `delayMs` is at most 60,000: what is later is a row's own `dueAt`.
 */
export interface Dispatcher {
  send(jobs: readonly Job[], options?: { readonly delayMs?: number }): Promise<void>;
}
