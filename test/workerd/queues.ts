/**
 * A producer and a consumer of one queue. Delays are held back here until the test lets their time pass, so that nobody waits for them;
 * what a delay of the queue itself does is asked for by the subject `real`. What is delivered is told to the test, which may refuse it.
 */
import type { QueueProducer } from '#adapters/queues/binding.ts';
import { queuesDispatcher } from '#adapters/queues/dispatcher.ts';
import { systemClock } from '#adapters/system/clock.ts';
import type { Job } from '#core/wire/job.ts';
import { handleBatch, type QueueMessage } from '../../functions/worker/batch.ts';
import { answerCall } from './answer.ts';

interface Env {
  readonly HINTS: QueueProducer;
  /** Of the test. */
  readonly TOLD_URL: string;
}

interface Held {
  readonly messages: Parameters<QueueProducer['sendBatch']>[0];
  readonly dueAtMs: number;
}

/** One test at a time: a new subject forgets the one before. */
let state = { subject: '', nowMs: 0, releasedCount: 0, held: [] as readonly Held[] };

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return answerCall(request, (_, subject) => {
      if (subject !== state.subject) state = { subject, nowMs: 0, releasedCount: 0, held: [] };
      const queue = subject === 'real' ? env.HINTS : holding(env.HINTS);
      const { send } = queuesDispatcher(queue, systemClock());
      return {
        // As text: JSON has no NaN.
        send: (jobs: readonly Job[], delayMs: string) => send(jobs, { delayMs: Number(delayMs) }),
        pass: (ms: number) => pass(env.HINTS, ms),
      };
    });
  },

  queue(batch: { readonly messages: readonly QueueMessage[] }, env: Env): Promise<void> {
    return handleBatch(batch, {
      handle: async (body) => {
        const answer = await fetch(env.TOLD_URL, { method: 'POST', body });
        if (!answer.ok) throw new Error(`the test answered ${answer.status}`);
      },
      onError: () => undefined,
    });
  },
};

function holding(queue: QueueProducer): QueueProducer {
  return {
    sendBatch: async (messages, { delaySeconds }) => {
      state = { ...state, held: [...state.held, { messages, dueAtMs: state.nowMs + delaySeconds * 1000 }] };
      await release(queue);
    },
  };
}

/** How many messages the queue has been given so far. */
async function pass(queue: QueueProducer, ms: number): Promise<number> {
  state = { ...state, nowMs: state.nowMs + ms };
  await release(queue);
  return state.releasedCount;
}

async function release(queue: QueueProducer): Promise<void> {
  const { held, nowMs } = state;
  const due = held.filter(({ dueAtMs }) => dueAtMs <= nowMs);
  const releasedCount = due.reduce((sum, { messages }) => sum + messages.length, state.releasedCount);
  state = { ...state, held: held.filter(({ dueAtMs }) => dueAtMs > nowMs), releasedCount };
  for (const { messages } of due) await queue.sendBatch(messages, { delaySeconds: 0 });
}
