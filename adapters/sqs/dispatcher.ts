/** Hints through a standard SQS queue. */
import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import { type Job, jobText } from '#core/wire/job.ts';
import { BATCH_MAX, untilDone } from './batch.ts';
import { entryFault } from './faults.ts';

export interface SqsDispatcherOptions {
  readonly client: SQSClient;
  /** A standard queue; its own delay does not matter, its `maxReceiveCount` and retention are its owner's. */
  readonly queueUrl: string;
  readonly clock: Clock;
}

const DELAY_MAX_MS = 60_000;
/** Calls under way at a time: a sweep's 50 jobs are two rounds. */
const CALLS_AT_ONCE = 4;

/**
 * Sends each distinct job of a call once; delays are rounded up to whole seconds. A batch that fails does not keep the others from
 * being sent; the first Fault is thrown in the end (`queue.*`: throttled, transient, auth or bug), and then any of the jobs may
 * have been sent. Fault `bug` `dispatcher.delay` for a delay outside 0 to 60,000 ms.
 */
export function sqsDispatcher({ client, queueUrl, clock }: SqsDispatcherOptions): Dispatcher {
  return {
    send: async (jobs, { delayMs = 0 } = {}) => {
      if (!(delayMs >= 0 && delayMs <= DELAY_MAX_MS)) {
        throw new Fault('bug', 'dispatcher.delay', `a hint waits 0 to ${DELAY_MAX_MS} ms, not ${delayMs}`);
      }
      const delaySeconds = Math.ceil(delayMs / 1000);
      const batches = batchesOf([...new Set(jobs.map(bodyOf))], delaySeconds).values();
      const faults: unknown[] = [];
      const work = async () => {
        for (const batch of batches) await sendBatch(batch).catch((fault: unknown) => faults.push(fault));
      };
      await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
      if (faults.length > 0) throw faults[0];
    },
  };

  async function sendBatch(batch: readonly Entry[]): Promise<void> {
    const send = (Entries: Entry[]) => client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    const [refusal] = await untilDone(batch, send, clock);
    if (refusal !== undefined) throw entryFault(refusal.code, true);
  }
}

interface Entry {
  readonly Id: string;
  readonly MessageBody: string;
  readonly DelaySeconds: number;
}

/** Ten bodies are at most 10 × 6 × (256 + 128) bytes and their frames, so that the queue's limit of 256 KiB per call is far. */
function batchesOf(bodies: readonly string[], delaySeconds: number): readonly (readonly Entry[])[] {
  return Array.from({ length: Math.ceil(bodies.length / BATCH_MAX) }, (_, n) =>
    bodies
      .slice(n * BATCH_MAX, (n + 1) * BATCH_MAX)
      .map((body, index) => ({ Id: String(index), MessageBody: body, DelaySeconds: delaySeconds })),
  );
}

/** Two code points that JSON leaves as they are and a queue refuses; all others that it refuses are escaped by JSON. */
const NONCHARACTERS = /[\uFFFE\uFFFF]/g;

function bodyOf(job: Job): string {
  return jobText(job).replace(NONCHARACTERS, (character) => `\\u${character.charCodeAt(0).toString(16)}`);
}
