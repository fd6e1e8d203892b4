/** The Cloudflare home in workerd: presigned puts to R2's own S3 address, queues, objects, and an S3 store elsewhere to deliver to. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Bucket, startBucket } from '#adapters/bucket/server.ts';
import { s3Client } from '#clients/s3/client.ts';
import { headKey, stripeKey } from '#core/state.ts';
import { TransferId } from '#core/wire/ids.ts';
import { chunkKey } from '#core/wire/keys.ts';
import type { CreateUploadAnswer } from '#core/wire/upload.ts';
import { openReceipt } from '../../cli/signed-receipt.ts';
import { customer, overHttp } from '../api/senders.ts';
import { confirm } from '../fakes/bilibili/passport.ts';
import { startFakeBilibili } from '../fakes/bilibili/server.ts';
import { contentOf } from '../fakes/bilibili/world.ts';
import { type CloudflareHome, type CloudflareServer, cloudflareHome } from '../support/cloudflare.ts';
import { sha256, stageMissing, testBytes } from '../support/staging-client.ts';

const MIB = 1024 * 1024;
const KEYS = { accessKeyId: 'AKIDTHERE', secretAccessKey: 'a secret of somewhere else' };
const THERE = { region: 'eu-central-1', bucket: 'there', forcePathStyle: true };

let storeDir: string;
let store: Bucket;
let client: S3Client;
let home: CloudflareHome | undefined;
let server: CloudflareServer;

beforeAll(async () => {
  storeDir = await mkdtemp(join(tmpdir(), 'entrepot-there-'));
  store = await startBucket({
    ...{ dataDir: storeDir, host: '127.0.0.1', port: 0, bucket: THERE.bucket, region: THERE.region },
    credentials: [KEYS],
    allowedOrigins: '*',
  });
  client = s3Client({ ...KEYS, ...THERE, endpoint: store.url });
});

afterAll(async () => {
  await home?.cleanup();
  client.destroy();
  await store.close();
  await rm(storeDir, { recursive: true, force: true });
});

async function start(variables: Readonly<Record<string, string>> = {}): Promise<void> {
  await home?.cleanup();
  home = await cloudflareHome(variables);
  server = await home.start();
  const destination = { id: 'there', provider: 's3', settings: { endpoint: store.url, ...THERE }, credentials: KEYS };
  expect((await server.api('POST', '/api/v1/destinations', destination)).status).toBe(201);
}

async function restart(): Promise<void> {
  await server.stop('SIGKILL');
  if (home !== undefined) server = await home.start();
}

async function announce(name: string, sizeBytes: number, destination = { id: 'there', path: '/影视' }) {
  const asked = { name, sizeBytes, destinations: [destination] };
  const { body } = await server.api('POST', '/api/v1/uploads', asked);
  return { uploadId: body.upload.id, transferId: body.transfers[0].id, chunks: body.chunks };
}

/** Asks until it is so: what happens in between is queues', and its time is theirs. */
async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const transfer = async (id: string) => (await server.api('GET', `/api/v1/transfers/${id}`)).body;
const hasEnded = ({ phase }: { readonly phase: string }) => ['done', 'failed', 'canceled'].includes(phase);
const delivered = async (key: string) => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: THERE.bucket, Key: key }));
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
};

/** How a socket was answered: the status that refused it, or the subprotocol of an open one and how it ends. */
async function knock(path: string, protocols: readonly string[], origin: string, firstWords?: string | Buffer) {
  const socket = new WebSocket(server.url.replace('http', 'ws') + path, [...protocols], { headers: { origin } });
  socket.on('error', () => undefined);
  const refused = once(socket, 'unexpected-response').then(([, response]) => ({ status: response.statusCode }));
  const opened = once(socket, 'open').then(() => ({ protocol: socket.protocol }));
  const answer = await Promise.race([refused, opened]);
  if ('status' in answer) return answer;
  const closed = once(socket, 'close').then(([code]) => ({ ...answer, code }));
  if (firstWords === undefined) socket.terminate();
  else socket.send(firstWords);
  return closed;
}

const ticket = async (): Promise<string> => (await server.api('POST', '/api/v1/tickets')).body.ticket;

/** Everything that a viewer is told of a transfer's phases. */
async function watch(phases: Set<string>): Promise<() => void> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, ['entrepot.v1', `ticket.${await ticket()}`]);
  await new Promise<void>((resolve) =>
    socket.on('message', (text) => {
      const { event, data } = JSON.parse(String(text));
      for (const { phase } of data.transfers ?? []) phases.add(phase);
      if (event === 'snapshot') resolve();
    }),
  );
  return () => socket.terminate();
}

