/** Staging in a bucket of OSS: the home as a process of its own, over sockets to a strict fake that tells no events. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type FakeOptions, type FakeOss, startFakeOss } from '../fakes/oss/server.ts';
import { md5 } from '../fakes/oss/store.ts';
import { findChromium, launchChromium } from '../support/chromium.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { sha256, testBytes, untilEnded } from '../support/staging-client.ts';

const MIB = 1024 * 1024;
const KEYS = { accessKeyId: 'LTAI5tEXAMPLE', accessKeySecret: 'tiger-tiger-burning-bright' };
const expiring = (prefix: string, days: number) =>
  `<Rule><Prefix>${prefix}</Prefix><Status>Enabled</Status><Expiration><Days>${days}</Days></Expiration>` +
  '<AbortMultipartUpload><Days>3</Days></AbortMultipartUpload></Rule>';
const rules = (...all: readonly string[]) => `<LifecycleConfiguration>${all.join('')}</LifecycleConfiguration>`;
const LIFECYCLE = rules(expiring('staging/', 30), expiring('inbox/', 30));

const chromium = await findChromium();
let fake: FakeOss;
let home: ServerHome;
let server: RunningServer;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'entrepot-oss-'));
  home = await serverHome();
  fake = await startFakeOss({ keys: [KEYS], lifecycle: LIFECYCLE });
});
afterEach(async () => {
  await home.cleanup();
  await fake.close();
  await rm(folder, { recursive: true, force: true });
});

/** Another store than the one that is well set up. */
async function anotherStore(options: Partial<FakeOptions>): Promise<void> {
  await fake.close();
  fake = await startFakeOss({ keys: [KEYS], lifecycle: LIFECYCLE, ...options });
}
const env = (more: Readonly<Record<string, string>> = {}) => ({
  ENTREPOT_OSS_ENDPOINT: fake.endpoint,
  ENTREPOT_OSS_REGION: `oss-${fake.region}`,
  ENTREPOT_OSS_BUCKET: fake.bucket,
  ENTREPOT_OSS_ACCESS_KEY_ID: KEYS.accessKeyId,
  ENTREPOT_OSS_ACCESS_KEY_SECRET: KEYS.accessKeySecret,
  ...more,
});
const start = async (more: Readonly<Record<string, string>> = {}) => {
  server = await home.start(env(more));
  return server;
};
const keysUnder = (prefix: string) => [...fake.store.objects.keys()].filter((key) => key.startsWith(prefix));
const lay = (key: string, bytes: Buffer) =>
  fake.store.write(key, { bytes, etag: md5(bytes), contentType: '', meta: {} }, 'allowed');
const delivered = (...path: string[]) => readFile(join(home.dataDir, 'delivered', ...path));

