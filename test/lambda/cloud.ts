/** The home on AWS, as far as one machine has it: bundled functions, what starts them, and the services that they call. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type ServerType, serve } from '@hono/node-server';
import { startBucket } from '#adapters/bucket/server.ts';
import { dynamoClient } from '#adapters/dynamo/client.ts';
import { dynamoWorkTable } from '#adapters/dynamo/work-table.ts';
import { sqsClient } from '#adapters/sqs/client.ts';
import { type SqsConsumer, sqsConsumer } from '#adapters/sqs/consumer.ts';
import { systemClock } from '#adapters/system/clock.ts';
import type { S3Config } from '#clients/s3/client.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { progressIntake } from '../../relay/progress-intake.ts';
import { statsAnswer } from '../../relay/stats-answer.ts';
import { fakeSqs } from '../fakes/sqs/server.ts';
import type { Queue } from '../fakes/sqs/store.ts';
import { startDynalite } from '../support/dynalite.ts';
import { bundle, ENTRIES, type Entry, link } from './bundle.ts';
import { type Lambda, type LambdaOptions, lambda } from './lambda.ts';
import { type Role, roleOf, type Services } from './role.ts';

export interface Cloud extends AsyncDisposable {
  readonly table: WorkTable;
  readonly queue: (name: 'hints' | 'events' | 'dead') => Queue;
  /** By the names that they have as links. */
  readonly secrets: Readonly<
    Record<'AdminToken' | 'SealKey' | 'ProgressKey' | 'TicketKey' | 'AgentKey' | 'AgentTokenKey', string>
  >;
  /** Of the staging bucket. */
  readonly staging: S3Config & { readonly bucket: string };
  /** Of every function, but for its secrets and for where it finds the services. */
  readonly variables: Readonly<Record<string, string>>;
  readonly services: Services;
  /** The same as `table`, for what its port has no word for. */
  readonly database: { readonly client: DynamoDBClient; readonly tableName: string };
  /** A function with its home's environment; ended with the cloud. */
  start(entry: Entry, more?: Partial<LambdaOptions>): Lambda;
  /** What a function asked for, as its role names it. */
  asked(entry: Entry): readonly string[];
  /** What any function asked for without a right. */
  refused(): readonly string[];
  /** What Lambda's pollers and the scheduler do, with these functions. All ended with the cloud, or by the answer. */
  poll(parts: { readonly staged: Lambda; readonly move: Lambda; readonly sweep: Lambda }): () => Promise<void>;
  /** Transfers that the relay was told of. Not every word arrives: what is true is in the table. */
  readonly heard: ReadonlySet<string>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: any;
}

interface HttpBody {
  readonly contentType: string;
  readonly body: string | undefined;
  readonly isBase64Encoded: boolean;
}

interface Deployed {
  readonly dir: string;
  readonly role: Role;
  readonly links: Readonly<Record<string, string>>;
}

const ROLES: Readonly<Record<Entry, string>> = {
  api: 'ApiRole',
  staged: 'StagedRole',
  move: 'MoveRole',
  sweep: 'SweepRole',
};
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret of the tests' };
const REGION = 'us-east-1';
const BUCKET = 'staging';
const TOKEN = 'a-token-of-the-tests';
/** Of a call that is waited for. */
const PAYLOAD_BYTES_MAX = 6 * 1024 * 1024;
const DRAIN_MS = 60_000;
/** A minute, where it is real. */
const SWEEP_MS = 3_000;