/** A destination `bili` at the fake, logged in by its code to a login that is to be renewed. */
async function bilibili() {
  const fake = await startFakeBilibili({ chunkBytes: MIB });
  const { world } = fake;
  const settings = { tid: 160, tags: ['a'], join: 'folder', spacingSeconds: 0, endpoints: fake.hosts };
  const { body } = await server.api('POST', '/api/v1/logins', {
    ...{ provider: 'bilibili', destinationId: 'bili', settings },
  });
  confirm(world, [...world.logins.keys()].at(-1) ?? '', fake.account.mid);
  await until(
    () => server.api('GET', `/api/v1/logins/${body.id}`),
    (login) => login.body.state === 'confirmed',
  );
  for (const session of world.sessions.values()) session.refresh = true;
  return {
    fake,
    /** Answers the id of its transfer. */
    send: async (name: string, bytes: Buffer) => {
      const { uploadId, transferId } = await announce(name, bytes.byteLength, { id: 'bili', path: '/evening' });
      await stageMissing(() => server, uploadId, bytes);
      await server.tell(chunkKey(uploadId, 1), bytes.byteLength);
      return transferId;
    },
    /** The hash of each part of each video. */
    videos: () =>
      world.archives.map(({ videos }) =>
        videos.map(({ filename }) => sha256(contentOf(world, filename) ?? new Uint8Array())),
      ),
    count: (wanted: string) => fake.asked.filter(({ operation }) => operation === wanted).length,
    [Symbol.asyncDispose]: () => fake.close(),
  };
}

