/** The bundled functions, each in a process of its own under a runtime like Lambda's, called with the events that AWS sends. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#adapters/system/clock.ts';
import { type S3Config, s3Client } from '#clients/s3/client.ts';
import { sqsRecord } from '#clients/sqs/event.ts';
import { HeadState, ReceiptsState, StripeState } from '#core/state.ts';
import { TransferId } from '#core/wire/ids.ts';
import { openReceipt } from '../../cli/signed-receipt.ts';
import { OWNER } from '../../functions/owner.ts';
import { signedTicketOffice } from '../../relay/signed-tickets.ts';
import { type OwnBucket, ownBucket } from '../providers/s3/own-bucket.ts';
import { type Passed, type RecordingProxy, recordingProxy } from '../support/recording-proxy.ts';
import { sha256, testBytes } from '../support/staging-client.ts';
import { api, apiForm, type Cloud, cloud } from './cloud.ts';
import type { Lambda } from './lambda.ts';

const MIB = 1024 * 1024;
const PART_BYTES = 5 * MIB;
const NAME = '长 片.mp4';
/** Longer than a lease. */
const LATER_MS = 90_000;
const LOOK_MS = 50;
const FILE_BYTES_MAX = 4_500_000;
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';

let home: Cloud;
let store: OwnBucket;
let proxy: RecordingProxy;
let front: Lambda;
let staged: Lambda;
let move: Lambda;
let sweep: Lambda;
/** Those that are called when a lease that nobody renewed is over. */
let later: { readonly staged: Lambda; readonly move: Lambda; readonly sweep: Lambda };
beforeAll(async () => {
  home = await cloud();
  store = await ownBucket();
  proxy = await recordingProxy(store.endpoint);
  front = home.start('api');
  staged = home.start('staged');
  move = home.start('move');
  sweep = home.start('sweep');
  const ahead = { aheadMs: LATER_MS };
  later = { staged: home.start('staged', ahead), move: home.start('move', ahead), sweep: home.start('sweep', ahead) };
  const { region, bucket, accessKeyId, secretAccessKey } = store;
  const made = await api(front, 'POST', '/api/v1/destinations', {
    id: 'other',
    provider: 's3',
    settings: { endpoint: proxy.url, region, bucket, partBytes: PART_BYTES },
    credentials: { accessKeyId, secretAccessKey },
  });
  expect(made).toMatchObject({ status: 201 });
});
afterAll(async () => {
  await home?.[Symbol.asyncDispose]();
  await proxy?.[Symbol.asyncDispose]();
  await store?.[Symbol.asyncDispose]();
});

