/** A store that we did not bring as staging: another process than the server has it, and it tells no events. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Bucket, startBucket } from '#adapters/bucket/server.ts';
import { s3Client } from '#clients/s3/client.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { sha256, stageMissing, testBytes, untilEnded } from '../support/staging-client.ts';

const MIB = 1024 * 1024;
const BUCKET = 'somebodys-bucket';
const KEYS = { accessKeyId: 'AKIDEXTERNAL', secretAccessKey: 'tiger-tiger-burning-bright' };
const REGION = 'eu-central-1';

let storeDir: string;
let store: Bucket;
let events: unknown[];
let client: S3Client;
let env: Readonly<Record<string, string>>;
let home: ServerHome;
let server: RunningServer;

beforeEach(async () => {
  storeDir = await mkdtemp(join(tmpdir(), 'entrepot-store-'));
  events = [];
  store = await startBucket({
    ...{ dataDir: storeDir, host: '127.0.0.1', port: 0, bucket: BUCKET, region: REGION },
    credentials: [KEYS],
    allowedOrigins: '*',
    onEvent: (event) => events.push(event),
  });
  client = s3Client({ ...KEYS, endpoint: store.url, region: REGION, forcePathStyle: true });
  env = {
    ENTREPOT_S3_ENDPOINT: store.url,
    ENTREPOT_S3_REGION: REGION,
    ENTREPOT_S3_BUCKET: BUCKET,
    ENTREPOT_S3_ACCESS_KEY_ID: KEYS.accessKeyId,
    ENTREPOT_S3_SECRET_ACCESS_KEY: KEYS.secretAccessKey,
  };
  home = await serverHome();
});

afterEach(async () => {
  await home.cleanup();
  client.destroy();
  await store.close();
  await rm(storeDir, { recursive: true, force: true });
});

const put = (key: string, Body: Uint8Array) => client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body }));
const keysInStore = async (Prefix: string) => {
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET, Prefix }));
  return (Contents ?? []).map(({ Key }) => Key);
};
const delivered = (...path: string[]) => readFile(join(home.dataDir, 'delivered', ...path));
const announce = async (name: string, sizeBytes: number) => {
  const asked = { name, sizeBytes, destinations: [{ id: 'folder' }] };
  const { body } = await server.api('POST', '/api/v1/uploads', asked);
  return { uploadId: body.upload.id as string, transferId: body.transfers[0].id as string, chunks: body.chunks };
};

async function untilDelivered(name: string): Promise<any> {
  for (;;) {
    const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
    const view = body.items.find((item: any) => item.name === name && item.phase === 'done');
    if (view) return view;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The command line beside the server, as its owner would call it. */
async function entrepot(words: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
  const { PATH = '', HOME = '/' } = process.env;
  const child = spawn(process.execPath, [main, ...words], {
    env: { PATH, HOME, ENTREPOT_DATA: home.dataDir, ...more },
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', (text: Buffer) => {
    out += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  const [code] = await once(child, 'close');
  return { code, out, errors };
}

describe('a store that tells nothing', () => {
  it('uploads and inbox objects are found by looking, and arrive byte for byte', async () => {
    server = await home.start(env);
    const upload = testBytes(25 * MIB + 7);
    const object = testBytes(3 * MIB + 1);
    const { uploadId, transferId } = await announce('chunks.bin', upload.byteLength);
    const ended = untilEnded(() => server, transferId);
    await put('inbox/folder/影 视/a+b%20c.bin', object);
    await stageMissing(() => server, uploadId, upload);
    expect(await ended).toMatchObject({ phase: 'done', attempt: 1 });
    await untilDelivered('a+b%20c.bin');
    expect(sha256(await delivered('chunks.bin'))).toBe(sha256(upload));
    expect(sha256(await delivered('影 视', 'a+b%20c.bin'))).toBe(sha256(object));
    expect(server.errors()).toBe('');
    expect(await readdir(home.dataDir)).not.toContain('bucket');
    expect(await readdir(home.dataDir)).not.toContain('s3.json');
  });

  it('kill -9 of the server half way loses nothing, and what was put meanwhile is found', async () => {
    server = await home.start(env);
    const bytes = testBytes(42 * MIB + 3);
    const { uploadId, transferId, chunks } = await announce('killed.bin', bytes.byteLength);
    for (const { url, headers, number } of chunks.slice(0, 2)) {
      const body = new Uint8Array(bytes.subarray((number - 1) * 10 * MIB, number * 10 * MIB));
      expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200);
    }
    await server.stop('SIGKILL');
    // The rest arrives while nobody looks, by tickets of the process that is dead; and nobody asks for another one.
    for (const { url, headers, number } of chunks.slice(2)) {
      const body = new Uint8Array(bytes.subarray((number - 1) * 10 * MIB, number * 10 * MIB));
      expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200);
    }
    await put('inbox/folder/meanwhile.bin', Buffer.from('meanwhile'));
    server = await home.start(env);
    expect(await untilEnded(() => server, transferId)).toMatchObject({ phase: 'done', attempt: 1 });
    await untilDelivered('meanwhile.bin');
    expect(sha256(await delivered('killed.bin'))).toBe(sha256(bytes));
    expect(String(await delivered('meanwhile.bin'))).toBe('meanwhile');
    expect((await server.api('GET', `/api/v1/uploads/${uploadId}`)).status).toBe(200);
  });

  it('doctor finds everything well, and the keys are printed to whoever has them', async () => {
    server = await home.start(env);
    const doctor = await entrepot(['doctor']);
    expect(doctor).toMatchObject({ code: 0, errors: '' });
    const without = await entrepot(['s3', '--env']);
    expect(without).toMatchObject({ code: 2, errors: expect.stringContaining('set ENTREPOT_S3_ACCESS_KEY_ID') });
    const given = await entrepot(['s3', '--env'], env);
    expect(given.out.trim().split('\n')).toEqual([
      `AWS_ACCESS_KEY_ID=${KEYS.accessKeyId}`,
      `AWS_SECRET_ACCESS_KEY=${KEYS.secretAccessKey}`,
      `AWS_REGION=${REGION}`,
      `AWS_ENDPOINT_URL=${store.url}`,
      `ENTREPOT_BUCKET=${BUCKET}`,
    ]);
    for (const name of await readdir(home.dataDir)) {
      const bytes = await readFile(join(home.dataDir, name)).catch(() => Buffer.alloc(0));
      expect(bytes.includes(KEYS.secretAccessKey)).toBe(false);
    }
  });

  it('is left as it was found by a start and an end', async () => {
    server = await home.start(env);
    expect(await server.stop()).toBe(0);
    expect(await keysInStore('')).toEqual([]);
  });
});

