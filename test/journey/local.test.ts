/** The one-machine home as a process: how it starts, whom it lets in, and how it ends. */
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { sha256, stageMissing, testBytes, untilEnded } from '../support/staging-client.ts';

const MEBIBYTE = 1024 * 1024;

let home: ServerHome;
beforeEach(async () => {
  home = await serverHome();
});
afterEach(() => home.cleanup());

const modeOf = async (...path: string[]) => (await stat(join(home.dataDir, ...path))).mode & 0o777;
const portOf = (server: RunningServer) => Number(new URL(server.url).port);

/** What a start that fails writes: one line that people can read, and exit code 1. */
async function refusal(env: Readonly<Record<string, string>>): Promise<string> {
  const error = await home.start(env).then(
    () => new Error('it started'),
    (reason: Error) => reason,
  );
  const [, line] = /^the server ended with 1: Entrepot cannot start: ([^\n]+)\n$/.exec(error.message) ?? [];
  if (line === undefined) throw error;
  return line;
}

describe('a start', () => {
  it('makes its directory for its owner only, and a destination that delivers into it', async () => {
    const dataDir = join(home.dataDir, 'new', 'data');
    const server = await home.start({ ENTREPOT_DATA: dataDir });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect(await modeOf('new', 'data')).toBe(0o700);
    for (const name of ['token', 'key', 's3.json', 'url', 'entrepot.db']) {
      expect(await modeOf('new', 'data', name), name).toBe(0o600);
    }
    expect((await readFile(join(dataDir, 'token'), 'utf8')).trim()).toBe(server.token);
    expect((await readFile(join(dataDir, 'url'), 'utf8')).trim()).toBe(server.url);
    expect((await server.api('GET', '/api/v1/destinations')).body.items).toMatchObject([
      { id: 'folder', provider: 'folder', settings: { root: join(dataDir, 'delivered') }, hasCredentials: false },
    ]);
    expect((await server.api('POST', '/api/v1/destinations/folder/check')).body).toMatchObject({ ok: true });
  });

  it('again keeps the token, the keys and the destinations', async () => {
    const first = await home.start();
    const keys = await readFile(join(home.dataDir, 's3.json'), 'utf8');
    await first.api('PATCH', '/api/v1/destinations/folder', { settings: { root: join(home.dataDir, 'elsewhere') } });
    expect(await first.stop('SIGINT')).toBe(0);
    const second = await home.start();
    expect(second.token).toBe(first.token);
    expect(await readFile(join(home.dataDir, 's3.json'), 'utf8')).toBe(keys);
    expect((await second.api('GET', '/api/v1/destinations')).body.items).toMatchObject([
      { id: 'folder', settings: { root: join(home.dataDir, 'elsewhere') } },
    ]);
  });

  it('with a token of its own lets that one in, and not the other, which is valid again afterwards', async () => {
    const first = await home.start();
    await first.stop();
    const token = 'correct+horse/battery=staple&';
    const server = await home.start({ ENTREPOT_TOKEN: token });
    const ask = (given: string) =>
      fetch(`${server.url}/api/v1/transfers`, { headers: { authorization: `Bearer ${given}` } });
    expect((await ask(token)).status).toBe(200);
    expect((await ask(first.token)).status).toBe(401);
    // As the page reads it from the address.
    expect(new URLSearchParams(`token=${server.token}`).get('token')).toBe(token);
    await server.stop();
    expect((await home.start()).token).toBe(first.token);
  });
});