async function untilDone(name: string): Promise<any> {
  for (;;) {
    const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
    const view = body.items.find((item: any) => item.name === name && item.phase === 'done');
    if (view) return view;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const NATIVE = ['connection:established', 'snapshot', 'changes', 'notification'];

/** A client of old that knows one-time tokens, but not our subprotocol. */
async function watch() {
  const { ticket } = (await server.api('POST', '/api/v1/tickets')).body;
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws?user_id=123&token=${ticket}`);
  const events: string[] = [];
  const waiting = new Map<string, () => void>();
  socket.on('message', (data) => {
    const { event } = JSON.parse(String(data));
    events.push(event);
    waiting.get(event)?.();
  });
  await once(socket, 'open');
  return {
    events: () => events,
    heard: (event: string) =>
      events.includes(event) ? undefined : new Promise<void>((resolve) => waiting.set(event, resolve)),
    close: () => socket.close(),
  };
}

/** The command line beside the server, as its owner would call it. */
async function entrepot(...words: readonly string[]) {
  const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
  const { PATH = '', HOME = '/' } = process.env;
  const child = spawn(process.execPath, [main, ...words], { env: { PATH, HOME, ENTREPOT_DATA: home.dataDir } });
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

describe('files staged in OSS', () => {
  it('from the command line arrive, also when the answer to a chunk is lost; pushed events and the poll find the rest', async () => {
    await start();
    expect(server.errors()).toBe('');
    const watcher = await watch();
    const path = join(folder, '测试 a+b.bin');
    const bytes = testBytes(21 * MIB + 3);
    await writeFile(path, bytes);
    fake.misbehave('PutObject', 'lost reply');
    expect(await entrepot('put', path, '--to', 'folder/影视', '--watch')).toMatchObject({ code: 0, errors: '' });
    expect(sha256(await delivered('影视', '测试 a+b.bin'))).toBe(sha256(bytes));

    await watcher.heard('task:completed');
    expect(await server.api('POST', '/send-notification', { title: '完成', content: '…', type: 'info' })).toEqual({
      status: 200,
      body: { message: '通知已发送' },
    });
    await watcher.heard('notification');
    expect(new Set(watcher.events())).toEqual(new Set([...NATIVE, 'task:status', 'task:progress', 'task:completed']));
    // The command line's own connection may still be closing.
    const stats = async () => (await server.api('GET', '/stats?user_id=local')).body;
    while ((await stats()).total_connections > 1) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await stats()).toMatchObject({ total_connections: 1, total_users: 1, user_connected: true });
    watcher.close();

    const printed = await entrepot('s3', '--events-url');
    const url = printed.out.trim();
    expect(url.startsWith(`${server.url}/api/v1/events/oss/`)).toBe(true);
    lay('inbox/folder/pushed.bin', Buffer.from('pushed'));
    const oss = { bucket: { name: fake.bucket }, object: { key: 'inbox%2Ffolder%2Fpushed.bin' } };
    const event = { specversion: '1.0', type: 'oss:ObjectCreated:PutObject', source: 'acs.oss', data: { oss } };
    const pushed = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
    expect([pushed.status, await pushed.json()]).toEqual([202, { accepted: 2, ignored: 0 }]);
    await untilDone('pushed.bin');
    expect(String(await delivered('pushed.bin'))).toBe('pushed');
    expect(await entrepot('s3', '--env')).toMatchObject({ code: 2, errors: expect.stringContaining('speaks S3') });
    expect(await entrepot('doctor')).toMatchObject({ code: 0, errors: '' });
    for (const name of await readdir(home.dataDir)) {
      const held = await readFile(join(home.dataDir, name)).catch(() => Buffer.alloc(0));
      expect(held.includes(KEYS.accessKeySecret)).toBe(false);
    }
    expect(server.errors()).toBe('');
  });

  it('survive kill -9 half way: what was put while nobody looked is found, and nothing is put twice', async () => {
    await start();
    const bytes = testBytes(42 * MIB + 3);
    const asked = { name: 'killed.bin', sizeBytes: bytes.byteLength, destinations: [{ id: 'folder' }] };
    const { body } = await server.api('POST', '/api/v1/uploads', asked);
    const put = async ({ url, headers, number }: any) => {
      const chunk = new Uint8Array(bytes.subarray((number - 1) * 10 * MIB, number * 10 * MIB));
      return (await fetch(url, { method: 'PUT', headers, body: chunk })).status;
    };
    for (const ticket of body.chunks.slice(0, 2)) expect(await put(ticket)).toBe(200);
    await server.stop('SIGKILL');
    for (const ticket of body.chunks.slice(2)) expect(await put(ticket)).toBe(200);
    expect(await put(body.chunks[0])).toBe(409);
    lay('inbox/folder/meanwhile.bin', Buffer.from('meanwhile'));
    await start();
    const [{ id }] = body.transfers;
    expect(await untilEnded(() => server, id)).toMatchObject({ phase: 'done', attempt: 1 });
    expect(sha256(await delivered('killed.bin'))).toBe(sha256(bytes));
    await untilDone('meanwhile.bin');
    expect(await server.stop()).toBe(0);
    const own = Object.fromEntries(Object.keys(env()).map((name) => [name, '']));
    server = await home.start(own);
  });

  it.runIf(chromium)('from the page arrive, by CORS rules that were made, also when an answer is lost', async () => {
    await start();
    const path = join(folder, '婚礼 😀.mp4');
    const bytes = testBytes(32 * MIB + 1);
    await writeFile(path, bytes);
    fake.misbehave('PutObject', 'lost reply');
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(120_000);
      await page.goto(`${server.url}/#token=${server.token}`);
      await page.setInputFiles('[data-pick=files]', path);
      expect(await untilDone('婚礼 😀.mp4')).toMatchObject({ attempt: 1, sizeBytes: bytes.byteLength });
    } finally {
      await browser.close();
    }
    expect(sha256(await delivered('婚礼 😀.mp4'))).toBe(sha256(bytes));
  });

  it('go to a destination in the same OSS without coming to us, and Uppy’s parts become one file', async () => {
    await start();
    const { endpoint, region, bucket } = fake;
    const settings = { endpoint, region, bucket, prefix: 'archive', forcePathStyle: true };
    const destination = { id: 'archive', provider: 'oss', settings, credentials: KEYS };
    expect((await server.api('POST', '/api/v1/destinations', destination)).status).toBe(201);
    const bytes = testBytes(6 * MIB);
    const begun = await server.api('POST', '/api/uppy/archive/s3/multipart', { filename: 'uppy.bin', type: 'a/b' });
    const { key, uploadId } = begun.body;
    const at = (rest: string) => `/api/uppy/archive/s3/multipart/${uploadId}${rest}?key=${encodeURIComponent(key)}`;
    const parts = [];
    for (const [index, part] of [bytes.subarray(0, 5 * MIB), bytes.subarray(5 * MIB)].entries()) {
      const { url } = (await server.api('GET', at(`/${index + 1}`))).body;
      const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(part) });
      parts.push({ PartNumber: index + 1, ETag: answer.headers.get('etag') });
    }
    expect((await server.api('POST', at('/complete'), { parts })).status).toBe(200);
    expect(await untilDone('uppy.bin')).toMatchObject({ destinationId: 'archive', receipt: { evidence: 'C' } });
    expect(fake.store.objects.get('archive/uppy.bin')?.bytes.equals(bytes)).toBe(true);
    expect(fake.log).toContain('UploadPartCopy');
  });

  it('may also stay there: put through the home and by presigned URL', async () => {
    await start();
    const bytes = testBytes(9 * MIB);
    const form = new FormData();
    form.append('task_id', 'task-1');
    form.append('file', new Blob([new Uint8Array(bytes)]), 'scene.ma');
    const authorization = `Bearer ${server.token}`;
    const post = (body: FormData, headers = { authorization }) =>
      fetch(`${server.url}/api/v1/files/upload`, { method: 'POST', headers, body });
    const uploaded: any = await (await post(form)).json();
    expect(uploaded).toMatchObject({ size: bytes.byteLength, task_id: 'task-1' });
    const { body } = await server.api('GET', '/api/v1/files/download/task-1/scene.ma');
    expect(sha256(new Uint8Array(await (await fetch(body.download_url)).arrayBuffer()))).toBe(sha256(bytes));
    expect((await post(form, { authorization: 'Bearer nobody' })).status).toBe(401);
    expect((await server.api('DELETE', `/api/v1/files/${uploaded.object_key}`)).body.message).toBe('文件已删除');
    expect(keysUnder('files/')).toEqual([]);
  });
});