describe('events that the store pushes', () => {
  const push = (url: string, body: unknown, token?: string) =>
    fetch(url, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });

  it('start a delivery at once, by URL or by header; lost ones are made up for', async () => {
    server = await home.start(env);
    const printed = await entrepot(['s3', '--events-url']);
    expect(printed.code).toBe(0);
    const url = printed.out.trim();
    const token = url.split('/').at(-1) ?? '';
    expect(url.startsWith(`${server.url}/api/v1/events/s3/`)).toBe(true);
    const asked = store.stats();
    await put('inbox/folder/pushed.bin', Buffer.from('pushed'));
    expect((await push(url, events.at(-1))).status).toBe(202);
    await untilDelivered('pushed.bin');
    await put('inbox/folder/header.bin', Buffer.from('header'));
    expect((await push(`${server.url}/api/v1/events/s3`, events.at(-1), token)).status).toBe(202);
    await untilDelivered('header.bin');
    expect(store.stats().gets).toBeGreaterThan(asked.gets);
    expect((await push(`${server.url}/api/v1/events/s3`, events.at(-1), server.token)).status).toBe(401);
    expect(server.errors()).not.toContain(token);
  });
});

describe('a start with a store that will not do', () => {
  async function refusal(more: Readonly<Record<string, string>>): Promise<string> {
    const error: unknown = await home.start({ ...env, ...more }).catch((thrown: unknown) => thrown);
    const said = error instanceof Error ? error.message : '';
    expect(said).toMatch(/^the server ended with 1: Entrepot cannot start: [^\n]+\n$/);
    for (const secret of [KEYS.secretAccessKey, 'X-Amz-Signature']) expect(said).not.toContain(secret);
    return said.replace(/^.*cannot start: /, '').trim();
  }

  it.each([
    [
      'a wrong secret',
      { ENTREPOT_S3_SECRET_ACCESS_KEY: 'another-secret-of-mine' },
      'ENTREPOT_S3_SECRET_ACCESS_KEY: the store refused our signature: the secret is another one',
    ],
    [
      'an unknown key',
      { ENTREPOT_S3_ACCESS_KEY_ID: 'AKIDNOBODY' },
      'ENTREPOT_S3_ACCESS_KEY_ID: the store does not know this access key id',
    ],
    [
      'no such bucket',
      { ENTREPOT_S3_BUCKET: 'nobodys-bucket' },
      'ENTREPOT_S3_BUCKET: the store has no bucket of this name',
    ],
    [
      'nobody there',
      { ENTREPOT_S3_ENDPOINT: 'http://127.0.0.1:9' },
      /^ENTREPOT_S3_ENDPOINT: http:\/\/127\.0\.0\.1:9 cannot be reached \(\w+\)$/,
    ],
    [
      'half of the variables',
      { ENTREPOT_S3_SECRET_ACCESS_KEY: '', ENTREPOT_S3_REGION: '' },
      /^ENTREPOT_S3_REGION: needed, because ENTREPOT_S3_BUCKET is set; ENTREPOT_S3_SECRET_ACCESS_KEY: needed, /,
    ],
  ])('%s: one line, exit 1, no secret in it', async (_, more: Readonly<Record<string, string>>, line) => {
    expect(await refusal(more)).toMatch(line);
  });

  it('no S3 at all, and a clock that is wrong', async () => {
    const answers = { date: '' };
    const other = createServer((_, response) => {
      response.setHeader('date', answers.date || new Date().toUTCString());
      response.end('hello');
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const there = { ENTREPOT_S3_ENDPOINT: `http://127.0.0.1:${port}` };
    try {
      expect(await refusal(there)).toMatch(
        /^ENTREPOT_S3_ENDPOINT: what answers there does not list objects as S3 does/,
      );
      answers.date = new Date(Date.now() + 3_600_000).toUTCString();
      expect(await refusal(there)).toContain('the clock of this machine is 60 minutes behind the store');
    } finally {
      other.closeAllConnections();
      other.close();
    }
  });

  it('another bucket than the one that unfinished transfers lie in', async () => {
    server = await home.start(env);
    await announce('unfinished.bin', 25 * MIB);
    await server.stop();
    const own = Object.fromEntries(Object.keys(env).map((name) => [name, '']));
    expect(await refusal(own)).toContain(`unfinished transfers have their bytes in bucket ${BUCKET} at ${store.url}`);
  });
});
