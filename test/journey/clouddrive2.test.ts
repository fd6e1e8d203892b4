/** A person with a CloudDrive2: the process that serves it dies and comes back, and its server is asked for nothing twice. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ACCOUNT, API_TOKEN, type FakeCloudDrive2, fakeCloudDrive2 } from '../fakes/clouddrive2/server.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { stageMissing, testBytes, untilEnded } from '../support/staging-client.ts';

const MIB = 1024 * 1024;
const FOLDER = '/115/影视';

let fake: FakeCloudDrive2;
let mountPoint: string;
let home: ServerHome;
let server: RunningServer;

beforeAll(async () => {
  fake = await fakeCloudDrive2({ rules: { readBytes: 2 * MIB, hashes: [] } });
  // Else a task that is over looks like one that has not begun, for a while.
  fake.habits.add('finished tasks stay in the list');
  fake.tree.addFolder('/115');
  mountPoint = await mkdtemp(join(tmpdir(), 'entrepot-cd2-'));
  home = await serverHome();
  server = await home.start();
  const made = await server.api('POST', '/api/v1/destinations', {
    id: 'cd2',
    provider: 'clouddrive2',
    settings: { address: `${fake.host}:${fake.port}`, order: ['remote'] },
    credentials: { apiToken: API_TOKEN },
  });
  expect(made).toMatchObject({ status: 201 });
});

afterAll(async () => {
  await home?.cleanup();
  await fake?.[Symbol.asyncDispose]();
  if (mountPoint) await rm(mountPoint, { recursive: true, force: true });
});

test('a file is asked for while it is being staged, over a kill of the process and a break of its channel', async () => {
  const bytes = testBytes(25 * MIB + 7);
  const { upload, transfer, chunks } = await announce('测试 影片.mp4', bytes);
  await put(chunks[0], bytes);
  await fake.until(() => fake.uploads()[0]?.receivedBytes === 10 * MIB);
  await server.stop('SIGKILL');
  server = await home.start();
  await put(chunks[1], bytes);
  await fake.until(() => fake.uploads()[0]?.receivedBytes === 20 * MIB);
  fake.dropChannels();
  await stageMissing(() => server, upload.id, bytes);
  const view = await untilEnded(() => server, transfer.id);
  expect(view).toMatchObject({ phase: 'done', status: 'success', error: null, movedBytes: bytes.byteLength });
  expect(fake.tree.find(`${FOLDER}/测试 影片.mp4`)?.content?.equals(bytes)).toBe(true);
  expect(fake.uploads()).toHaveLength(1);
  expect(fake.violations).toEqual([]);
  const { body } = await server.api('GET', `/api/v1/transfers/${transfer.id}/events`);
  expect(body.items).toContainEqual(expect.objectContaining({ type: 'note', code: 'way.remote' }));
});

test('what its cloud knows by the hash that the client brings takes no byte', async () => {
  const bytes = testBytes(3 * MIB);
  const sha1 = createHash('sha1').update(bytes).digest('hex');
  fake.stock.add(`2:${sha1}`);
  const { upload, transfer } = await announce('known.bin', bytes, { sha1 });
  const view = await untilEnded(() => server, transfer.id);
  expect(view).toMatchObject({ phase: 'done', status: 'quick_success', instant: true });
  const { body } = await server.api('GET', `/api/v1/uploads/${upload.id}`);
  expect(body.staged).toEqual([]);
});

test.each(['mount', 'webdav'] as const)('by its %s a file is done when its cloud has it, not before', async (way) => {
  const dav = way === 'webdav' ? await fake.openDav() : null;
  if (way === 'mount') fake.mountAt(mountPoint, '/');
  const made = await server.api('POST', '/api/v1/destinations', {
    id: way,
    provider: 'clouddrive2',
    settings: { address: `${fake.host}:${fake.port}`, order: [way], ...(dav === null ? {} : { webdav: dav.url }) },
    credentials: { apiToken: API_TOKEN, webdavUserName: ACCOUNT.userName, webdavPassword: ACCOUNT.password },
  });
  expect(made).toMatchObject({ status: 201 });
  const bytes = testBytes(11 * MIB + 3);
  const { upload, transfer } = await announce(`${way} 文件.bin`, bytes, {}, way);
  await stageMissing(() => server, upload.id, bytes);
  await untilPhase(transfer.id, 'finishing');
  fake.flushWrites();
  await fake.time.advance(20_000);
  expect(await untilEnded(() => server, transfer.id)).toMatchObject({ phase: 'done', error: null });
  expect(fake.tree.find(`${FOLDER}/${way} 文件.bin`)?.content?.equals(bytes)).toBe(true);
});

test('a pause and a cancel reach it', async () => {
  const bytes = testBytes(12 * MIB);
  const { transfer, chunks } = await announce('paused.bin', bytes);
  await put(chunks[0], bytes);
  const mine = () => fake.uploads().find(({ path }) => path.endsWith('/paused.bin'));
  await fake.until(() => mine()?.receivedBytes === 10 * MIB);
  expect(await server.api('POST', `/api/v1/transfers/${transfer.id}/pause`)).toMatchObject({ status: 200 });
  await fake.until(() => mine()?.status === 'Pause');
  expect(await server.api('POST', `/api/v1/transfers/${transfer.id}/resume`)).toMatchObject({ status: 200 });
  await fake.until(() => mine()?.status === 'Transfer');
  expect(await server.api('POST', `/api/v1/transfers/${transfer.id}/cancel`)).toMatchObject({ status: 200 });
  expect(await untilEnded(() => server, transfer.id)).toMatchObject({ phase: 'canceled' });
  await fake.until(() => mine()?.status === 'Cancelled');
});

async function untilPhase(transferId: string, phase: string): Promise<void> {
  for (;;) {
    const { body } = await server.api('GET', `/api/v1/transfers/${transferId}`);
    if (body.phase === phase) return;
    if (['done', 'failed', 'canceled'].includes(body.phase))
      throw new Error(`it is ${body.phase} ${JSON.stringify(body.error)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function announce(name: string, bytes: Buffer, digests?: Readonly<Record<string, string>>, destination = 'cd2') {
  const { status, body } = await server.api('POST', '/api/v1/uploads', {
    name,
    sizeBytes: bytes.byteLength,
    destinations: [{ id: destination, path: FOLDER }],
    ...(digests === undefined ? {} : { digests }),
  });
  expect(status).toBe(201);
  return { upload: body.upload, transfer: body.transfers[0], chunks: body.chunks };
}

async function put(
  ticket: { number: number; url: string; headers: Record<string, string>; sizeBytes: number },
  bytes: Buffer,
) {
  const from = (ticket.number - 1) * 10 * MIB;
  const part = new Uint8Array(bytes.subarray(from, Math.min(from + 10 * MIB, bytes.byteLength)));
  const answer = await fetch(ticket.url, { method: 'PUT', headers: ticket.headers, body: part });
  expect(answer.status).toBe(200);
}
