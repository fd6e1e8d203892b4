/**
 * The functions and the relay, as they are deployed, on their way through what they do: no request that one makes is refused by its role, and each
 * right of a role is needed by some request.
 */
import { randomUUID } from 'node:crypto';
import { on } from 'node:events';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { dynamoCells } from '#adapters/dynamo/cells.ts';
import { s3Client } from '#clients/s3/client.ts';
import { sqsRecord } from '#clients/sqs/event.ts';
import type { Cell } from '#core/ports/cells.ts';
import { API_TOKEN, type FakeCloudDrive2, fakeCloudDrive2 } from '../fakes/clouddrive2/server.ts';
import { ENTRIES, type Entry } from '../lambda/bundle.ts';
import { api, type Cloud, cloud } from '../lambda/cloud.ts';
import type { Lambda } from '../lambda/lambda.ts';
import { type Role, roleOf } from '../lambda/role.ts';
import { type OwnBucket, ownBucket } from '../providers/s3/own-bucket.ts';
import { type RunningRelay, startRelay } from '../support/relay.ts';
import { EXPECTED_RIGHTS } from './expected-rights.ts';

const MIB = 1024 * 1024;
const QUEUE = { arn: 'arn:aws:sqs:us-east-1:000000000000:queue', region: 'us-east-1' };

/** `Role action on resource` of what no request here needs, and why it is a right all the same. */
const NOT_SEEN = [
  // Lambda itself uses these, in the function's name.
  / logs:/,
  / sqs:(ReceiveMessage|DeleteMessage|GetQueueAttributes) /,
  // Without it a HEAD of an object that is gone would be answered 403 and not 404.
  /^Staged s3:ListBucket /,
  // What was delivered from the inbox lies there for a day more.
  /^Move s3:DeleteObject on s3:stagingbucket\/inbox\//,
];

let home: Cloud;
let store: OwnBucket;
let client: S3Client;
let fake: FakeCloudDrive2;
let relayRole: Role;
let relay: RunningRelay;
let functions: Readonly<Record<Entry, Lambda>>;

beforeAll(async () => {
  home = await cloud();
  store = await ownBucket();
  client = s3Client(home.staging);
  functions = {
    api: home.start('api'),
    staged: home.start('staged'),
    move: home.start('move'),
    sweep: home.start('sweep'),
  };
  fake = await fakeCloudDrive2();
  fake.tree.addFolder('/115');
  relayRole = await roleOf('RelayTaskRole', home.services);
});

afterAll(async () => {
  client?.destroy();
  await relay?.stop();
  await relayRole?.[Symbol.asyncDispose]();
  await fake?.[Symbol.asyncDispose]();
  await home?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
});

test('each function may do what it does, and does what it may', async () => {
  await addDestinations();
  await fromPage();
  await fromGuest();
  await fromClient();
  await leftByGuests();
  await leftByLink();
  await lostEvent();
  await kept();
  await asked('GET', '/api/v1/transfers');
  await asked('GET', '/metrics');
  await asked('DELETE', '/api/v1/destinations/over');
  expect(home.refused()).toEqual([]);
  const idle = ENTRIES.flatMap((entry) =>
    idleRights(`${entry.charAt(0).toUpperCase()}${entry.slice(1)}`, home.asked(entry)),
  );
  expect(idle).toEqual([]);
});

test('the relay may do what it does, and does what it may', async () => {
  // It looks what ended, of which this one wants to hear nothing.
  await asked('POST', '/api/v1/webhooks', { url: 'https://nobody.invalid/', events: ['alert.raised'] });
  const { dynamodb, s3, sqs } = relayRole.endpoints;
  relay = await startRelay({
    ...home.variables,
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_S3: s3,
    AWS_ENDPOINT_URL_SQS: sqs,
    ENTREPOT_SEAL_KEY: home.secrets.SealKey,
    ENTREPOT_PROGRESS_KEY: home.secrets.ProgressKey,
    ENTREPOT_TICKET_KEY: home.secrets.TicketKey,
  });
  await watched();
  await servedByRelay();
  expect(await relay.stop()).toBe(0);
  expect(relayRole.refused()).toEqual([]);
  expect(idleRights('RelayTask', relayRole.asked())).toEqual([]);
});

