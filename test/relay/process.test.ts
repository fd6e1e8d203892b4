/** The relay as a process of its own: beside a DynamoDB and a bucket, told by functions, watched by sockets. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type Bucket, startBucket } from '#adapters/bucket/server.ts';
import { httpProgressSink } from '#adapters/http-progress/sink.ts';
import { relayStats } from '#adapters/http-progress/stats.ts';
import { systemClock } from '#adapters/system/clock.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import { ServerFrame } from '#core/wire/socket.ts';
import { CreateUploadAnswer } from '#core/wire/upload.ts';
import { apiClient } from '../../cli/client.ts';
import { doctorRemote } from '../../cli/doctor-remote.ts';
import { terminal } from '../../cli/terminal.ts';
import { createApi } from '../../functions/api.ts';
import { type Cloud, composeCloud } from '../../functions/deps.ts';
import { CloudEnv, readEnv } from '../../functions/env.ts';
import { cloudDrivers } from '../../functions/kinds.ts';
import { OWNER } from '../../functions/owner.ts';
import { localQueues } from '../../local/queues.ts';
import { signedTicketOffice } from '../../relay/signed-tickets.ts';
import { type LocalDynamo, startDynalite } from '../support/dynalite.ts';
import { type RunningRelay, startRelay } from '../support/relay.ts';

const PAGE = 'https://page.example';
const KEYS = { accessKeyId: 'AKRELAY', secretAccessKey: 'the-secret-of-the-bucket' };
const secrets = {
  ENTREPOT_SEAL_KEY: randomBytes(32).toString('base64'),
  ENTREPOT_PROGRESS_KEY: randomBytes(24).toString('hex'),
  ENTREPOT_TICKET_KEY: randomBytes(24).toString('hex'),
};
const clock = systemClock();
const tickets = signedTicketOffice({ clock, randomBytes, secret: secrets.ENTREPOT_TICKET_KEY });

let dataDir: string;
let dynamo: LocalDynamo;
let bucket: Bucket;
let env: Record<string, string>;
let cloud: Cloud;
/** Whom the bucket tells. */
let onStored: (event: unknown) => void = () => undefined;
const relays: RunningRelay[] = [];
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'entrepot-relay-'));
  dynamo = await startDynalite();
  bucket = await startBucket({
    dataDir,
    host: '127.0.0.1',
    port: 0,
    bucket: 'staged',
    region: 'us-east-1',
    credentials: [KEYS],
    allowedOrigins: '*',
    onEvent: (event) => onStored(event),
  });
  env = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: dynamo.config.endpoint,
    AWS_ENDPOINT_URL_S3: bucket.url,
    ENTREPOT_TABLE: await dynamo.createTable(),
    ENTREPOT_BUCKET: 'staged',
    ENTREPOT_HINTS_QUEUE_URL: 'http://127.0.0.1:9/nobody/hints',
    ENTREPOT_PAGE_URL: `${PAGE}/`,
    ENTREPOT_DRAIN_SECONDS: '0',
  };
  // The keys of a runtime, for the functions that this process plays.
  vi.stubEnv('AWS_ACCESS_KEY_ID', KEYS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEYS.secretAccessKey);
  cloud = composeCloud({
    env: readEnv(CloudEnv, env),
    progress: { publish: async () => undefined },
    lostHints: 'logged',
    drivers: cloudDrivers(secrets.ENTREPOT_SEAL_KEY),
  });
});

afterEach(async () => {
  onStored = () => undefined;
  for (const end of ends.splice(0)) await end();
  for (const relay of relays.splice(0)) await relay.stop('SIGKILL');
});

afterAll(async () => {
  cloud.close();
  vi.unstubAllEnvs();
  await Promise.all([bucket.close(), dynamo.stop()]);
  await rm(dataDir, { recursive: true, force: true });
});

async function started(changes: Readonly<Record<string, string>> = {}): Promise<RunningRelay> {
  const relay = await startRelay({ ...env, ...secrets, ...changes });
  relays.push(relay);
  return relay;
}