describe('the functions of the AWS home', () => {
  test('a file goes its whole way: create, stage, event, hint, delivered', async () => {
    const { transferId, folder, bytes } = await announced(15 * MIB + 1);
    const end = home.poll({ staged, move, sweep });
    await stage(transferId, bytes);
    expect(await untilDone(folder)).toMatchObject({ attempt: 1, failures: 0 });
    await end();
    expect(await delivered(folder)).toBe(sha256(bytes));
    expect(home.heard).toContain(transferId);
    const { body: receipt } = await api(front, 'GET', `/api/v1/transfers/${transferId}/receipt`);
    expect(openReceipt(JSON.stringify(receipt))).toMatchObject({
      transferId,
      destination: { id: 'other', kind: 's3' },
    });
  });

  test('killed at the timeout in the middle of a move, the next call goes on: no part that has a receipt is put again', async () => {
    const { transferId, folder, bytes } = await announced(30 * MIB + 1);
    const held = holdPart(4);
    const doomed = home.start('move');
    const end = home.poll({ staged, move: doomed, sweep });
    await stage(transferId, bytes);
    await held.reached;
    await until(async () => (await receiptsOf(transferId)).length >= 3);
    doomed.timeOut();
    await end();
    const receipts = await receiptsOf(transferId);
    expect(doomed.failures()).toContain('Sandbox.Timedout');

    await swept();
    const endLater = home.poll(later);
    expect(await untilDone(folder)).toMatchObject({ attempt: 1 });
    await endLater();
    const puts = putsIn(folder);
    for (const part of receipts) expect(puts.filter((put) => put === part)).toHaveLength(1);
    expect(await delivered(folder)).toBe(sha256(bytes));
  });

  test('a call whose time is nearly over hands over by itself, and what it gave up is all that is put again', async () => {
    const { transferId, folder, bytes } = await announced(20 * MIB + 1);
    const held = holdPart(3);
    const brief = home.start('move', { timeoutMs: 4_000, killedAfterMs: 120_000 });
    const end = home.poll({ staged, move: brief, sweep });
    await stage(transferId, bytes);
    await held.givenUp;
    expect(await untilDone(folder)).toMatchObject({ attempt: 1, failures: 0 });
    await end();
    expect(brief.failures()).toEqual([]);
    const puts = putsIn(folder);
    expect(puts).toHaveLength(new Set(puts).size);
    expect(await delivered(folder)).toBe(sha256(bytes));
  });

  test('a function that runs out of memory fails its call, and the hint comes again', async () => {
    const { transferId, folder, bytes } = await announced(1000);
    await stage(transferId, bytes);
    const small = home.start('move', { memoryMb: 8 });
    const hint = { Records: [record(JSON.stringify({ pk: `T#${transferId}`, sk: '@' }))] };
    await expect(small.invoke(hint)).rejects.toMatchObject({ errorType: 'Runtime.ExitError' });
    const end = home.poll({ staged, move, sweep });
    await untilDone(folder);
    await end();
    expect(await delivered(folder)).toBe(sha256(bytes));
  });

  test('a create does not need the queue: the sweep finds what nobody was told of', async () => {
    const deaf = home.start('api', { env: { AWS_ENDPOINT_URL_SQS: NOWHERE } });
    const { folder, bytes } = await announced(0, deaf);
    expect(deaf.logs()).toContain('"event":"hint.lost","jobs":1,"code":"queue.unavailable"');
    await swept();
    const end = home.poll(later);
    await untilDone(folder);
    await end();
    expect(await delivered(folder)).toBe(sha256(bytes));
  });

  test('a file in the inbox whose event was lost is found within the hour', async () => {
    const client = s3Client(home.staging);
    const bytes = randomBytes(1000);
    await client.send(
      new PutObjectCommand({ Bucket: home.staging.bucket, Key: `inbox/other/lost/${NAME}`, Body: bytes }),
    );
    client.destroy();
    const events = home.queue('events');
    for (const { receipt } of events.take(10, 60)) events.remove(receipt ?? '');
    const end = home.poll(later);
    expect(await later.sweep.invoke({ every: 'hour' })).toEqual({ seen: 1, guests: 0 });
    await untilDone('lost');
    await end();
    expect(await delivered('lost')).toBe(sha256(bytes));
  });

  test('of a batch, the messages that cannot be done are named, and the others are done', async () => {
    const poison = record('{"Records":[{"none":"of ours"}]}');
    const first = record('{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"staging"}');
    const answer = await staged.invoke({ Records: [poison, first] });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: poison.messageId }] });
  });

  test('a function that throws answers the next call in the same process', async () => {
    const broken = home.start('sweep', { env: { ENTREPOT_TABLE: 'no-such-table' } });
    for (const _ of [1, 2]) {
      await expect(broken.invoke({ every: 'minute' })).rejects.toMatchObject({ errorType: 'Fault' });
    }
    expect(broken.sandboxes()).toBe(1);
  });

  test('a function without its secrets says which one is not linked', async () => {
    const bare = home.start('move', { env: { SST_KEY: '', SST_KEY_FILE: '' } });
    await expect(bare.invoke({ Records: [] })).rejects.toThrow('SealKey');
  });
});