describe('a start that cannot be', () => {
  it('on a directory that another process has', async () => {
    await home.start();
    expect(await refusal({ PORT: '0', BUCKET_PORT: '0' })).toBe(`another Entrepot is running on ${home.dataDir}`);
  });

  it('on a port that is taken', async () => {
    const server = await home.start();
    const other = join(home.dataDir, 'other');
    const taken = String(portOf(server));
    const words = `port ${taken} is in use: end what has it, or choose others with PORT and BUCKET_PORT`;
    expect(await refusal({ ENTREPOT_DATA: other, PORT: taken, BUCKET_PORT: '0' })).toBe(words);
    expect(await refusal({ ENTREPOT_DATA: other, PORT: '0', BUCKET_PORT: taken })).toBe(words);
  });

  it('with a token that is too short, which it does not repeat', async () => {
    expect(await refusal({ ENTREPOT_TOKEN: 'tiger' })).toBe('ENTREPOT_TOKEN: a token has at least 16 characters');
  });

  it('with variables that are wrong names each of them', async () => {
    const line = await refusal({ PORT: 'eighty', BUCKET_PORT: '70000', MAX_CONCURRENT_PARTS: '0' });
    for (const name of ['PORT: ', 'BUCKET_PORT: ', 'MAX_CONCURRENT_PARTS: ']) expect(line).toContain(name);
  });

  it('in a directory that is none, or whose files are damaged', async () => {
    const file = join(home.dataDir, 'file');
    await writeFile(file, 'x');
    expect(await refusal({ ENTREPOT_DATA: file })).toContain(file);
    const broken = async (name: string, text: string) => {
      const dataDir = join(home.dataDir, `damaged-${name}`);
      await mkdir(dataDir);
      await writeFile(join(dataDir, name), text);
      return refusal({ ENTREPOT_DATA: dataDir });
    };
    expect(await broken('key', 'tiger')).toMatch(/the key file holds no key/);
    expect(await broken('s3.json', '{"tiger')).toMatch(/s3\.json is damaged: restore it/);
    expect(await broken('entrepot.db', 'these are no pages of a database '.repeat(50))).toMatch(/not a database/);
  });
});

describe('an end', () => {
  it('by SIGTERM in the middle of a delivery is orderly, and the next start carries on', async () => {
    const slow = { ENTREPOT_BUCKET_LIMIT: String(12 * MEBIBYTE) };
    let server = await home.start(slow);
    const bytes = testBytes(25 * MEBIBYTE + 7);
    const created = await server.api('POST', '/api/v1/uploads', {
      name: 'long.bin',
      sizeBytes: bytes.byteLength,
      destinations: [{ id: 'folder' }],
    });
    const transferId: string = created.body.transfers[0].id;
    // The last of three chunks is held back, so that the transfer cannot end before we do.
    for (const { url, headers, number } of created.body.chunks.slice(0, 2)) {
      const chunk = bytes.subarray((number - 1) * 10 * MEBIBYTE, number * 10 * MEBIBYTE);
      expect((await fetch(url, { method: 'PUT', headers, body: new Uint8Array(chunk) })).status).toBe(200);
    }
    await untilMoving(server, transferId);
    expect(await server.stop('SIGTERM')).toBe(0);
    expect(server.errors()).toBe('');
    expect(await readdir(join(home.dataDir, 'delivered'))).not.toContain('long.bin');

    server = await home.start();
    await stageMissing(() => server, created.body.upload.id, bytes);
    expect(await untilEnded(() => server, transferId)).toMatchObject({ phase: 'done', attempt: 1 });
    expect(await readdir(join(home.dataDir, 'delivered'))).toEqual(['long.bin']);
    expect(sha256(await readFile(join(home.dataDir, 'delivered', 'long.bin')))).toBe(sha256(bytes));
  });

  it('is not held up by a request that never ends, and asked for twice comes at once', async () => {
    const first = await home.start();
    const patient = await endlessRequest(portOf(first));
    expect(await first.stop('SIGTERM')).toBe(0);
    patient.destroy();

    const second = await home.start();
    const impatient = await endlessRequest(portOf(second));
    second.process.kill('SIGINT');
    expect(await second.stop('SIGTERM')).toBe(1);
    impatient.destroy();
  });
});

