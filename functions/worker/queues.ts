/** Worker: messages of its queues. Storage events come in batches, hints one at a time: each is one lease of work. */
import { traceOf } from '#core/trace.ts';
import { timedBudget } from '../budget.ts';
import { moveOne } from '../move.ts';
import { receiveEvent } from '../staged.ts';
import { handleBatch, type QueueMessage } from './batch.ts';
import type { WorkerHome } from './deps.ts';

export interface MessageBatch {
  readonly queue: string;
  readonly messages: readonly QueueMessage[];
}

/** What a consumer of a queue may take, by the wall. */
const CONSUMER_MS = 15 * 60_000;

export async function onMessages(home: WorkerHome, batch: MessageBatch): Promise<void> {
  const { engine, intake, env } = home;
  const { log } = engine;
  if (batch.queue === env.ENTREPOT_STAGED_QUEUE) {
    await handleBatch(batch, {
      handle: (text) => receiveEvent(intake, text),
      onError: (error) => log.error('staged.failed', traceOf(error)),
    });
    return;
  }
  const endMs = engine.clock.now() + CONSUMER_MS;
  const { budget, end } = timedBudget({ getRemainingTimeInMillis: () => endMs - engine.clock.now() });
  await handleBatch(batch, {
    handle: (text) => moveOne(engine, text, budget),
    onError: (error) => log.error('move.failed', traceOf(error)),
  }).finally(end);
}
