/** Hints through a Cloudflare Queue. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import { type Job, jobText } from '#core/wire/job.ts';
import type { QueueProducer } from './binding.ts';
import { queueFault } from './faults.ts';

const DELAY_MAX_MS = 60_000;
/**
 * What a queue takes in one call. A hundred jobs of the greatest length are 100 × (6 × (256 + 128) + 30) bytes and as many times a
 * hundred for the queue's own notes: 244 KB of the 256 that it takes.
 */
const BATCH_MAX = 100;
const TRIES_MAX = 4;
const PAUSE_FIRST_MS = 100;

/**
 * Sends each distinct job of a call once; delays are rounded up to whole seconds. A batch that fails does not keep the others from
 * being sent; the first Fault is thrown in the end (`queue.*`: throttled, transient, auth or bug), and then any of the jobs may
 * have been sent. Fault `bug` `dispatcher.delay` for a delay outside 0 to 60,000 ms.
 */
export function queuesDispatcher(queue: QueueProducer, clock: Clock): Dispatcher {
  return {
    send: async (jobs, { delayMs = 0 } = {}) => {
      if (!(delayMs >= 0 && delayMs <= DELAY_MAX_MS)) {
        throw new Fault('bug', 'dispatcher.delay', `a hint waits 0 to ${DELAY_MAX_MS} ms, not ${delayMs}`);
      }
      const delaySeconds = Math.ceil(delayMs / 1000);
      const distinct = [...new Map(jobs.map((job) => [jobText(job), job])).values()];
      const faults: Fault[] = [];
      for (let at = 0; at < distinct.length; at += BATCH_MAX) {
        await sendBatch(distinct.slice(at, at + BATCH_MAX), delaySeconds).catch((fault: Fault) => faults.push(fault));
      }
      if (faults[0] !== undefined) throw faults[0];
    },
  };

  async function sendBatch(jobs: readonly Job[], delaySeconds: number): Promise<void> {
    const messages = jobs.map((body) => ({ body, contentType: 'json' as const }));
    for (let tries = 1; ; tries++) {
      try {
        await queue.sendBatch(messages, { delaySeconds });
        return;
      } catch (error) {
        const fault = queueFault(error);
        if (tries === TRIES_MAX || !(fault.kind === 'transient' || fault.kind === 'throttled')) throw fault;
      }
      await clock.sleep(clock.random() * PAUSE_FIRST_MS * 2 ** tries);
    }
  }
}
