/** The consumer over a real socket, on virtual time: what Lambda's pollers keep, ours keeps. */
import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { SqsConsumerOptions } from '#adapters/sqs/consumer.ts';
import { sqsQueue } from '#adapters/sqs/queue.ts';
import type { FunctionContext, SqsAnswer, SqsEvent } from '#clients/sqs/event.ts';
import { type ConsumerRig, consumerRig, DEAD, QUEUE, START_MS, until } from './rig.ts';

const FINE: SqsAnswer = { batchItemFailures: [] };

let rig: ConsumerRig | undefined;
afterEach(async () => {
  await rig?.[Symbol.asyncDispose]();
  rig = undefined;
});

async function on(...args: Parameters<typeof consumerRig>): Promise<ConsumerRig> {
  rig = await consumerRig(...args);
  await until(() => rig?.fake.parkedPolls() === 1);
  return rig;
}

const put = ({ fake }: ConsumerRig, ...bodies: readonly string[]) => {
  for (const body of bodies) fake.queue(QUEUE).send(body, 0);
};
const left = ({ fake }: ConsumerRig, name = QUEUE) => fake.queue(name).bodies();
const callsOf = ({ fake }: ConsumerRig, name: string) => fake.calls.filter(({ action }) => action === name);
/** Fails what is called `bad`. */
const failing = ({ Records }: SqsEvent): SqsAnswer => ({
  batchItemFailures: Records.filter(({ body }) => body.startsWith('bad')).map(({ messageId }) => ({
    itemIdentifier: messageId,
  })),
});
/** Writes down what is delivered, and when. */
function recorder(answer: (event: SqsEvent) => SqsAnswer | Promise<SqsAnswer> = () => FINE) {
  const seen: string[] = [];
  const handler: SqsConsumerOptions['handler'] = async (event) => {
    const seconds = rig === undefined ? 0 : (rig.clock.now() - START_MS) / 1000;
    for (const { body, attributes } of event.Records) {
      seen.push(`${body} ${attributes.ApproximateReceiveCount} @${seconds}`);
    }
    return answer(event);
  };
  return { seen, handler };
}

describe('a delivery', () => {
  it('has the event and the context of a queue-triggered function', async () => {
    const calls: [SqsEvent, FunctionContext][] = [];
    const at = await on(async (event, context) => {
      calls.push([event, context]);
      return FINE;
    });
    put(at, '{"pk":"a","sk":"@"}');
    await at.quiet();
    const [event, context] = calls[0] ?? [];
    expect(event).toEqual({
      Records: [
        {
          messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
          receiptHandle: expect.stringMatching(/^receipt-/),
          body: '{"pk":"a","sk":"@"}',
          attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(START_MS) },
          messageAttributes: {},
          md5OfBody: createHash('md5').update('{"pk":"a","sk":"@"}').digest('hex'),
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:eu-central-1:000000000000:jobs',
          awsRegion: 'eu-central-1',
        },
      ],
    });
    expect(context?.awsRequestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(left(at)).toEqual([]);
  });

  it('tells the remaining time, from the budget down to 0', async () => {
    const times: number[] = [];
    const at = await on(async (_event, context) => {
      times.push(context.getRemainingTimeInMillis());
      for (const ms of [400, 700]) {
        await at.clock.sleep(ms);
        times.push(context.getRemainingTimeInMillis());
      }
      return FINE;
    });
    put(at, 'a');
    await until(() => times.length === 1);
    await at.clock.advance(400);
    await at.clock.advance(700);
    await at.quiet();
    expect(times).toEqual([1000, 600, 0]);
  });

  it('that fails an item brings it back with a growing delay and a rising count, its neighbours not', async () => {
    const { seen, handler } = recorder(failing);
    const at = await on(handler);
    put(at, 'good', 'bad');
    await at.pass(8000);
    expect(seen.toSorted()).toEqual(['bad 1 @0', 'bad 2 @1', 'bad 3 @3', 'bad 4 @7', 'good 1 @0']);
    expect(at.consumer.stats()).toMatchObject({ delivered: 5, failed: 4, lapsed: 0 });
    expect(at.errors).toEqual([]);
  });

  it('that throws brings the whole batch back, and its error is told', async () => {
    let calls = 0;
    const { seen, handler } = recorder(() => {
      if (++calls === 1) throw new Error('the function died');
      return FINE;
    });
    const at = await on(handler);
    put(at, 'a', 'b');
    await at.pass(1000);
    expect(seen.map((line) => line.replace(/[ab]/, 'x'))).toContain('x 2 @1');
    expect(left(at)).toEqual([]);
    expect(at.errors).toMatchObject([{ message: 'the function died' }]);
  });

  it('whose answer names an unknown record fails as a whole', async () => {
    const at = await on(async () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] }));
    put(at, 'a');
    await at.quiet();
    expect(left(at)).toEqual(['a']);
    expect(at.consumer.stats()).toMatchObject({ failed: 1 });
  });

  it('that keeps failing ends in the dead-letter queue, after as many deliveries as the queue allows', async () => {
    const { seen, handler } = recorder(failing);
    const at = await on(handler, {}, { deadLetter: { name: DEAD, maxReceives: 3 } });
    put(at, 'bad');
    await at.pass(60_000);
    expect(seen).toEqual(['bad 1 @0', 'bad 2 @1', 'bad 3 @3']);
    expect(left(at)).toEqual([]);
    expect(left(at, DEAD)).toEqual(['bad']);
  });
});