/** The API's function, with hints that go where they are told. */
async function api(dispatcher: Dispatcher, progress: ProgressSink) {
  const engine = { ...cloud.engine, dispatcher, progress };
  const intake = { ...cloud.intake, dispatcher, progress };
  if ((await engine.destinations.list()).length === 0) {
    const settings = { endpoint: bucket.url, region: 'us-east-1', bucket: 'staged', prefix: 'delivered' };
    await engine.destinations.create({ id: 'archive', provider: 's3', settings, credentials: KEYS });
  }
  const app = createApi({ engine, intake, authenticate: () => OWNER, issueTicket: tickets.issue });
  return { app, engine, intake };
}

async function announced(name: string): Promise<CreateUploadAnswer> {
  const { app } = await api({ send: async () => undefined }, { publish: async () => undefined });
  const response = await app.request('/api/v1/uploads', {
    method: 'POST',
    headers: { authorization: 'Bearer any', 'content-type': 'application/json' },
    body: JSON.stringify({ name, sizeBytes: 10, destinations: [{ id: 'archive', path: '/' }] }),
  });
  return CreateUploadAnswer.parse(await response.json());
}

function viewer(relay: RunningRelay, { origin = PAGE } = {}) {
  const protocols = ['entrepot.v1', `ticket.${tickets.issue(OWNER).ticket}`];
  const socket = new WebSocket(`${relay.url.replace('http', 'ws')}/ws`, protocols, { headers: { origin } });
  const frames: ServerFrame[] = [];
  let onFrame = (): void => undefined;
  socket.on('message', (data) => {
    frames.push(ServerFrame.parse(JSON.parse(String(data))));
    onFrame();
  });
  socket.on('error', () => undefined);
  const closed = new Promise<number>((resolve) => socket.once('close', (code) => resolve(code)));
  async function heard(isWanted: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    for (;;) {
      const found = frames.find(isWanted);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        onFrame = resolve;
      });
    }
  }
  return { socket, closed, heard };
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function tunnel(request: IncomingMessage, socket: Duplex, target: string): void {
  const { hostname, port, host } = new URL(target);
  const far = connect(Number(port), hostname);
  const lines = Object.entries({ ...request.headers, host }).map(([name, value]) => `${name}: ${value}\r\n`);
  far.write(`GET ${request.url} HTTP/1.1\r\n${lines.join('')}\r\n`);
  far.on('error', () => socket.destroy());
  socket.on('error', () => far.destroy());
  far.pipe(socket).pipe(far);
}

const transfersOf = (frame: ServerFrame) =>
  frame.event === 'snapshot' || frame.event === 'changes' ? frame.data.transfers : [];