describe('a start with a bucket of OSS that will not do', () => {
  async function refusal(more: Readonly<Record<string, string>>): Promise<string> {
    const error: unknown = await home.start(env(more)).catch((thrown: unknown) => thrown);
    const said = error instanceof Error ? error.message : '';
    expect(said).toMatch(/^the server ended with 1: Entrepot cannot start: [^\n]+\n$/);
    for (const secret of [KEYS.accessKeySecret, 'x-oss-signature']) expect(said).not.toContain(secret);
    return said.replace(/^.*cannot start: /, '').trim();
  }

  it('one line names the variable to look at: exit 1, no secret in it', async () => {
    const name = (rest: string) => `ENTREPOT_OSS_${rest}`;
    const cases: [Readonly<Record<string, string>>, RegExp][] = [
      [{ [name('ACCESS_KEY_SECRET')]: 'another' }, /^ENTREPOT_OSS_ACCESS_KEY_SECRET: .*the secret is another one$/],
      [{ [name('ACCESS_KEY_ID')]: 'LTAInobody' }, /^ENTREPOT_OSS_ACCESS_KEY_ID: the store does not know/],
      [{ [name('BUCKET')]: 'nobodys-bucket' }, /^ENTREPOT_OSS_BUCKET: the store has no bucket of this name$/],
      [{ [name('REGION')]: 'cn-beijing' }, /^ENTREPOT_OSS_REGION: the store refused the region/],
      [{ [name('STS_TOKEN')]: 'a-token' }, /^ENTREPOT_OSS_STS_TOKEN: the store refused the temporary keys/],
      [
        { [name('ENDPOINT')]: 'http://127.0.0.1:9' },
        /^ENTREPOT_OSS_ENDPOINT: http:\/\/127\.0\.0\.1:9 cannot be reached \(\w+\)$/,
      ],
      [{ [name('REGION')]: '' }, /^ENTREPOT_OSS_REGION: needed, because ENTREPOT_OSS_ENDPOINT is set$/],
      [
        { ENTREPOT_S3_BUCKET: 'mine' },
        /^ENTREPOT_OSS_ENDPOINT: set beside ENTREPOT_S3_BUCKET: files are staged in one store, choose$/,
      ],
    ];
    for (const [more, line] of cases) expect(await refusal(more)).toMatch(line);
    fake.misbehave('ListObjects', 'html');
    expect(await refusal({})).toMatch(/^ENTREPOT_OSS_ENDPOINT: what answers there does not answer as OSS does$/);
    await anotherStore({ denied: ['DeleteObject'] });
    expect(await refusal({})).toMatch(/^ENTREPOT_OSS_BUCKET: these keys may not DeleteObject/);
    await anotherStore({ now: () => Date.now() + 3_600_000 });
    expect(await refusal({})).toContain('the clock of this machine is too far from that of the store');
  });

  it('what is merely missing is said in a warning, and leaves nothing behind', async () => {
    const origin = 'https://elsewhere.example';
    await anotherStore({ versions: 'on', lifecycle: rules(expiring('', 3)), allowedOrigins: [origin] });
    await start();
    expect(server.errors().match(/^Entrepot warns: .*$/gm)).toEqual([
      expect.stringContaining('does not keep "x-oss-forbid-overwrite"'),
      expect.stringContaining('removes staged files after 3 days'),
      expect.stringMatching(/CORS rules keep a page of http:\/\/localhost:\d+ from putting/),
    ]);
    expect(await server.stop()).toBe(0);
    expect(keysUnder('')).toEqual([]);
    await anotherStore({ lifecycle: rules(expiring('logs/', 1)), denied: ['PutBucketCors', 'GetBucketCors'] });
    await start();
    const [first, second, third] = server.errors().match(/^Entrepot warns: .*$/gm) ?? [];
    expect(first).toContain('delivered objects stay in inbox/');
    expect(second).toContain('gives up unfinished multipart uploads');
    expect(third).toContain('CORS rules');
  });
});