export async function cloud(): Promise<Cloud> {
  const scratch = await mkdtemp(join(tmpdir(), 'entrepot-cloud-'));
  const clock = systemClock();
  const dynamo = await startDynalite();
  const tableName = await dynamo.createTable();
  const sqs = await fakeSqs({
    clock,
    keys: KEYS,
    queues: [
      { name: 'dead' },
      ...['hints', 'events'].map((name) => ({ name, deadLetter: { name: 'dead', maxReceives: 5 } })),
    ],
  });
  const bucket = await startBucket({
    ...{ dataDir: join(scratch, 'bucket'), host: '127.0.0.1', port: 0, bucket: BUCKET, region: REGION },
    credentials: [KEYS],
    allowedOrigins: '*',
    onEvent: (event) => sqs.queue('events').send(JSON.stringify(event), undefined),
  });
  const progressKey = randomBytes(32).toString('base64');
  const heard = new Set<string>();
  const sink: ProgressSink = {
    publish: async (rumours) => {
      for (const rumour of rumours) if (rumour.kind === 'transfer') heard.add(rumour.view.id);
    },
  };
  const signing = { secrets: [progressKey], clock };
  const take = progressIntake({ ...signing, sink });
  const count = statsAnswer({
    ...signing,
    sockets: { stats: () => ({ connections: 3, owners: 1, bufferedBytes: 0, refused: 0 }) },
    hub: { isWatching: () => true },
  });
  const relay = await listening((request) =>
    request.url.endsWith('/internal/stats') ? count(request) : take(request),
  );
  const secrets = {
    AdminToken: TOKEN,
    SealKey: randomBytes(32).toString('base64'),
    ProgressKey: progressKey,
    TicketKey: randomBytes(32).toString('base64'),
    CapabilityKey: randomBytes(32).toString('base64'),
    AgentKey: randomBytes(32).toString('base64'),
    AgentTokenKey: randomBytes(32).toString('base64'),
  };
  const services = { dynamodb: dynamo.config.endpoint, s3: bucket.url, sqs: sqs.url };
  const deployed = new Map<Entry, Deployed>();
  for (const entry of ENTRIES) {
    const { dir } = await bundle(entry, scratch);
    const role = await roleOf(ROLES[entry], services);
    deployed.set(entry, { dir, role, links: link(dir, secrets) });
  }
  const env = {
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    ENTREPOT_TABLE: tableName,
    ENTREPOT_BUCKET: BUCKET,
    ENTREPOT_HINTS_QUEUE_URL: sqs.queueUrl('hints'),
    ENTREPOT_RELAY_URL: relay.url,
    ENTREPOT_PAGE_URL: 'http://localhost:8000',
  };
  const client = sqsClient({ region: REGION, endpoint: sqs.url, credentials: KEYS });
  const database = dynamoClient(dynamo.config);
  const started: Lambda[] = [];
  const polling = new Set<() => Promise<void>>();

  const consumer = (queue: string, batchSize: number, concurrency: number, to: Lambda): SqsConsumer =>
    sqsConsumer({
      ...{ client, clock, batchSize, concurrency, queueUrl: sqs.queueUrl(queue), budgetMs: 300_000 },
      handler: (event) => to.invoke(event),
      // A function that died is what some tests are about.
      onError: () => undefined,
    });

  return {
    variables: env,
    services,
    database: { client: database, tableName },
    secrets,
    staging: { ...KEYS, endpoint: bucket.url, region: REGION, bucket: BUCKET, forcePathStyle: true },
    queue: (name) => sqs.queue(name),
    table: dynamoWorkTable(database, tableName),
    start: (entry, more = {}) => {
      const { dir, role, links } = deployed.get(entry) ?? missing(entry);
      const one = lambda({
        ...{ name: entry, dir, memoryMb: 512, timeoutMs: 60_000 },
        ...more,
        env: { ...env, ...endpointsOf(role), ...links, ...more.env },
      });
      started.push(one);
      return one;
    },
    asked: (entry) => (deployed.get(entry) ?? missing(entry)).role.asked(),
    refused: () => [...deployed.values()].flatMap(({ role }) => role.refused()),
    poll: ({ staged, move, sweep }) => {
      const consumers = [consumer('events', 10, 2, staged), consumer('hints', 1, 4, move)];
      const stopped = new AbortController();
      const sweeping = sweepOften(clock, sweep, stopped.signal);
      const end = async (): Promise<void> => {
        polling.delete(end);
        stopped.abort();
        await Promise.all([sweeping, ...consumers.map((one) => one.drain(AbortSignal.timeout(DRAIN_MS)))]);
      };
      polling.add(end);
      return end;
    },
    heard,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...polling].map((end) => end()));
      for (const one of started) await one[Symbol.asyncDispose]();
      client.destroy();
      database.destroy();
      for (const { role } of deployed.values()) await role[Symbol.asyncDispose]();
      await relay.close();
      await bucket.close();
      await sqs[Symbol.asyncDispose]();
      await dynamo.stop();
      await rm(scratch, { recursive: true });
    },
  };
}