describe('a long delivery', () => {
  it('is hidden from others as long as it runs', async () => {
    const { seen, handler } = recorder(async () => {
      await at.clock.sleep(100_000);
      return FINE;
    });
    const at = await on(handler, { budgetMs: 300_000, visibilitySeconds: 30 });
    put(at, 'a');
    await until(() => at.consumer.stats().running === 1);
    for (let second = 0; second < 95; second += 5) {
      await at.clock.advance(5000);
      await until(() => callsOf(at, 'ChangeMessageVisibilityBatch').length >= Math.floor((second + 5) / 10));
      await until(() => (at.fake.queue(QUEUE).nextAtMs() ?? Number.POSITIVE_INFINITY) > at.clock.now());
    }
    await at.clock.advance(5000);
    await at.quiet();
    expect(seen).toEqual(['a 1 @0']);
    expect(left(at)).toEqual([]);
  });

  it('that fails after a renewal comes back after its own delay, not after the renewed one', async () => {
    const { seen, handler } = recorder(async (event) => {
      if (event.Records[0]?.attributes.ApproximateReceiveCount === '1') await at.clock.sleep(16_000);
      return { batchItemFailures: event.Records.map(({ messageId }) => ({ itemIdentifier: messageId })) };
    });
    const at = await on(handler, { budgetMs: 300_000, visibilitySeconds: 30 });
    put(at, 'bad');
    await until(() => at.consumer.stats().running === 1);
    await at.clock.advance(10_000);
    await until(() => at.fake.queue(QUEUE).nextAtMs() === START_MS + 40_000);
    await at.clock.advance(6000);
    await at.pass(1000);
    expect(seen).toEqual(['bad 1 @0', 'bad 2 @17']);
  });

  it('that does not end within twice its budget loses its place, and its messages are delivered again', async () => {
    let calls = 0;
    const { seen, handler } = recorder(() =>
      ++calls === 1 ? new Promise<never>(() => undefined) : Promise.resolve(FINE),
    );
    const at = await on(handler, { concurrency: 1, budgetMs: 10_000 });
    put(at, 'a');
    await until(() => at.consumer.stats().running === 1);
    await at.clock.advance(19_999);
    expect(at.consumer.stats()).toMatchObject({ running: 1, failed: 0 });
    await at.clock.advance(1);
    await at.pass(1000);
    expect(seen).toEqual(['a 1 @0', 'a 2 @21']);
    expect(at.errors).toMatchObject([{ code: 'lane.overdue' }]);
    expect(left(at)).toEqual([]);
  });

  it('stays hidden when one renewal fails', async () => {
    const { seen, handler } = recorder(async () => {
      await at.clock.sleep(40_000);
      return FINE;
    });
    const at = await on(handler, { budgetMs: 300_000, visibilitySeconds: 30 });
    at.fake.show('ChangeMessageVisibilityBatch', 'throttled', 3);
    put(at, 'a');
    await until(() => at.consumer.stats().running === 1);
    await at.clock.advance(10_000);
    await until(() => at.errors.length === 1 && at.fake.queue(QUEUE).nextAtMs() === START_MS + 30_000);
    await at.clock.advance(10_000);
    await until(() => at.fake.queue(QUEUE).nextAtMs() === START_MS + 50_000);
    await at.clock.advance(10_000);
    await until(() => at.fake.queue(QUEUE).nextAtMs() === START_MS + 60_000);
    await at.clock.advance(10_000);
    await at.quiet();
    expect(at.errors).toMatchObject([{ code: 'queue.slow_down' }]);
    expect(seen).toEqual(['a 1 @0']);
  });
});

