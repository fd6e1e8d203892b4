/** Queue-triggered functions where there is SQS but no Lambda: polls, and calls the very handler with the very events. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { unlessAborted } from '#clients/sqs/drain.ts';
import type { SqsHandler, SqsMessage, SqsSource } from '#clients/sqs/event.ts';
import { comeBackMs } from '#clients/sqs/invoke.ts';
import type { Clock } from '#core/ports/clock.ts';
import { BATCH_MAX } from './batch.ts';
import { deliver } from './deliver.ts';
import { sqsQueue } from './queue.ts';

export interface SqsConsumerOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly handler: SqsHandler;
  /** Handlers at a time. */
  readonly concurrency: number;
  /** Records per event, 1 to 10. */
  readonly batchSize: number;
  /** What the handler is told it has. After twice that the consumer goes on without it, and its messages come again. */
  readonly budgetMs: number;
  readonly clock: Clock;
  /** Told of each failed call to the queue and of each handler that threw; must not throw. */
  onError(error: unknown): void;
  /** How long a poll waits for a message: 0 to 20, 20 unless told. */
  readonly waitSeconds?: number;
  /** How soon the messages of a consumer that died come again: 2 to 43,200, 30 unless told. Renewed while handlers run. */
  readonly visibilitySeconds?: number;
}

export interface ConsumerStats {
  readonly running: number;
  /** Messages given to handlers. */
  readonly delivered: number;
  /** Messages that handlers did not do; they come again until their queue sets them aside. */
  readonly failed: number;
  /** Messages that handlers did, and that come again all the same. */
  readonly lapsed: number;
  /** Polls that failed. */
  readonly pollFaults: number;
}

export interface SqsConsumer {
  /** Takes no more work and resolves when the running handlers have ended; rejects with the signal's reason before that. */
  drain(signal: AbortSignal): Promise<void>;
  stats(): ConsumerStats;
}

const WAIT_SECONDS = 20;
const VISIBILITY_SECONDS = 30;
/** Between empty polls of a queue that does not wait as it was asked to. */
const EMPTY_PAUSE_MS = 1000;

/** Polls at once, one poll at a time, and never takes more than its free handlers can begin with. */
export function sqsConsumer(options: SqsConsumerOptions): SqsConsumer {
  const { client, clock, concurrency, batchSize, onError } = options;
  const visibilitySeconds = options.visibilitySeconds ?? VISIBILITY_SECONDS;
  const waitSeconds = options.waitSeconds ?? WAIT_SECONDS;
  const queue = sqsQueue({ client, queueUrl: options.queueUrl, clock, waitSeconds, visibilitySeconds });
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const counts = { delivered: 0, failed: 0, lapsed: 0, pollFaults: 0 };
  let freed = Promise.withResolvers<void>();
  const polling = poll();

  async function poll(): Promise<void> {
    const source = await queue.source();
    for (let faults = 0; !stopping.signal.aborted; ) {
      if (running.size >= concurrency) {
        await freed.promise;
        continue;
      }
      try {
        await take(source);
        faults = 0;
      } catch (error) {
        if (stopping.signal.aborted) break;
        counts.pollFaults++;
        onError(error);
        await pause(comeBackMs(++faults) * (1 + clock.random()) * 0.5);
      }
    }
  }

  async function take(source: SqsSource): Promise<void> {
    const sinceMs = clock.now();
    const limit = Math.min(BATCH_MAX, (concurrency - running.size) * batchSize);
    const messages = await queue.receive(limit, stopping.signal);
    if (stopping.signal.aborted) {
      await queue.hide(messages, () => 0).catch(onError);
    } else if (messages.length === 0) {
      await pause(sinceMs + EMPTY_PAUSE_MS - clock.now());
    } else {
      for (let at = 0; at < messages.length; at += batchSize) start(messages.slice(at, at + batchSize), source);
    }
  }

  function start(messages: readonly SqsMessage[], source: SqsSource): void {
    counts.delivered += messages.length;
    const run: Promise<void> = deliver(messages, { ...options, queue, source, visibilitySeconds }).then(
      ({ failed, lapsed }) => {
        counts.failed += failed;
        counts.lapsed += lapsed;
        running.delete(run);
        freed.resolve();
        freed = Promise.withResolvers();
      },
    );
    running.add(run);
  }

  /** Shorter when the consumer drains. */
  async function pause(ms: number): Promise<void> {
    if (ms > 0) await clock.sleep(ms, stopping.signal).catch(() => undefined);
  }

  return {
    drain: (signal) => {
      stopping.abort();
      const ended = polling.then(() => Promise.all(running));
      return unlessAborted(
        ended.then(() => undefined),
        signal,
      );
    },
    stats: () => ({ running: running.size, ...counts }),
  };
}