function idleRights(role: string, needs: readonly string[]): readonly string[] {
  const rights = Object.entries(EXPECTED_RIGHTS[`${role}Role`] ?? {}).flatMap(([resource, actions]) =>
    actions.map((action) => `${action} on ${resource}`),
  );
  const isUsed = (right: string) =>
    needs.some((need) => (right.endsWith('*') ? need.startsWith(right.slice(0, -1)) : need === right));
  const idle = rights.filter((right) => !isUsed(right)).map((right) => `${role} ${right}`);
  return idle.filter((right) => !NOT_SEEN.some((reason) => reason.test(right)));
}

/** A page that looks at what there is. */
async function watched(): Promise<void> {
  const { ticket } = await asked('POST', '/api/v1/tickets');
  const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/ws`, ['entrepot.v1', `ticket.${ticket}`]);
  for await (const [text] of on(socket, 'message')) {
    const { event, data } = JSON.parse(String(text));
    if (event !== 'snapshot') continue;
    expect(data.transfers.length).toBeGreaterThan(0);
    break;
  }
  socket.terminate();
}

/** A destination that asks for bytes itself, of a page's file and of one in the inbox. */
async function servedByRelay(): Promise<void> {
  await asked('POST', '/api/v1/destinations', {
    id: 'cd2',
    provider: 'clouddrive2',
    settings: { address: `${fake.host}:${fake.port}`, order: ['remote'] },
    credentials: { apiToken: API_TOKEN },
  });
  await staged(12 * MIB, [{ id: 'cd2', path: '/115' }]);
  await put('inbox/cd2/115/found');
  await work();
  for (const name of ['film', 'found']) await fake.until(() => fake.tree.find(`/115/${name}`)?.content != null);
}

async function addDestinations(): Promise<void> {
  const { region, bucket, endpoint, accessKeyId, secretAccessKey } = store;
  for (const id of ['other', 'over']) {
    const settings = { endpoint, region, bucket, partBytes: 5 * MIB };
    const credentials = { accessKeyId, secretAccessKey };
    await asked('POST', '/api/v1/destinations', { id, provider: 's3', settings, credentials });
  }
}

/** Staged, delivered, and removed from staging; then comes a chunk too late. */
async function fromPage(): Promise<void> {
  const uploadId = await staged(11 * MIB, [{ id: 'other', path: '/page' }]);
  await work();
  const key = { pk: `U#${uploadId}`, sk: '@' };
  expect(await home.table.get(key)).toMatchObject({ phase: 'removing' });
  await makeDue(key);
  await functions.sweep.invoke({ every: 'minute' });
  await work();
  expect(await home.table.get(key)).toMatchObject({ phase: 'removed' });
  await put(`staging/${uploadId}/00003`);
  await work();
}

/** As Uppy does it. */
async function fromGuest(): Promise<void> {
  const path = await guestSession();
  const { url } = await asked('GET', path('/1'));
  const { headers } = await fetch(url, { method: 'PUT', body: new Uint8Array(1000) });
  await asked('GET', path(''));
  const parts = [{ PartNumber: 1, ETag: headers.get('etag') }];
  await asked('POST', path('/complete'), { parts });
  // Its answer was lost.
  await asked('POST', path('/complete'), { parts });
  await work();
  await asked('DELETE', (await guestSession())(''));
}

/** As any S3 client does it. */
async function fromClient(): Promise<void> {
  await put('inbox/other/client/film');
  await work();
}

/** Sessions that nobody ended, some of which do not know their id in the store. */
async function leftByGuests(): Promise<void> {
  const { client: database, tableName } = home.database;
  const cells = dynamoCells(database, tableName);
  const path = await guestSession();
  const change = async (more: object) => {
    const [cell]: readonly Cell[] = await cells.list('GUEST', { limit: 1 });
    if (cell === undefined) throw new Error('no session of a guest');
    await cells.swap(cell, cell.v, { ...(cell.value as object), ...more });
  };
  await change({ storeId: null });
  await asked('DELETE', path(''));
  for (const more of [{}, { storeId: null }]) {
    await guestSession();
    await change({ createdAt: 0, ...more });
    expect(await functions.sweep.invoke({ every: 'hour' })).toMatchObject({ guests: 1 });
  }
}