describe('places', () => {
  it('no more handlers run than there are places, and no message is taken that none could begin with', async () => {
    let most = 0;
    let running = 0;
    let hiddenMost = 0;
    const at = await on(
      async () => {
        most = Math.max(most, ++running);
        const { length } = at.fake.queue(QUEUE).bodies();
        hiddenMost = Math.max(hiddenMost, length - at.fake.queue(QUEUE).readyCount());
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        return FINE;
      },
      { concurrency: 3, batchSize: 2 },
    );
    put(at, ...Array.from({ length: 40 }, (_, n) => `${n}`));
    await at.quiet();
    expect(most).toBe(3);
    expect(hiddenMost).toBeLessThanOrEqual(6);
    expect(left(at)).toEqual([]);
    expect(at.consumer.stats()).toMatchObject({ delivered: 40, failed: 0, lapsed: 0 });
  });

  it('a poll takes no more than the places that are left', async () => {
    const { promise: open, resolve: release } = Promise.withResolvers<void>();
    const at = await on(
      async () => {
        await open;
        return FINE;
      },
      { concurrency: 2, batchSize: 1 },
    );
    put(at, 'a');
    await until(() => at.consumer.stats().running === 1 && at.fake.parkedPolls() === 1);
    put(at, 'b', 'c', 'd');
    await until(() => at.consumer.stats().running === 2);
    expect(at.fake.queue(QUEUE).readyCount()).toBe(2);
    release();
    await at.quiet();
    expect(left(at)).toEqual([]);
  });

  it('one poll serves several handlers, each with a batch of its own', async () => {
    const sizes: number[] = [];
    const at = await on(
      async ({ Records }) => {
        sizes.push(Records.length);
        return FINE;
      },
      { concurrency: 16, batchSize: 3 },
    );
    at.fake.show('ReceiveMessage', 'nothing at once, though asked to wait');
    await at.clock.advance(20_000);
    await until(() => at.clock.next() === START_MS + 21_000);
    put(at, ...'abcdefghij');
    await at.clock.advance(1000);
    await at.quiet();
    expect(sizes.toSorted()).toEqual([1, 3, 3, 3]);
  });
});

describe('bad habits of queues', () => {
  it('a message that is delivered twice is handled twice, and gone in the end', async () => {
    const { seen, handler } = recorder();
    const at = await on(handler);
    at.fake.show('ReceiveMessage', 'delivered twice');
    await nextPoll(at);
    put(at, 'a');
    await at.quiet();
    expect(seen.length).toBeGreaterThanOrEqual(2);
    await at.pass(60_000);
    expect(left(at)).toEqual([]);
  });

  it('messages whose delivery was lost on the way are delivered when they are visible again', async () => {
    const { seen, handler } = recorder();
    const at = await on(handler, { visibilitySeconds: 7 });
    at.fake.show('ReceiveMessage', 'done, but the reply is lost');
    await nextPoll(at);
    put(at, 'a');
    await at.pass(10_000);
    expect(seen).toEqual(['a 2 @27']);
  });

  it('messages of a consumer that died are delivered when they are visible again', async () => {
    const { seen, handler } = recorder();
    const at = await on(handler);
    at.fake.queue(QUEUE).send('a', 0);
    at.fake.queue(QUEUE).take(1, 12);
    await at.pass(12_000);
    expect(seen).toEqual(['a 2 @12']);
  });

  it('a receipt that has expired counts as lapsed, and the message is delivered again', async () => {
    const { seen, handler } = recorder();
    const at = await on(handler, { visibilitySeconds: 10 });
    at.fake.show('DeleteMessageBatch', 'receipts have expired');
    put(at, 'a');
    await at.pass(10_000);
    expect(seen).toEqual(['a 1 @0', 'a 2 @10']);
    expect(at.consumer.stats()).toMatchObject({ lapsed: 1, failed: 0 });
    expect(at.errors).toEqual([]);
    expect(left(at)).toEqual([]);
  });

  it.each([
    'some entries fail',
    'some entries are not answered for',
    'done, but the reply is lost',
    'throttled',
  ] as const)('what was done is removed although %s', async (habit) => {
    const { seen, handler } = recorder();
    const at = await on(handler);
    at.fake.show('DeleteMessageBatch', habit);
    put(at, 'a', 'b', 'c');
    await until(() => {
      // Sleeps of less than a second are pauses between tries.
      const ms = (at.clock.next() ?? START_MS) - at.clock.now();
      if (ms > 0 && ms < 1000) void at.clock.advance(ms);
      return left(at).length === 0;
    });
    expect(seen.map((line) => line.slice(0, 3)).toSorted()).toEqual(['a 1', 'b 1', 'c 1']);
  });

  it('a queue that does not wait as asked is polled once a second', async () => {
    const at = await on(recorder().handler);
    at.fake.show('ReceiveMessage', 'nothing at once, though asked to wait', 5);
    await nextPoll(at);
    for (let second = 1; second <= 5; second++) {
      await until(() => at.clock.next() === START_MS + 20_000 + second * 1000);
      expect(callsOf(at, 'ReceiveMessage')).toHaveLength(1 + second);
      await at.clock.advance(1000);
    }
    await at.quiet();
  });

  it('bodies that were changed on their way reach no handler, and come again', async () => {
    const { seen, handler } = recorder();
    const at = await on(handler, { visibilitySeconds: 5 });
    at.fake.show('ReceiveMessage', 'bodies arrive changed');
    await nextPoll(at);
    put(at, 'a');
    await until(() => at.errors.length === 1);
    await at.clock.advance(1000);
    await at.pass(5000);
    expect(at.errors).toMatchObject([{ code: 'queue.corrupt' }]);
    expect(seen.map((line) => line.slice(0, 3))).toEqual(['a 2']);
  });

  it('a poll that fails is repeated with growing pauses, each failure is told, and the queue is served again', async () => {
    const { seen, handler } = recorder();
    const at = await on(handler);
    at.fake.show('ReceiveMessage', 'unavailable', 9);
    await nextPoll(at);
    const pausesMs: number[] = [];
    for (let failures = 1; failures <= 3; failures++) {
      await until(() => at.consumer.stats().pollFaults === failures && at.clock.next() !== null);
      const ms = (at.clock.next() ?? 0) - at.clock.now();
      pausesMs.push(ms);
      await at.clock.advance(ms);
    }
    put(at, 'a');
    await at.quiet();
    expect(seen).toHaveLength(1);
    expect(at.errors).toMatchObject(
      Array.from({ length: 3 }, () => ({ kind: 'transient', code: 'queue.unavailable' })),
    );
    for (const [n, ms] of pausesMs.entries()) {
      expect(ms).toBeGreaterThanOrEqual(500 * 2 ** n);
      expect(ms).toBeLessThanOrEqual(1000 * 2 ** n);
    }
  });
});