describe('requests from strange clients', () => {
  let strange: ServerHome;
  let server: RunningServer;
  beforeAll(async () => {
    strange = await serverHome();
    server = await strange.start();
    return () => strange.cleanup();
  });

  it.each([
    ['another name', 'evil.example'],
    ['markup', '"><script>alert(1)</script>'],
    ['a path', 'localhost/..//@evil.example'],
    ['a user', 'user:secret@evil.example'],
    ['two names', 'localhost, evil.example'],
    ['no name', ''],
    ['a port that is none', 'localhost:99999'],
    ['an address with a zone', '[fe80::1%25eth0]:80'],
    ['half an address', '[::1'],
    ['an address that is none', '1.2.3.4.5'],
    ['a very long name', 'x'.repeat(5_000)],
    ['percents', '%00%ff'],
    ['中文', '例子.测试'],
  ])('with %s as their host break nothing', async (_, host) => {
    const body = JSON.stringify({ name: 'x', sizeBytes: 1, destinations: [{ id: 'folder' }] });
    const answer = await exchange(portOf(server), [
      'POST /api/v1/uploads HTTP/1.1',
      `Host: ${host}`,
      `Authorization: Bearer ${server.token}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close',
      '',
      body,
    ]);
    expect(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])).toBeOneOf([201, 400]);
    expect(answer).not.toMatch(/^location:/im);
    const [url] = /http:[^"]+/.exec(answer) ?? [];
    // A ticket leads to the bucket under a plain host name, and to nothing else that the client called us.
    if (url !== undefined) {
      const at = new URL(url);
      expect(`${at.username}${at.password}${at.hash}`).toBe('');
      expect(at.hostname).toMatch(host === 'evil.example' ? /^evil\.example$/ : /^(127\.0\.0\.1|localhost)$/);
      expect(at.pathname).toMatch(/^\/entrepot\/staging\/upl_[0-9A-Z]{26}\/00001$/);
    }
    expect((await server.api('GET', '/api/v1/transfers')).status).toBe(200);
    expect(server.errors()).toBe('');
  });
});

describe('the log', () => {
  it('has neither token nor presigned URL nor file name, though everything is logged and much goes wrong', async () => {
    const server = await home.start({ ENTREPOT_LOG: 'info' });
    const name = '秘密-holiday.mp4';
    const bytes = testBytes(1_000);
    const destinations = [{ id: 'folder', path: '/私人' }];
    const created = await server.api('POST', '/api/v1/uploads', { name, sizeBytes: 1_000, destinations });
    const [ticket] = created.body.chunks;
    for (const url of [`${ticket.url}x`, ticket.url.replace('00001', '00002')]) {
      const answer = await fetch(url, { method: 'PUT', headers: ticket.headers, body: new Uint8Array(bytes) });
      expect(answer.status).toBe(403);
    }
    await fetch(`${server.url}/api/v1/transfers?token=${server.token}&name=holiday`);
    await fetch(`${server.url}/ws?token=${server.token}`);
    await server.api('POST', '/api/v1/uploads', { name: `${name}/`, sizeBytes: 1 });
    await stageMissing(() => server, created.body.upload.id, bytes);
    const view = await untilEnded(() => server, created.body.transfers[0].id);
    expect(view.phase).toBe('done');
    await server.stop();
    const log = server.errors();
    expect(log).toContain('"event":"transfer.end"');
    for (const secret of [server.token, 'X-Amz', ticket.url, 'http', 'holiday', '私人'])
      expect(log).not.toContain(secret);
  });
});

async function untilMoving(server: RunningServer, transferId: string): Promise<void> {
  for (;;) {
    const { body } = await server.api('GET', `/api/v1/transfers/${transferId}`);
    if (body.phase === 'moving') return;
    if (!['staging', 'opening'].includes(body.phase)) throw new Error(`too late: ${body.phase}`);
  }
}

/** The server has answered to it already that it hears; the body never comes. */
function endlessRequest(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const head = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /healthz HTTP/1.1\r\nHost: localhost\r\n';
    const socket = connect(port, '127.0.0.1', () => socket.write(head));
    socket.once('data', () => resolve(socket));
    socket.on('error', reject);
  });
}

/** One request as it is, and all that comes back. */
function exchange(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(lines.join('\r\n')));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      text += piece;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}
