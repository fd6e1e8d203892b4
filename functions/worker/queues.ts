/** Worker: messages of its queues. Storage events come in batches, hints one at a time: each is one lease of work. */
import { traceOf } from '#core/trace.ts';
import { timedBudget } from '../budget.ts';
import { moveOne } from '../move.ts';
import { receiveEvent } from '../staged.ts';
import { handleBatch, type QueueMessage } from './batch.ts';
import type { WorkerHome } from './deps.ts';
import { metered } from './metered.ts';

export interface MessageBatch {
  readonly queue: string;
  readonly messages: readonly QueueMessage[];
}

/** What a consumer of a queue may take, by the wall. */
const CONSUMER_MS = 15 * 60_000;
/** And by the processor: 12 s a GB were measured, and `limits.cpu_ms` is 300 s. What is left is for parts in flight and the hand-over. */
const LEASE_BYTES_MAX = 15e9;

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
  const { source, askedBytes } = metered(engine.source);
  const { budget, end } = timedBudget({
    getRemainingTimeInMillis: () => (askedBytes() < LEASE_BYTES_MAX ? endMs - engine.clock.now() : 0),
  });
  await handleBatch(batch, {
    handle: (text) => moveOne({ ...engine, source }, text, budget),
    onError: (error) => log.error('move.failed', traceOf(error)),
  }).finally(end);
}