describe('the Cloudflare home', () => {
  it('brings a file home byte for byte, killed in the middle, and tells those who watch', async () => {
    await start();
    const bytes = testBytes(25 * MIB + 7);
    const { uploadId, transferId, chunks } = await announce('电影.bin', bytes.byteLength);
    const [first] = chunks;
    const put = { method: 'PUT', headers: first.headers, body: new Uint8Array(bytes.subarray(0, first.sizeBytes)) };
    expect((await fetch(first.url, put)).status).toBe(200);
    expect((await fetch(first.url, put)).status).toBe(412);
    await server.tell(chunkKey(uploadId, 1), first.sizeBytes);
    await until(
      () => transfer(transferId),
      ({ movedBytes }) => movedBytes > 0,
    );
    await until(
      () => server.row(stripeKey(transferId, 1, 0)),
      ({ hold }) => hold !== 'lease',
    );

    await restart();
    const phases = new Set<string>();
    const leave = await watch(phases);
    await stageMissing(() => server, uploadId, bytes);
    await server.tell(chunkKey(uploadId, 2), 10 * MIB);
    await server.tell(chunkKey(uploadId, 3), 5 * MIB + 7);

    const end = await until(() => transfer(transferId), hasEnded);
    expect(end).toMatchObject({ phase: 'done', status: 'success', movedBytes: bytes.byteLength });
    expect(sha256(await delivered('影视/电影.bin'))).toBe(sha256(bytes));
    // Signed by workerd, and found to fit by Node.
    const receipt = await server.api('GET', `/api/v1/transfers/${transferId}/receipt`);
    expect(openReceipt(JSON.stringify(receipt.body))).toMatchObject({ transferId, evidence: { grade: 'A' } });
    await until(
      async () => phases,
      (seen) => seen.has('done'),
    );
    leave();
    await until(
      async () => (await server.api('GET', `/api/v1/uploads/${uploadId}`)).body,
      ({ upload }) => upload.phase !== 'open',
    );
  });

  it('lets a viewer in by a ticket once, also over a restart, from its own page alone, and ends who breaks the rules', async () => {
    const used = ['entrepot.v1', `ticket.${await ticket()}`];
    expect(await knock('/ws', used, 'https://elsewhere.example')).toEqual({ status: 403 });
    expect(await knock('/ws', used, server.url)).toMatchObject({ protocol: 'entrepot.v1' });
    expect(await knock('/ws', used, server.url)).toEqual({ status: 401 });
    expect(await knock(`/ws/upload/progress?token=${await ticket()}`, [], server.url, '{"type":"hello"}')).toEqual({
      protocol: '',
      code: 1008,
    });
    const ends = async (words: string | Buffer) =>
      knock('/ws', ['entrepot.v1', `ticket.${await ticket()}`], server.url, words);
    expect(await ends(Buffer.from('{}'))).toMatchObject({ code: 1003 });
    expect(await ends('x'.repeat(17 * 1024))).toMatchObject({ code: 1009 });
    await until(
      async () => (await server.api('GET', '/stats')).body,
      (stats) => stats.total_connections === 0,
    );
    await restart();
    expect(await knock('/ws', used, server.url)).toEqual({ status: 401 });
  });

  it('takes as many files by a link as were allowed, of those that come at once, and none once it is revoked', async () => {
    const asked = { name: 'Link', destinations: [{ id: 'there' }], filesMax: 3, perSender: 'flat' };
    const { body } = await server.api('POST', '/api/v1/links', asked);
    const { call, announce: handIn } = customer({ call: overHttp(() => server.url) }, body.url.split('#drop=')[1]);
    const answers = await Promise.all(Array.from({ length: 8 }, () => handIn()));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 201, 201, 409, 409, 409, 409, 409]);
    const first = answers.find(({ status }) => status === 201)?.body as CreateUploadAnswer;
    expect((await call('DELETE', `/uploads/${first.upload.id}`)).status).toBe(200);
    expect((await call('GET', '')).body).toMatchObject({ state: 'active', filesLeft: 1 });
    await server.api('POST', `/api/v1/links/${body.link.id}/revoke`);
    expect((await call('GET', '')).status).toBe(401);
  });

  it('gives up what is deleted, also where its hint was lost: its cron makes up for that', async () => {
    const { uploadId, transferId, chunks } = await announce('b.bin', MIB);
    await fetch(chunks[0].url, { method: 'PUT', headers: chunks[0].headers, body: new Uint8Array(MIB) });
    expect((await server.api('DELETE', `/api/v1/uploads/${uploadId}`)).status).toBe(200);
    await restart();
    // Again and again: a hint that was not lost may have been taken up, and its lease outlives the kill.
    const swept = async () => {
      await server.scheduled();
      return transfer(transferId);
    };
    expect((await until(swept, hasEnded)).phase).toBe('canceled');
  });

  it('logs in to Bilibili by a code, renews that login, and makes one video of the files of a folder', async () => {
    await using site = await bilibili();
    expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
    expect(await server.metrics()).toContain('# TYPE entrepot_transfers_timed_total counter\n');
    const contents = [testBytes(6 * MIB + 7), testBytes(MIB + 1)];
    for (const [n, bytes] of contents.entries()) {
      const id = await site.send(`part ${n + 1}.mp4`, bytes);
      const end = await until(() => transfer(id), hasEnded);
      expect(end).toMatchObject({ phase: 'done', receipt: { location: expect.stringContaining('/video/av') } });
    }
    expect(site.videos()).toEqual([contents.map((bytes) => sha256(bytes))]);
    expect(await server.mostSending()).toBeOneOf([1, 2, 3]);
    expect(await server.metrics()).toContain(`entrepot_moved_bytes_total{destination="bili"} ${7 * MIB + 8}\n`);
    expect([site.count('cookie refresh'), site.count('confirm refresh')]).toEqual([1, 1]);

    // What one call was told is kept for all others.
    site.fake.misbehave('preupload', 'code -412');
    const story = async (id: string) => JSON.stringify((await server.row(headKey(TransferId.parse(id)))).state.events);
    const third = await site.send('part 3.mp4', testBytes(MIB));
    await until(
      () => story(third),
      (events) => events.includes('bilibili.limited'),
    );
    const asked = site.fake.asked.length;
    const fourth = await site.send('part 4.mp4', testBytes(MIB));
    await until(
      () => story(fourth),
      (events) => events.includes('bilibili.resting'),
    );
    expect(site.fake.asked).toHaveLength(asked);
    expect(site.fake.leaks).toEqual([]);
  });

  it('finds what arrives by looking where R2 tells nothing', async () => {
    await start({ ENTREPOT_ARRIVALS: 'looked-for' });
    const bytes = testBytes(11 * MIB);
    const { uploadId, transferId } = await announce('c.bin', bytes.byteLength);
    await stageMissing(() => server, uploadId, bytes);
    expect((await until(() => transfer(transferId), hasEnded)).phase).toBe('done');
    expect(sha256(await delivered('影视/c.bin'))).toBe(sha256(bytes));
  });
});