describe('the API in a function', () => {
  test('measures the home from its table, for its owner alone, and asks the relay', async () => {
    const { status, body } = await api(front, 'GET', '/metrics');
    expect(status).toBe(200);
    expect(body).toContain('entrepot_relay_up 1\n');
    expect(body).toMatch(/^entrepot_due_rows\{queue="/m);
    expect((await api(front, 'GET', '/metrics', undefined, 'nobody')).status).toBe(401);
  });

  test('issues tickets that the relay lets in', async () => {
    const { status, body } = await api(front, 'POST', '/api/v1/tickets');
    expect(status).toBe(201);
    const relay = signedTicketOffice({ clock: systemClock(), randomBytes, secret: home.secrets.TicketKey });
    expect(await relay.redeem(body.ticket)).toBe('local');
  });

  test('gives out addresses under the name that people know', async () => {
    const { body } = await api(front, 'POST', '/api/v1/uppy/tokens', {
      destinationId: 'other',
      path: '/',
      ttlSeconds: 60,
    });
    expect(body.endpoint).toMatch(/^https:\/\/localhost:8000\/compat\/c\//);
  });

  test('takes a file of an unmodified Uppy, which is delivered', async () => {
    const begun = await api(front, 'POST', '/api/uppy/other/s3/multipart', {
      filename: NAME,
      type: 'video/mp4',
      metadata: { name: NAME, size: 1000, relativePath: `uppy/${NAME}` },
    });
    expect(begun.status).toBe(200);
    const { uploadId, key } = begun.body;
    const path = `/api/uppy/other/s3/multipart/${uploadId}`;
    const signed = await api(front, 'GET', `${path}/1?key=${encodeURIComponent(key)}`);
    const bytes = randomBytes(1000);
    const put = await fetch(signed.body.url, { method: 'PUT', body: bytes });
    expect(put.status).toBe(200);
    const end = home.poll({ staged, move, sweep });
    const completed = await api(front, 'POST', `${path}/complete?key=${encodeURIComponent(key)}`, {
      parts: [{ PartNumber: 1, ETag: put.headers.get('etag') }],
    });
    expect(completed.status).toBe(200);
    await untilDone('uppy');
    await end();
    expect(await delivered('uppy')).toBe(sha256(bytes));
  });

  test('keeps a file: put by the URL that it gives out, looked at, fetched, removed', async () => {
    const file = { task_id: 'task-1', filename: NAME, file_type: 'result', content_type: 'video/mp4', size: 1000 };
    const { body: asked } = await api(front, 'POST', '/api/v1/files/upload-url', file);
    const bytes = randomBytes(1000);
    const put = await fetch(asked.upload_url, { method: asked.method, headers: asked.headers, body: bytes });
    expect(put.status).toBe(200);

    const path = `/api/v1/files/info?key=${encodeURIComponent(asked.object_key)}`;
    expect((await api(front, 'GET', path)).body).toMatchObject({ size: 1000, content_type: 'video/mp4' });
    const found = await api(front, 'GET', `/api/v1/files/download/task-1/${encodeURIComponent(NAME)}`);
    const fetched = await fetch(found.body.download_url);
    expect(sha256(Buffer.from(await fetched.arrayBuffer()))).toBe(sha256(bytes));

    const removed = await api(front, 'DELETE', `/api/v1/files?key=${encodeURIComponent(asked.object_key)}`);
    expect(removed.status).toBe(200);
    expect(await api(front, 'GET', path)).toMatchObject({ status: 404, body: { error: { code: 'file.unknown' } } });
    expect(home.refused()).toEqual([]);
  });

  test('takes a file as a form while it fits into a call, and names the other way for a larger one', async () => {
    const most = await apiForm(front, '/api/v1/files/upload', formOf(randomBytes(FILE_BYTES_MAX)));
    expect(most).toMatchObject({ status: 201, body: { size: FILE_BYTES_MAX } });
    const more = await apiForm(front, '/api/v1/files/upload', formOf(randomBytes(FILE_BYTES_MAX + 1)));
    expect(more).toMatchObject({ status: 413, body: { error: { code: 'file.too_large' } } });
    expect(more.body.error.message).toContain('upload URL');
  });

  test('says which kinds of destinations it has: none of this machine, and none at agents', async () => {
    const { body } = await api(front, 'GET', '/api/v1/kinds');
    const ids = body.items.map(({ id }: { id: string }) => id);
    expect(ids).toContain('s3');
    expect(ids).not.toContain('folder');
    expect(JSON.stringify(body)).not.toContain('agents');
  });

  test('asks the relay, which holds the sockets, how many watch', async () => {
    const { status, body } = await api(front, 'GET', '/stats');
    expect([status, body]).toMatchObject([200, { total_connections: 3, total_users: 1 }]);
  });

  test('serves one call after another in the sandbox that it has, frozen in between', () => {
    expect(front.sandboxes()).toBe(1);
  });

  test('refuses a wrong token', async () => {
    const { status, body } = await api(front, 'GET', '/api/v1/transfers', undefined, 'wrong');
    expect([status, body.error.code]).toEqual([401, 'auth.required']);
  });

  test('answers before its time is over, also when the table does not', async () => {
    await using silent = await noAnswer();
    const late = home.start('api', {
      ...{ timeoutMs: 3_000, killedAfterMs: 120_000 },
      env: { AWS_ENDPOINT_URL_DYNAMODB: silent.url },
    });
    const { status, body } = await api(late, 'GET', '/api/v1/transfers');
    expect([status, body.error.code]).toEqual([503, 'api.late']);
  });

  test.each([
    {
      provider: 'oss',
      settings: { endpoint: NOWHERE, region: 'cn-hangzhou', bucket: 'some-bucket' },
      credentials: { accessKeyId: 'AKIDEXAMPLE', accessKeySecret: 'a secret of the tests' },
      code: 'oss.unavailable',
    },
    {
      provider: 'clouddrive2',
      settings: { address: new URL(NOWHERE).host },
      credentials: { userName: 'somebody', password: 'a secret of the tests' },
      code: 'clouddrive2.no_way',
    },
  ])('loads the library of $provider when such a destination is asked', async ({ code, ...destination }) => {
    const id = destination.provider;
    expect(await api(front, 'POST', '/api/v1/destinations', { id, ...destination })).toMatchObject({ status: 201 });
    const { body } = await api(front, 'POST', `/api/v1/destinations/${id}/check`);
    expect(body).toMatchObject({ ok: false, code });
  });
});

function formOf(bytes: Buffer<ArrayBuffer>): FormData {
  const form = new FormData();
  form.set('task_id', 'task-2');
  form.set('file', new File([bytes], NAME));
  return form;
}

let files = 0;

/** To a folder of its own. */
async function announced(sizeBytes: number, to: Lambda = front) {
  const folder = `folder-${++files}`;
  const bytes = testBytes(sizeBytes);
  const { status, body } = await api(to, 'POST', '/api/v1/uploads', {
    name: NAME,
    sizeBytes,
    destinations: [{ id: 'other', path: `/${folder}` }],
  });
  expect(status).toBe(201);
  return { transferId: TransferId.parse(body.transfers[0].id), folder, bytes };
}

async function stage(transferId: string, bytes: Buffer): Promise<void> {
  const { body: view } = await api(front, 'GET', `/api/v1/transfers/${transferId}`);
  const { body } = await api(front, 'GET', `/api/v1/uploads/${view.uploadId}`);
  const { chunkCount, chunkBytes } = body.upload;
  const numbers = Array.from({ length: chunkCount }, (_, i) => i + 1);
  const signed = await api(front, 'POST', `/api/v1/uploads/${view.uploadId}/sign`, { numbers });
  for (const { number, sizeBytes, url, headers } of signed.body.chunks) {
    const from = (number - 1) * chunkBytes;
    const put = { method: 'PUT', headers, body: new Uint8Array(bytes.subarray(from, from + sizeBytes)) };
    expect((await fetch(url, put)).status).toBe(200);
  }
}

/** The transfer to the folder, once it is done. */
async function untilDone(folder: string): Promise<HeadState> {
  let found: HeadState | undefined;
  await until(async () => {
    const rows = await home.table.owned(OWNER, { limit: 100 });
    found = rows.map(({ row }) => HeadState.parse(row.state)).find(({ file }) => file.folder === `/${folder}`);
    return found?.step.phase === 'done';
  });
  // It has been found by then.
  return found as HeadState;
}

/** Looks until it is so. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(LOOK_MS);
}

async function swept(): Promise<void> {
  const { hints } = await later.sweep.invoke({ every: 'minute' });
  expect(hints).toBeGreaterThan(0);
}

/** The next put of that part is not answered. */
function holdPart(number: number) {
  const reached = Promise.withResolvers<void>();
  const givenUp = Promise.withResolvers<void>();
  let held: IncomingMessage | undefined;
  proxy.beforeNext(
    (request) => {
      if (request.method !== 'PUT' || !request.url?.includes(`partNumber=${number}&`)) return false;
      held = request;
      return true;
    },
    async () => {
      reached.resolve();
      const closed = held && once(held.socket, 'close');
      // Else nobody would see the connection end.
      held?.resume();
      await closed;
      givenUp.resolve();
      throw new Error('not passed on');
    },
  );
  return { reached: reached.promise, givenUp: givenUp.promise };
}

/** Numbers of the parts that were put into the folder and acknowledged. */
function putsIn(folder: string): readonly string[] {
  const isAcknowledged = ({ method, url, status }: Passed) =>
    method === 'PUT' && url.includes(`/${folder}/`) && url.includes('partNumber=') && status === 200;
  return proxy
    .passed()
    .filter(isAcknowledged)
    .map(({ url }) => new URLSearchParams(url.split('?')[1]).get('partNumber') ?? '');
}

async function receiptsOf(transferId: TransferId): Promise<readonly string[]> {
  const pk = `T#${transferId}`;
  const stripes = (await home.table.query(pk, 'S#')).map(({ state }) => StripeState.parse(state).have);
  const blocks = (await home.table.query(pk, 'R#')).map(({ state }) => ReceiptsState.parse(state).have);
  return [...stripes, ...blocks].flatMap((have) => Object.keys(have));
}

async function delivered(folder: string): Promise<string> {
  return hashOf(store, store.bucket, `${folder}/${NAME}`);
}

async function hashOf(config: S3Config, bucket: string, key: string): Promise<string> {
  const client = s3Client(config);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const bytes = await Body?.transformToByteArray();
  client.destroy();
  return sha256(bytes ?? new Uint8Array());
}

/** Takes requests and answers none. */
async function noAnswer() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const QUEUE = { arn: 'arn:aws:sqs:us-east-1:000000000000:queue', region: 'us-east-1' };

function record(body: string) {
  const messageId = randomBytes(16).toString('hex');
  return sqsRecord({ messageId, receiptHandle: 'receipt', body, receives: 1, sentAtMs: Date.now() }, QUEUE);
}