describe('the end', () => {
  it('drain lets running handlers end, removes what they did, and begins nothing more', async () => {
    const { promise: open, resolve: release } = Promise.withResolvers<void>();
    const { seen, handler } = recorder(async () => {
      await open;
      return FINE;
    });
    const at = await on(handler, { concurrency: 2, batchSize: 1 });
    put(at, 'a');
    await until(() => seen.length === 1 && at.fake.parkedPolls() === 1);
    let isDrained = false;
    const drained = at.consumer.drain(AbortSignal.timeout(5000)).then(() => {
      isDrained = true;
    });
    await until(() => at.fake.parkedPolls() === 0);
    put(at, 'b');
    expect(isDrained).toBe(false);
    release();
    await drained;
    expect(seen).toEqual(['a 1 @0']);
    expect(left(at)).toEqual(['b']);
    expect(at.consumer.stats().running).toBe(0);
    expect(at.clock.next()).toBeNull();
  });

  it('drain of a full consumer ends too', async () => {
    const { promise: open, resolve: release } = Promise.withResolvers<void>();
    const { seen, handler } = recorder(async () => {
      await open;
      return FINE;
    });
    const at = await on(handler, { concurrency: 1, batchSize: 1 });
    put(at, 'a', 'b');
    await until(() => seen.length === 1);
    const drained = at.consumer.drain(AbortSignal.timeout(5000));
    release();
    await drained;
    expect(left(at)).toEqual(['b']);
  });

  it('drain rejects with the reason of its signal while a handler still runs', async () => {
    const { promise: open, resolve: release } = Promise.withResolvers<void>();
    const at = await on(async () => {
      await open;
      return FINE;
    });
    put(at, 'a');
    await until(() => at.consumer.stats().running === 1);
    const stop = new AbortController();
    const drained = expect(at.consumer.drain(stop.signal)).rejects.toBe('enough');
    stop.abort('enough');
    await drained;
    release();
  });

  it('messages that arrive while it drains are handed back at once', async () => {
    const { seen, handler } = recorder();
    const at = await on(handler);
    const { promise: late, resolve: arrive } = Promise.withResolvers<void>();
    let isHeld = false;
    at.client.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = await next(args);
        if (context['commandName'] === 'ReceiveMessageCommand') {
          isHeld = true;
          await late;
        }
        return answer;
      },
      { step: 'initialize', priority: 'high' },
    );
    await nextPoll(at);
    put(at, 'a');
    await until(() => isHeld);
    const drained = at.consumer.drain(AbortSignal.timeout(5000));
    arrive();
    await drained;
    expect(seen).toEqual([]);
    expect(at.fake.queue(QUEUE).readyCount()).toBe(1);
  });

  it('a URL that is none is refused at once', () => {
    const options = { queueUrl: 'jobs', waitSeconds: 20, visibilitySeconds: 30 };
    expect(() => sqsQueue({ ...options, client: rig?.client as never, clock: rig?.clock as never })).toThrow(TypeError);
  });
});

/** The poll under way ends empty-handed, so that the next one shows what was asked for. */
async function nextPoll(at: ConsumerRig): Promise<void> {
  const polls = callsOf(at, 'ReceiveMessage').length;
  await at.clock.advance(20_000);
  await until(() => callsOf(at, 'ReceiveMessage').length > polls);
}
