import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { sqsClient } from '#adapters/sqs/client.ts';
import { sqsDispatcher } from '#adapters/sqs/dispatcher.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import { Job } from '#core/wire/job.ts';
import { startSqsServer } from '../support/sqs-server.ts';
import { dispatcherContract } from './dispatcher.contract.ts';
import { consumerRig, type Fixture, fixture, KEYS, QUEUE, START_MS } from './sqs/rig.ts';

dispatcherContract({
  name: 'sqs, with our consumer, over a strict server',
  make: async () => {
    const got: Job[] = [];
    let crashes = 0;
    const rig = await consumerRig(async ({ Records }) => {
      if (crashes-- > 0) throw new Error('the consumer died');
      got.push(...Records.map(({ body }) => Job.parse(JSON.parse(body))));
      return { batchItemFailures: [] };
    });
    return {
      subject: {
        dispatcher: sqsDispatcher(rig),
        delivered: async (afterMs) => {
          await rig.pass(afterMs);
          return got;
        },
        crashNext: () => {
          crashes = 1;
        },
      },
      cleanup: async () => await rig[Symbol.asyncDispose](),
    };
  },
});

dispatcherContract({
  name: 'sqs, over a foreign server',
  make: async () => {
    const server = await startSqsServer([{ name: QUEUE, visibilitySeconds: 30 }]);
    const queueUrl = server.queueUrl(QUEUE);
    const client = sqsClient({ region: server.region, credentials: KEYS });
    const clock = virtualClock({ seed: 1, startMs: START_MS });
    const got: Job[] = [];
    let crashes = 0;
    return {
      subject: {
        dispatcher: sqsDispatcher({ client, queueUrl, clock }),
        delivered: async (afterMs) => {
          const before = crashes-- > 0 ? await receive(client, queueUrl) : [];
          // Those are not removed: whoever took them is dead.
          expect(before.length).toBeLessThanOrEqual(1);
          await server.advance(afterMs);
          for (let batch = await receive(client, queueUrl); batch.length > 0; batch = await receive(client, queueUrl)) {
            got.push(...batch.map(({ Body = '' }) => Job.parse(JSON.parse(Body))));
            const Entries = batch.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
            await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
          }
          return got;
        },
        crashNext: () => {
          crashes = 1;
        },
      },
      cleanup: async () => {
        client.destroy();
        await server[Symbol.asyncDispose]();
      },
    };
  },
});

async function receive(client: SQSClient, QueueUrl: string) {
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return Messages ?? [];
}

describe('sending', () => {
  let on: Fixture;
  let dispatcher: Dispatcher;
  beforeEach(async () => {
    on = await fixture();
    dispatcher = sqsDispatcher(on);
  });
  afterEach(() => on[Symbol.asyncDispose]());

  const jobs = (count: number): Job[] => Array.from({ length: count }, (_, n) => ({ pk: `T#${n}`, sk: '@' }));
  const bodies = () => on.fake.queue(QUEUE).bodies();
  const sent = (count: number) => jobs(count).map((job) => JSON.stringify(job));
  /** The time of pauses between tries goes by itself. */
  const send = (...args: Parameters<Dispatcher['send']>) => on.clock.run(dispatcher.send(...args), 60_000);

  it('a job that is named twice in one call is sent once, its properties in one order', async () => {
    await send([
      { pk: 'a', sk: '@' },
      { sk: '@', pk: 'a' },
      { pk: 'a', sk: 'b' },
    ]);
    expect(bodies()).toEqual(['{"pk":"a","sk":"@"}', '{"pk":"a","sk":"b"}']);
  });

  it('goes by tens, with distinct ids and the delay rounded up to whole seconds', async () => {
    await send(jobs(23), { delayMs: 4001 });
    const entries = on.fake.calls.map(({ input }) => (input as { Entries: { DelaySeconds: number }[] }).Entries);
    expect(entries.map(({ length }) => length).toSorted()).toEqual([10, 10, 3]);
    expect(new Set(entries.flat().map(({ DelaySeconds }) => DelaySeconds))).toEqual(new Set([5]));
    expect(on.fake.queue(QUEUE).nextAtMs()).toBe(START_MS + 5000);
  });

  it('text that a queue does not take arrives all the same', async () => {
    const job = { pk: '\u0000\u001f\ufffe\uffff\ud800', sk: '测试 🚀' };
    await send([job]);
    expect(bodies().map((body) => JSON.parse(body))).toEqual([job]);
  });

  it('ten jobs of the greatest length fit into one call', async () => {
    await send(jobs(10).map(({ pk }) => ({ pk: pk.padEnd(256, '\u0000'), sk: '\u0000'.repeat(128) })));
    expect(bodies()).toHaveLength(10);
  });

  it.each(['some entries fail', 'some entries are not answered for'] as const)(
    '%s: those are sent again, and only those',
    async (habit) => {
      on.fake.show('SendMessageBatch', habit, 2);
      await send(jobs(10));
      expect(bodies().toSorted()).toEqual(sent(10));
      expect(on.fake.calls.map(({ input }) => (input as { Entries: unknown[] }).Entries.length)).toEqual([10, 5, 3]);
    },
  );

  it('entries that keep failing are given up after four tries with a transient fault', async () => {
    on.fake.show('SendMessageBatch', 'some entries fail', 100);
    await expect(send(jobs(1))).rejects.toMatchObject({ kind: 'transient', code: 'queue.unavailable' });
    expect(on.fake.calls).toHaveLength(4);
  });

  it('an entry that the queue refuses is a bug, and its neighbours are sent', async () => {
    on.fake.show('SendMessageBatch', 'an entry is refused');
    await expect(send(jobs(3))).rejects.toMatchObject({ kind: 'bug', code: 'queue.refused' });
    expect(bodies()).toEqual(sent(3).slice(1));
  });

  it('a batch that fails does not keep the others from being sent', async () => {
    on.fake.show('SendMessageBatch', 'an entry is refused');
    await expect(send(jobs(95))).rejects.toMatchObject({ code: 'queue.refused' });
    expect(bodies()).toHaveLength(94);
  });

  it('a lost reply means that jobs are sent twice, never that one is missing', async () => {
    on.fake.show('SendMessageBatch', 'done, but the reply is lost');
    await dispatcher.send(jobs(3));
    expect(new Set(bodies())).toEqual(new Set(sent(3)));
    expect(bodies()).toHaveLength(6);
  });

  it('a throttled or failing call is tried again', async () => {
    on.fake.show('SendMessageBatch', 'throttled');
    on.fake.show('SendMessageBatch', 'unavailable');
    await dispatcher.send(jobs(1));
    expect(bodies()).toEqual(sent(1));
  });
});

