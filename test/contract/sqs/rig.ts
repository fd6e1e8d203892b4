/** A consumer over the strict server, both on one virtual time. */
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import { sqsClient } from '#adapters/sqs/client.ts';
import { type SqsConsumer, type SqsConsumerOptions, sqsConsumer } from '#adapters/sqs/consumer.ts';
import { type FakeSqs, fakeSqs } from '../../fakes/sqs/server.ts';
import type { QueueOptions } from '../../fakes/sqs/store.ts';

export const START_MS = 1_750_000_000_000;
export const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret-of-nobody' };
export const QUEUE = 'jobs';
export const DEAD = 'dead';

export interface Fixture extends AsyncDisposable {
  readonly clock: VirtualClock;
  readonly fake: FakeSqs;
  readonly client: ReturnType<typeof sqsClient>;
  readonly queueUrl: string;
}

export interface ConsumerRig extends Fixture {
  readonly consumer: SqsConsumer;
  readonly errors: readonly unknown[];
  /** Resolves when nothing is to be delivered now and the consumer waits for a message. */
  quiet(): Promise<void>;
  /** Time goes on from event to event, and each is given the time it needs. */
  pass(ms: number): Promise<void>;
}

export async function fixture(queue: Partial<QueueOptions> = {}): Promise<Fixture> {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const fake = await fakeSqs({ clock, keys: KEYS, queues: [{ name: DEAD }, { name: QUEUE, ...queue }] });
  const client = sqsClient({ region: 'eu-central-1', endpoint: fake.url, credentials: KEYS });
  return {
    clock,
    fake,
    client,
    queueUrl: fake.queueUrl(QUEUE),
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await fake[Symbol.asyncDispose]();
    },
  };
}

export async function consumerRig(
  handler: SqsConsumerOptions['handler'],
  options: Partial<SqsConsumerOptions> = {},
  queue: Partial<QueueOptions> = {},
): Promise<ConsumerRig> {
  const fixed = await fixture(queue);
  const { clock, fake, client, queueUrl } = fixed;
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const shape = { concurrency: 4, batchSize: 10, budgetMs: 1000 };
  const consumer = sqsConsumer({ client, queueUrl, handler, clock, onError, ...shape, ...options });
  const quiet = () =>
    until(() => fake.parkedPolls() === 1 && fake.queue(QUEUE).readyCount() === 0 && consumer.stats().running === 0);
  return {
    ...fixed,
    consumer,
    errors,
    quiet,
    pass: async (ms) => {
      const endMs = clock.now() + ms;
      for (await quiet(); clock.now() < endMs; await quiet()) {
        await clock.advance(Math.min(clock.next() ?? endMs, endMs) - clock.now());
      }
    },
    [Symbol.asyncDispose]: async () => {
      await consumer.drain(AbortSignal.timeout(5000));
      await fixed[Symbol.asyncDispose]();
    },
  };
}

/** Turns of the event loop, until the condition holds: sockets take as many as they need. Bounded, to fail with a place. */
export async function until(condition: () => boolean): Promise<void> {
  const limit = AbortSignal.timeout(20_000);
  while (!condition()) {
    if (limit.aborted) throw new Error(`it never came about that ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
