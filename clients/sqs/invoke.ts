/** Calls a queue-triggered function as the cloud would: a budget it can ask for, and an answer that names what failed. */
import { randomUUID } from 'node:crypto';
import { Fault } from '#core/fault.ts';
import type { SqsHandler, SqsRecord } from './event.ts';

export interface Invocation {
  readonly handler: SqsHandler;
  /** What the handler is told it has. After twice that the caller goes on without it, and its records have failed. */
  readonly budgetMs: number;
  readonly clock: {
    now(): number;
    sleep(ms: number, signal?: AbortSignal): Promise<void>;
  };
}

export interface Outcome {
  /** Message ids to be delivered again. */
  readonly failed: ReadonlySet<string>;
  /** What the whole call died of, if it died. */
  readonly error?: unknown;
}

const OVERDUE_BUDGETS = 2;
const BACKOFF_FIRST_MS = 1000;
const BACKOFF_MAX_MS = 60_000;

/** Never rejects: a handler that throws or does not end has failed with all its records. */
export async function invoke(
  { handler, budgetMs, clock }: Invocation,
  records: readonly SqsRecord[],
): Promise<Outcome> {
  const endMs = clock.now() + budgetMs;
  const context = { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => Math.max(0, endMs - clock.now()) };
  const ended = new AbortController();
  const overdue = clock.sleep(OVERDUE_BUDGETS * budgetMs, ended.signal).then(() => {
    throw new Fault('bug', 'lane.overdue', `a handler ran for ${OVERDUE_BUDGETS} times its budget of ${budgetMs} ms`);
  });
  const ids = new Set(records.map(({ messageId }) => messageId));
  try {
    const work = (async () => handler({ Records: records }, context))();
    const { batchItemFailures } = await Promise.race([work, overdue]);
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    // As in the cloud: an answer that names a record that was not delivered fails the whole batch.
    return { failed: failed.isSubsetOf(ids) ? failed : ids };
  } catch (error) {
    return { failed: ids, error };
  } finally {
    ended.abort();
  }
}

/** How long a message that failed stays away after that many deliveries: 1, 2, 4 … s, 60 s at most. */
export function comeBackMs(receives: number): number {
  return Math.min(BACKOFF_FIRST_MS * 2 ** (receives - 1), BACKOFF_MAX_MS);
}