describe('what goes wrong with a queue', () => {
  let on: Fixture;
  beforeEach(async () => {
    on = await fixture();
  });
  afterEach(() => on[Symbol.asyncDispose]());

  const faultOf = async (options: Partial<Parameters<typeof sqsDispatcher>[0]> = {}) => {
    try {
      await sqsDispatcher({ ...on, ...options }).send([{ pk: 'a', sk: '@' }]);
    } catch (error) {
      return error as { kind: string; code: string; message: string; cause: Error; stack: string };
    }
    throw new Error('nothing went wrong');
  };
  const withKeys = (keys: typeof KEYS) =>
    sqsClient({ region: 'eu-central-1', endpoint: on.fake.url, credentials: keys });

  it('without keys in the configuration those of the runtime are used, and none at all wait for a person', async () => {
    const client = sqsClient({ region: 'eu-central-1', endpoint: on.fake.url });
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) vi.stubEnv(name, undefined);
    for (const name of ['AWS_PROFILE', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']) vi.stubEnv(name, undefined);
    for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/dev/null');
    try {
      expect(await faultOf({ client })).toMatchObject({ kind: 'auth', code: 'queue.no_credentials' });
      vi.stubEnv('AWS_ACCESS_KEY_ID', KEYS.accessKeyId);
      vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEYS.secretAccessKey);
      await sqsDispatcher({ ...on, client }).send([{ pk: 'a', sk: '@' }]);
      expect(on.fake.queue(QUEUE).bodies()).toHaveLength(1);
    } finally {
      vi.unstubAllEnvs();
      client.destroy();
    }
  });

  it('throttled for good is throttled', async () => {
    on.fake.show('SendMessageBatch', 'throttled', 3);
    expect(await faultOf()).toMatchObject({ kind: 'throttled', code: 'queue.slow_down' });
  });

  it('out of order for good is transient', async () => {
    on.fake.show('SendMessageBatch', 'unavailable', 3);
    expect(await faultOf()).toMatchObject({ kind: 'transient', code: 'queue.unavailable' });
  });

  it('nobody there is transient', async () => {
    const client = sqsClient({ region: 'eu-central-1', endpoint: 'http://127.0.0.1:1', credentials: KEYS });
    expect(await faultOf({ client })).toMatchObject({
      kind: 'transient',
      code: 'queue.unavailable',
      message: 'the queue cannot be reached (ECONNREFUSED)',
    });
  });

  it('a body that was changed on its way is transient', async () => {
    on.fake.show('SendMessageBatch', 'bodies arrive changed');
    expect(await faultOf()).toMatchObject({ kind: 'transient', code: 'queue.corrupt' });
  });

  it('a missing queue waits for a person, and says what to look at', async () => {
    expect(await faultOf({ queueUrl: on.fake.queueUrl('none') })).toMatchObject({
      kind: 'auth',
      code: 'queue.missing',
      message: 'the queue does not exist: check its URL and region',
    });
  });

  it.each([
    ['an unknown key', { accessKeyId: 'AKIDOTHER', secretAccessKey: KEYS.secretAccessKey }],
    ['a wrong secret', { accessKeyId: KEYS.accessKeyId, secretAccessKey: 'another-secret' }],
  ])('%s waits for a person, and no error tells of keys, addresses or signatures', async (_, keys) => {
    const fault = await faultOf({ client: withKeys(keys) });
    expect(fault).toMatchObject({ kind: 'auth', code: 'queue.denied' });
    const told = [fault.message, fault.stack, fault.cause.message, fault.cause.stack, JSON.stringify(fault)].join('\n');
    for (const secret of [...Object.values(keys), '127.0.0.1', 'AWS4-HMAC', 'arn:aws'])
      expect(told).not.toContain(secret);
    expect(Object.keys(fault.cause)).not.toContain('$response');
  });
});