/** A call of the API as its gateway makes it, and the answer. */
export async function api(
  to: Lambda,
  method: string,
  path: string,
  body?: unknown,
  token: string = TOKEN,
): Promise<ApiAnswer> {
  const json = { contentType: 'application/json', isBase64Encoded: false };
  return answerOf(
    to,
    httpEvent(method, path, token, { ...json, body: body === undefined ? body : JSON.stringify(body) }),
  );
}

/** The same with a form, which the gateway hands on as base64. */
export async function apiForm(to: Lambda, path: string, form: FormData): Promise<ApiAnswer> {
  const whole = new Response(form);
  const contentType = whole.headers.get('content-type') ?? '';
  const body = Buffer.from(await whole.arrayBuffer()).toString('base64');
  return answerOf(to, httpEvent('POST', path, TOKEN, { contentType, body, isBase64Encoded: true }));
}

async function answerOf(to: Lambda, event: unknown): Promise<ApiAnswer> {
  if (JSON.stringify(event).length > PAYLOAD_BYTES_MAX) throw new Error('Lambda takes no payload of this size');
  const answer = await to.invoke(event);
  const text = answer.isBase64Encoded ? Buffer.from(answer.body, 'base64').toString() : answer.body;
  const isJson = answer.headers['content-type']?.includes('json') ?? false;
  return { status: answer.statusCode, body: isJson ? JSON.parse(text) : text };
}

/** Payload 2.0 of an HTTP API. */
function httpEvent(method: string, path: string, token: string, { contentType, ...body }: HttpBody): unknown {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  const host = 'abcdefghij.execute-api.us-east-1.amazonaws.com';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath,
    rawQueryString,
    headers: {
      accept: '*/*',
      authorization: `Bearer ${token}`,
      'content-type': contentType,
      host,
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-port': '443',
      'x-forwarded-proto': 'https',
    },
    requestContext: {
      accountId: '000000000000',
      apiId: 'abcdefghij',
      domainName: host,
      domainPrefix: 'abcdefghij',
      http: { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'test' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '22/Nov/2026:00:00:00 +0000',
      timeEpoch: 1_795_305_600_000,
    },
    ...body,
  };
}

/** A hint that came to nothing on a busy machine is made up for, as everywhere. */
async function sweepOften(clock: Clock, sweep: Lambda, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(SWEEP_MS, signal).catch(() => undefined);
    // One that fails is followed by another.
    if (!signal.aborted) await sweep.invoke({ every: 'minute' }).catch(() => undefined);
  }
}

function endpointsOf({ endpoints: { dynamodb, s3, sqs } }: Role): Readonly<Record<string, string>> {
  return { AWS_ENDPOINT_URL_DYNAMODB: dynamodb, AWS_ENDPOINT_URL_S3: s3, AWS_ENDPOINT_URL_SQS: sqs };
}

function missing(entry: Entry): never {
  throw new Error(`${entry} is not deployed`);
}

async function listening(answer: (request: Request) => Promise<Response>) {
  const server = await new Promise<{ http: ServerType; port: number }>((resolve) => {
    const http = serve({ fetch: answer, hostname: '127.0.0.1', port: 0 }, ({ port }) => resolve({ http, port }));
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.http.close(() => resolve());
        if ('closeAllConnections' in server.http) server.http.closeAllConnections();
      }),
  };
}