describe('the relay as a process', () => {
  it('shows what the table has, tells what functions post, and ends by sending everybody away', async () => {
    const { transfers } = await announced('测试.mp4');
    const [view] = transfers;
    if (view === undefined) throw new Error('the upload has no transfer');
    const relay = await started();
    expect((await fetch(`${relay.url}/healthz`)).status).toBe(200);

    const page = viewer(relay);
    const snapshot = await page.heard(({ event }) => event === 'snapshot');
    expect(transfersOf(snapshot)).toMatchObject([{ id: view.id, name: '测试.mp4', status: 'pending' }]);

    const url = `${relay.url}/internal/progress`;
    const sink = httpProgressSink({ url, secret: secrets.ENTREPOT_PROGRESS_KEY, clock });
    const moved = { ...view, movedBytes: 10, rank: view.rank.map((part, index) => part + Number(index === 0)) };
    await sink.publish([{ kind: 'transfer', ownerId: OWNER, view: moved }]);
    await sink.flush(new AbortController().signal);
    expect(sink.stats()).toMatchObject({ posts: 1, failedPosts: 0 });
    const changes = await page.heard(({ event }) => event === 'changes');
    expect(transfersOf(changes)).toMatchObject([{ id: view.id, movedBytes: 10 }]);
    expect((await fetch(url, { method: 'POST', body: '{"rumours":[]}' })).status).toBe(401);
    const statsUrl = `${relay.url}/internal/stats`;
    const count = relayStats({ url: statsUrl, secret: secrets.ENTREPOT_PROGRESS_KEY, clock });
    expect(await count(OWNER)).toMatchObject({ total_connections: 1, total_users: 1, user_connected: true });

    expect(await relay.stop()).toBe(0);
    expect(await page.closed).toBe(1001);
    const events = relay.output().match(/(?<="event":")[^"]+/g);
    expect(events).toEqual(expect.arrayContaining(['relay.started', 'relay.draining', 'relay.ended']));
    for (const secret of Object.values(secrets)) expect(relay.output()).not.toContain(secret);
    expect(relay.output()).not.toContain('测试');
  });

  it('is one of many strangers through whom the doctor from elsewhere goes: API, table, bucket, functions, relay', async () => {
    const door = createServer();
    const page = await listening(door);
    ends.push(() => {
      door.closeAllConnections();
      door.close();
    });
    const relay = await started({ ENTREPOT_PAGE_URL: page });
    const sink = httpProgressSink({
      url: `${relay.url}/internal/progress`,
      secret: secrets.ENTREPOT_PROGRESS_KEY,
      clock,
    });
    const { app, engine, intake } = await api({ send: (jobs, options) => queues.hints.send(jobs, options) }, sink);
    const queues = localQueues({ engine, intake, budgetMs: 60_000 });
    ends.push(queues.drain);
    onStored = (event) => queues.tell(JSON.stringify(event));
    // One address for the page, the API and the sockets. The relay sees its own Host, as behind a balancer.
    door.on('request', getRequestListener(app.fetch));
    door.on('upgrade', (request, socket) => tunnel(request, socket, relay.url));

    const { signal } = new AbortController();
    const told: Record<string, unknown>[] = [];
    const failures = await doctorRemote({
      client: apiClient({ address: { url: page, token: 'any-token' }, clock, signal }),
      clock,
      signal,
      terminal: terminal({
        out: (text) => void told.push(JSON.parse(text)),
        error: () => undefined,
        isInteractive: false,
        size: () => ({ columns: 80, rows: 24 }),
      }),
    });
    expect(told.filter(({ ok }) => ok !== true)).toEqual([]);
    expect(told.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['socket', 'put', 'event', 'delivery', 'news']),
    );
    expect(failures).toBe(0);
  });

  it('lets in pages of its own address and of the one that it was told, and no others', async () => {
    const relay = await started();
    const stranger = viewer(relay, { origin: 'https://evil.example' });
    const [, { statusCode }] = await once(stranger.socket, 'unexpected-response');
    expect(statusCode).toBe(403);
    stranger.socket.terminate();
    await viewer(relay, { origin: relay.url }).heard(({ event }) => event === 'snapshot');
  });

  it('is not well while the table does not answer', async () => {
    const relay = await started({ ENTREPOT_TABLE: 'no-such-table' });
    const response = await fetch(`${relay.url}/healthz`);
    expect([response.status, await response.json()]).toEqual([503, { ok: false, because: 'table_silent' }]);
    expect(await relay.stop()).toBe(0);
  });

  it('names what is missing or wrong, also of secrets in files, and quotes nothing', async () => {
    const start = started({ ENTREPOT_TICKET_KEY: '', ENTREPOT_SEAL_KEY: 'not-base64-of-32-bytes' });
    await expect(start).rejects.toThrow(/ended with 1: The relay cannot start: ENTREPOT_SEAL_KEY/);
    await expect(start).rejects.toThrow(/ENTREPOT_TICKET_KEY/);
    await expect(start).rejects.not.toThrow(/not-base64/);
    const missing = started({ ENTREPOT_TICKET_KEY: '', ENTREPOT_TICKET_KEY_FILE: join(dataDir, 'none') });
    await expect(missing).rejects.toThrow('ENTREPOT_TICKET_KEY_FILE: the file cannot be read (ENOENT)');
  });
});