/** A share of a link, of a file that was never announced. */
async function leftByLink(): Promise<void> {
  const { link } = await asked('POST', '/api/v1/links', { name: 'link', destinations: [{ id: 'other' }] });
  const { client: database, tableName } = home.database;
  const cells = dynamoCells(database, tableName);
  const cell = await cells.read({ pk: 'LINKS', sk: link.id });
  const open = [['upl_01M80D3TB4H0CP4F835TVPPNWD', 5, Date.now() - 60 * 60_000]];
  await cells.swap({ pk: 'LINKS', sk: link.id }, 1, { ...Object(cell?.value), filesUsed: 1, bytesUsed: 5, open });
  expect(await functions.sweep.invoke({ every: 'hour' })).toMatchObject({ guests: 1 });
}

/** Nobody hears of it, but within the hour. */
async function lostEvent(): Promise<void> {
  await put('inbox/other/lost/film');
  for (const { receipt } of home.queue('events').take(10, 60)) home.queue('events').remove(receipt ?? '');
  await functions.sweep.invoke({ every: 'hour' });
  await work();
}

/** A file that stays until it is removed. */
async function kept(): Promise<void> {
  const file = { task_id: 'task', filename: 'film', content_type: 'video/mp4' };
  const { upload_url: url, headers, object_key: key } = await asked('POST', '/api/v1/files/upload-url', file);
  expect((await fetch(url, { method: 'PUT', headers, body: 'film' })).status).toBe(200);
  const { download_url: from } = await asked('GET', '/api/v1/files/download/task/film');
  expect(await (await fetch(from)).text()).toBe('film');
  await asked('DELETE', `/api/v1/files?key=${encodeURIComponent(key)}`);
}

/** As a page does it. Answers the upload's id. */
async function staged(sizeBytes: number, destinations: readonly object[]): Promise<string> {
  const bytes = Buffer.alloc(sizeBytes, 'x');
  const { upload } = await asked('POST', '/api/v1/uploads', { name: 'film', sizeBytes, destinations });
  const { chunks } = await asked('POST', `/api/v1/uploads/${upload.id}/sign`, { numbers: [1, 2] });
  for (const chunk of chunks) {
    const from = (chunk.number - 1) * upload.chunkBytes;
    const body = new Uint8Array(bytes.subarray(from, from + chunk.sizeBytes));
    expect((await fetch(chunk.url, { method: 'PUT', headers: chunk.headers, body })).status).toBe(200);
  }
  return upload.id;
}

/** Calls the functions that the queues start until nothing waits to be done. */
async function work(): Promise<void> {
  const starts = [
    { name: 'events', start: functions.staged },
    { name: 'hints', start: functions.move },
  ] as const;
  for (;;) {
    const done = [];
    for (const { name, start } of starts) {
      for (const { body, receipt } of home.queue(name).take(10, 60)) {
        const receiptHandle = receipt ?? '';
        const messageId = randomUUID();
        const message = { messageId, receiptHandle, body, receives: 1, sentAtMs: Date.now() };
        expect(await start.invoke({ Records: [sqsRecord(message, QUEUE)] })).toEqual({ batchItemFailures: [] });
        home.queue(name).remove(receiptHandle);
        done.push(body);
      }
    }
    if (done.length === 0) return;
  }
}

/** As if its time had come. */
async function makeDue({ pk, sk }: { readonly pk: string; readonly sk: string }): Promise<void> {
  const { client: database, tableName } = home.database;
  const past = new UpdateItemCommand({
    TableName: tableName,
    Key: { pk: { S: pk }, sk: { S: sk } },
    UpdateExpression: 'SET dueAt = :past',
    ExpressionAttributeValues: { ':past': { N: '1' } },
  });
  await database.send(past);
}

/** Paths of a session that has begun. */
async function guestSession(): Promise<(below: string) => string> {
  const token = { destinationId: 'other', path: '/guest', ttlSeconds: 600 };
  const { pathname } = new URL((await asked('POST', '/api/v1/uppy/tokens', token)).endpoint);
  const { key, uploadId } = await asked('POST', `${pathname}/s3/multipart`, { filename: 'film', type: 'video/mp4' });
  return (below) => `${pathname}/s3/multipart/${uploadId}${below}?key=${encodeURIComponent(key)}`;
}

async function asked(method: string, path: string, body?: unknown): Promise<any> {
  const answer = await api(functions.api, method, path, body);
  expect([path, answer.status < 300, answer.body]).toEqual([path, true, answer.body]);
  return answer.body;
}

async function put(key: string): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: home.staging.bucket, Key: key, Body: 'film' }));
}
