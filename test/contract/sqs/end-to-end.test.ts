/** From a bucket's event in a queue to a row in the table and a file in a folder, with the handlers that run in the cloud. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqsClient } from '#adapters/sqs/client.ts';
import { type SqsConsumer, type SqsConsumerOptions, sqsConsumer } from '#adapters/sqs/consumer.ts';
import { sqsDispatcher } from '#adapters/sqs/dispatcher.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { budgetOf } from '../../../functions/budget.ts';
import { moveHandler } from '../../../functions/move.ts';
import { stagedHandler } from '../../../functions/staged.ts';
import { type ApiRig, apiRig } from '../../api/rig.ts';
import { type SqsServer, startSqsServer } from '../../support/sqs-server.ts';
import { KEYS, until } from './rig.ts';

const EVENTS = 'events';
const JOBS = 'jobs';
const DEAD = 'dead';

let rig: ApiRig;
let server: SqsServer;
let client: SQSClient;
let consumers: SqsConsumer[];
const errors: unknown[] = [];
beforeEach(async () => {
  errors.length = 0;
  consumers = [];
  rig = await apiRig();
  const visibilitySeconds = 30;
  server = await startSqsServer([
    { name: DEAD, visibilitySeconds },
    { name: EVENTS, visibilitySeconds, deadLetter: { name: DEAD, maxReceives: 5 } },
    { name: JOBS, visibilitySeconds },
  ]);
  client = sqsClient({ region: server.region, credentials: KEYS });
});
afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.drain(AbortSignal.timeout(5000))));
  client.destroy();
  await server[Symbol.asyncDispose]();
  await rig[Symbol.asyncDispose]();
});

/** One message a poll: the foreign server answers a poll only when it has as many as were asked for. */
function consume(name: string, handler: SqsConsumerOptions['handler']): SqsConsumer {
  const consumer = sqsConsumer({
    client,
    queueUrl: server.queueUrl(name),
    handler,
    concurrency: 1,
    batchSize: 1,
    budgetMs: 30_000,
    clock: systemClock(),
    onError: (error) => errors.push(error),
  });
  consumers.push(consumer);
  return consumer;
}

const put = (body: string) =>
  client.send(new SendMessageCommand({ QueueUrl: server.queueUrl(EVENTS), MessageBody: body }));
/** As S3 writes it. */
const created = (key: string) =>
  JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'eu-central-1',
        eventTime: '2025-01-01T00:00:00.000Z',
        eventName: 'ObjectCreated:Put',
        s3: {
          s3SchemaVersion: '1.0',
          bucket: { name: 'bucket', arn: 'arn:aws:s3:::bucket' },
          object: { key: encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/'), size: 7, eTag: 'x' },
        },
      },
    ],
  });
const TEST_EVENT = JSON.stringify({
  Service: 'Amazon S3',
  Event: 's3:TestEvent',
  Time: '2025-01-01T00:00:00.000Z',
  Bucket: 'bucket',
  RequestId: 'x',
  HostId: 'y',
});
const uploads = async () => (await rig.table.due('@upload', Number.MAX_SAFE_INTEGER, 10)).length;

describe('events of a bucket, by a queue', () => {
  it('a test event is acknowledged and dropped; an object under a name in code becomes an upload', async () => {
    const consumer = consume(EVENTS, stagedHandler(rig.intake));
    rig.staging.put('inbox/folder/深 处/a+b 100%.bin', Buffer.from('content'));
    await put(TEST_EVENT);
    await put(created('inbox/folder/深 处/a+b 100%.bin'));
    await until(() => consumer.stats().delivered === 2 && consumer.stats().running === 0);
    expect(consumer.stats()).toMatchObject({ failed: 0, lapsed: 0 });
    expect(await uploads()).toBe(1);
    await rig.settle();
    expect(await readFile(join(rig.root, '深 处', 'a+b 100%.bin'), 'utf8')).toBe('content');
    expect(errors).toEqual([]);
  });

  it('what is no event fails and comes again, and does not keep its neighbours from being taken', async () => {
    const consumer = consume(EVENTS, stagedHandler(rig.intake));
    rig.staging.put('inbox/folder/a.bin', Buffer.from('content'));
    await put('no event');
    await put(created('inbox/folder/a.bin'));
    await until(() => consumer.stats().delivered === 2 && consumer.stats().running === 0);
    expect(consumer.stats()).toMatchObject({ failed: 1 });
    expect(await uploads()).toBe(1);
  });

  it('what is no event is set aside by its queue in the end', async () => {
    const setAside: string[] = [];
    const consumer = consume(EVENTS, stagedHandler(rig.intake));
    consume(DEAD, async ({ Records }) => {
      setAside.push(...Records.map(({ body }) => body));
      return { batchItemFailures: [] };
    });
    await put('no event');
    // Ever longer, as it stays away; the foreign server counts each hiding as a delivery, so three times are five.
    for (const [n, seconds] of [1, 2, 4].entries()) {
      await until(() => consumer.stats().failed === n + 1 && consumer.stats().running === 0);
      await server.advance(seconds * 1000);
    }
    await until(() => setAside.length > 0);
    expect(setAside).toEqual(['no event']);
  });

  it('an event twice is one delivery', async () => {
    const consumer = consume(EVENTS, stagedHandler(rig.intake));
    rig.staging.put('inbox/folder/a.bin', Buffer.from('content'));
    for (let n = 0; n < 2; n++) await put(created('inbox/folder/a.bin'));
    await until(() => consumer.stats().delivered === 2 && consumer.stats().running === 0);
    expect(await uploads()).toBe(1);
  });
});

describe('jobs, by a queue', () => {
  it('take a file to its folder: events by one queue, work by the other', async () => {
    const dispatcher = sqsDispatcher({ client, queueUrl: server.queueUrl(JOBS), clock: systemClock() });
    const never = new AbortController().signal;
    const move = moveHandler({ ...rig.engine, dispatcher }, (context) => budgetOf(context, never));
    consume(EVENTS, stagedHandler({ ...rig.intake, dispatcher }));
    consume(JOBS, move);
    rig.staging.put('inbox/folder/b.bin', Buffer.from('delivered'));
    await put(created('inbox/folder/b.bin'));
    const isDone = () => rig.rumours.some((rumour) => rumour.kind === 'transfer' && rumour.view.status === 'success');
    await until(isDone);
    expect(await readFile(join(rig.root, 'b.bin'), 'utf8')).toBe('delivered');
    expect(errors).toEqual([]);
  });
});
