/** The Companion routes as Uppy's two lines of clients call them, over a bucket in memory. */
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type MemoryMultipart, memoryMultipart } from '#adapters/memory/multipart.ts';
import { Fault } from '#core/fault.ts';
import { SESSION_MS, SESSIONS_MAX, sweepGuests } from '#core/intake/guest/guests.ts';
import { receive } from '#core/intake/receive.ts';
import { type Api, createApi } from '../../functions/api.ts';
import { type ApiRig, apiRig, OTHER_TOKEN, TOKEN } from './rig.ts';

const MIB = 1024 * 1024;
const PART = 5 * MIB;
const OWNERS = new Map([
  [TOKEN, 'local'],
  [OTHER_TOKEN, 'other'],
]);

let rig: ApiRig;
let multipart: MemoryMultipart;
/** What the store is made to do once, instead. */
let mishap: { readonly at: 'create' | 'complete'; readonly after: boolean } | null;
let app: Api;

beforeEach(async () => {
  rig = await apiRig();
  const { engine, intake, staging } = rig;
  const store = memoryMultipart(staging, engine.clock);
  mishap = null;
  const lost = async <T>(at: 'create' | 'complete', call: () => Promise<T>): Promise<T> => {
    const now = mishap?.at === at ? mishap : null;
    mishap = now === null ? mishap : null;
    if (now?.after === false) throw new Fault('transient', 'staging.unavailable', 'no answer');
    const answer = await call();
    if (now?.after) throw new Fault('transient', 'staging.unavailable', 'no answer');
    return answer;
  };
  multipart = {
    ...store,
    create: (file) => lost('create', () => store.create(file)),
    complete: (upload, parts) => lost('complete', () => store.complete(upload, parts)),
  };
  app = createApi({
    engine,
    intake,
    authenticate: (token) => OWNERS.get(token) ?? null,
    issueTicket: () => ({ ticket: 'none', expiresAtMs: 0 }),
    companion: { multipart, capabilitySecret: 'a secret of the tests' },
  });
});
afterEach(() => rig[Symbol.asyncDispose]());

const BASE = '/api/uppy/folder';

async function call(method: string, path: string, body?: unknown, token: string | null = TOKEN) {
  const answer = await app.request(path, {
    method,
    headers: {
      origin: 'https://page.example',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
}

interface Session {
  readonly key: string;
  readonly uploadId: string;
}

async function begin(metadata: unknown = {}, base = BASE, filename = '测 试 +1.mp4'): Promise<Session> {
  const { status, body } = await call('POST', `${base}/s3/multipart`, { filename, type: 'video/mp4', metadata });
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body;
}

/** As version 6 writes the key: form-encoded. */
const at = ({ key, uploadId }: Session, rest = '', base = BASE) =>
  `${base}/s3/multipart/${encodeURIComponent(uploadId)}${rest}?${new URLSearchParams({ key })}`;

interface Part {
  readonly PartNumber: number;
  readonly ETag: string;
}

/** Sends pieces under these numbers; answers them as a client has them then. */
async function send(session: Session, pieces: Readonly<Record<number, Uint8Array>>): Promise<Part[]> {
  const parts: Part[] = [];
  for (const [number, bytes] of Object.entries(pieces)) {
    const signed = await call('GET', at(session, `/${number}`));
    if (signed.status !== 200) throw new Error(JSON.stringify(signed.body));
    const tag = multipart.putPart(signed.body.url, bytes);
    parts.push({ PartNumber: Number(number), ETag: `"${tag}"` });
  }
  return parts;
}

const finish = (session: Session, parts: readonly Part[]) => call('POST', at(session, '/complete'), { parts });
const list = async (session: Session) => (await call('GET', at(session))).body;

async function delivered(...path: string[]): Promise<Buffer> {
  await rig.settle();
  return readFile(join(rig.root, ...path));
}

describe('a file in parts', () => {
  test('is delivered when it is complete, without any event', async () => {
    const bytes = randomBytes(PART + 9);
    const session = await begin({ name: 'x', relativePath: '影视/2025/测 试 +1.mp4', other: null });
    const parts = await send(session, { 1: bytes.subarray(0, PART), 2: bytes.subarray(PART) });
    const { status, body } = await finish(session, parts);
    expect(status).toBe(200);
    expect(body).toMatchObject({ key: session.key, bucket: 'bucket' });
    expect(body.location).toMatch(new RegExp(`/api/v1/uploads/${session.uploadId}$`));
    expect(await delivered('影视', '2025', '测 试 +1.mp4')).toEqual(bytes);
    const shown = await call('GET', `/api/v1/uploads/${session.uploadId}`);
    expect(shown.body.transfers).toMatchObject([{ status: 'success', sizeBytes: bytes.length }]);
  });

  test('completed again, told of by its event, and given up afterwards, it stays one delivery', async () => {
    const session = await begin();
    const parts = await send(session, { 1: randomBytes(10) });
    for (let times = 0; times < 2; times++) expect((await finish(session, parts)).status).toBe(200);
    await receive(rig.intake, [session.key, session.key]);
    expect(await call('DELETE', at(session))).toMatchObject({ status: 200, body: {} });
    await rig.settle();
    expect((await finish(session, parts)).status).toBe(200);
    await rig.settle();
    expect((await readdir(rig.root)).filter((name) => name.endsWith('.mp4'))).toEqual(['测 试 +1.mp4']);
  });

  test.each([false, true])(
    'whose completion is not answered (done after all: %s) is completed by a repeat',
    async (after) => {
      const session = await begin();
      const parts = await send(session, { 1: randomBytes(10) });
      mishap = { at: 'complete', after };
      expect((await finish(session, parts)).status).toBe(503);
      expect((await finish(session, parts)).status).toBe(200);
      await rig.settle();
      expect(await readdir(rig.root)).toContain('测 试 +1.mp4');
    },
  );

  test('is listed as Companion does: numbers as numbers, with sizes', async () => {
    const session = await begin();
    await send(session, { 1: new Uint8Array(PART), 2: new Uint8Array(3) });
    expect(await list(session)).toMatchObject([
      { PartNumber: 1, Size: PART, ETag: expect.any(String) },
      { PartNumber: 2, Size: 3, ETag: expect.any(String) },
    ]);
  });

  test('may be signed for in one go', async () => {
    const session = await begin();
    const { body } = await call('GET', `${at(session, '/batch')}&partNumbers=1,2`);
    expect(Object.keys(body.presignedUrls)).toEqual(['1', '2']);
    expect(multipart.putPart(body.presignedUrls[2], new Uint8Array(1))).not.toBeNull();
  });

  test('given up it leaves nothing in the store, however often', async () => {
    const session = await begin();
    await send(session, { 1: new Uint8Array(3) });
    for (let times = 0; times < 2; times++) expect((await call('DELETE', at(session))).body).toEqual({});
    expect(multipart.unfinished()).toEqual([]);
    expect((await call('GET', at(session, '/1'))).status).toBe(404);
  });

  test('two of one name are both delivered', async () => {
    for (const byte of [1, 2]) {
      const session = await begin();
      await finish(session, await send(session, { 1: new Uint8Array([byte]) }));
    }
    await rig.settle();
    expect((await readdir(rig.root)).filter((name) => name.endsWith('.mp4'))).toHaveLength(2);
  });
});

describe('resumed', () => {
  test('with the same part size it is delivered', async () => {
    const bytes = randomBytes(3 * PART + 4);
    const piece = (number: number) => bytes.subarray((number - 1) * PART, number * PART);
    const session = await begin();
    await send(session, { 1: piece(1), 2: piece(2) });
    const listed: Part[] = await list(session);
    const sent = await send(session, { 3: piece(3), 4: piece(4) });
    expect((await finish(session, [...listed, ...sent])).status).toBe(200);
    expect((await delivered('测 试 +1.mp4')).equals(bytes)).toBe(true);
  });

  test('with another part size it is refused at the next signature, and at every call from then on', async () => {
    const session = await begin();
    await send(session, { 1: new Uint8Array(PART), 2: new Uint8Array(PART) });
    const listed: Part[] = await list(session);
    const sent = await send(session, { 3: new Uint8Array(8 * MIB) });
    const refused = await call('GET', at(session, '/4'));
    const { message, requestId } = refused.body;
    expect(refused).toMatchObject({
      status: 409,
      body: { error: message, message: expect.stringContaining('part size'), code: 'guest.part_size_changed' },
    });
    expect(refused.headers.get('x-request-id')).toBe(requestId);
    for (const answer of [await call('GET', at(session)), await finish(session, [...listed, ...sent])]) {
      expect(answer).toMatchObject({ status: 409, body: { code: 'guest.part_size_changed' } });
    }
    expect((await call('DELETE', at(session))).status).toBe(200);
    expect(multipart.unfinished()).toEqual([]);
  });

  test('with nothing left to send it is asked to send a little again, and then delivered', async () => {
    const bytes = randomBytes(3 * PART + 4);
    const piece = (number: number) => bytes.subarray((number - 1) * PART, number * PART);
    const session = await begin();
    await send(session, { 1: piece(1), 2: piece(2), 3: piece(3), 4: piece(4) });
    expect(await finish(session, await list(session))).toMatchObject({ status: 409, body: { code: 'guest.unproven' } });
    const listed: Part[] = await list(session);
    expect(listed.map(({ PartNumber }) => PartNumber)).toEqual([1, 2]);
    const sent = await send(session, { 3: piece(3), 4: piece(4) });
    expect((await finish(session, [...listed, ...sent])).status).toBe(200);
    expect((await delivered('测 试 +1.mp4')).equals(bytes)).toBe(true);
  });

  test.each(['sizeBytes', 'size'])('with its size told as %s it need send nothing again', async (field) => {
    const session = await begin({ [field]: String(2 * PART + 4) });
    await send(session, { 1: new Uint8Array(PART), 2: new Uint8Array(PART), 3: new Uint8Array(4) });
    expect((await finish(session, await list(session))).status).toBe(200);
  });

  test('with another size than it was told to have it is refused', async () => {
    const session = await begin({ sizeBytes: PART + 5 });
    const parts = await send(session, { 1: new Uint8Array(PART), 2: new Uint8Array(4) });
    expect(await finish(session, parts)).toMatchObject({ status: 409, body: { code: 'guest.size_mismatch' } });
  });

  test('with a part that somebody put meanwhile it is not completed', async () => {
    const session = await begin();
    const parts = await send(session, { 1: randomBytes(10) });
    await send(session, { 1: randomBytes(10) });
    expect(await finish(session, parts)).toMatchObject({ status: 409, body: { code: 'guest.parts_unlike' } });
  });
});

describe('a file in one request', () => {
  const ask = (query: Readonly<Record<string, string>>) =>
    call('GET', `${BASE}/s3/params?${new URLSearchParams({ filename: '一 个.bin', type: 'null', ...query })}`);

  test('goes by a form, and is delivered when its event comes', async () => {
    const { body } = await ask({ 'metadata[relativePath]': 'null', 'metadata[name]': 'x' });
    expect(body).toMatchObject({ method: 'POST', url: expect.any(String), expires: expect.any(Number) });
    expect(multipart.postForm(body, Buffer.from('hello'))).toBe(true);
    // Sent twice, as a client does that had no answer, it is still one file.
    expect(multipart.postForm(body, Buffer.from('hello'))).toBe(true);
    await receive(rig.intake, [body.fields.key]);
    rig.jump(2_000);
    await receive(rig.intake, [body.fields.key]);
    expect((await delivered('一 个.bin')).toString()).toBe('hello');
    expect((await readdir(rig.root)).filter((name) => name.startsWith('一'))).toHaveLength(1);
  });

  test('goes by a PUT with its headers to a store without forms, as version 5 takes it', async () => {
    const headers = { 'content-type': 'video/mp4' };
    const put = { url: 'https://store.example/key', headers, expiresAtMs: rig.engine.clock.now() + 60_000 };
    vi.spyOn(multipart, 'presignForm').mockResolvedValue(put);
    const { body } = await ask({});
    expect(body).toEqual({ method: 'PUT', url: put.url, fields: {}, headers, expires: expect.any(Number) });
  });

  test('of a told size takes no other', async () => {
    const { body } = await ask({ 'metadata[sizeBytes]': '5' });
    expect(multipart.postForm(body, Buffer.from('hell'))).toBe(false);
    expect(multipart.postForm(body, Buffer.from('hello!'))).toBe(false);
    expect(multipart.postForm(body, Buffer.from('hello'))).toBe(true);
    expect((await ask({ 'metadata[sizeBytes]': String(6 * 1024 ** 3) })).status).toBe(413);
  });
});

describe('who may', () => {
  async function endpointOf(request: unknown): Promise<string> {
    const { status, body } = await call('POST', '/api/v1/uppy/tokens', request);
    expect(status).toBe(201);
    return new URL(body.endpoint).pathname;
  }

  test('whoever has an address puts below its folder, without a header', async () => {
    const base = await endpointOf({ destinationId: 'folder', path: '/gäste/二' });
    const asked = { filename: 'a.bin', metadata: { relativePath: 'sub/a.bin' } };
    const { body } = await call('POST', `${base}/s3/multipart`, asked, null);
    const { body: signed } = await call('GET', at(body, '/1', base), undefined, null);
    const tag = multipart.putPart(signed.url, Buffer.from('x'));
    const parts = [{ PartNumber: 1, ETag: tag }];
    expect((await call('POST', at(body, '/complete', base), { parts }, null)).status).toBe(200);
    expect((await delivered('gäste', '二', 'sub', 'a.bin')).toString()).toBe('x');
  });

  test('an address that is over, forged, or of another place opens nothing', async () => {
    const base = await endpointOf({ destinationId: 'folder', path: '/a', ttlSeconds: 60 });
    const session: Session = (await call('POST', `${base}/s3/multipart`, { filename: 'a.bin' }, null)).body;
    for (const place of [
      { destinationId: 'folder', path: '/ab' },
      { destinationId: 'second', path: '/a' },
    ]) {
      const other = await endpointOf(place);
      expect((await call('GET', at(session, '', other), undefined, null)).status).toBe(404);
    }
    const wider = await endpointOf({ destinationId: 'folder' });
    expect((await call('GET', at(session, '', wider), undefined, null)).status).toBe(200);
    expect((await call('GET', at(session, '', `${base}x`), undefined, null)).status).toBe(401);
    rig.jump(60_000);
    expect((await call('GET', at(session, '', base), undefined, null)).status).toBe(401);
  });

  test('addresses are for destinations that are there, for a day at most', async () => {
    const ask = (body: unknown) => call('POST', '/api/v1/uppy/tokens', body);
    expect((await ask({ destinationId: 'nobody' })).status).toBe(404);
    expect((await ask({ destinationId: 'folder', ttlSeconds: 86_401 })).status).toBe(400);
    expect((await call('POST', '/api/v1/uppy/tokens', { destinationId: 'folder' }, null)).status).toBe(401);
  });

  test('without a token nothing is answered, in the way that Uppy understands', async () => {
    for (const token of [null, 'wrong']) {
      const answer = await call('POST', `${BASE}/s3/multipart`, { filename: 'a' }, token);
      expect(answer).toMatchObject({ status: 401, body: { code: 'auth.required', error: answer.body.message } });
    }
  });

  test('of somebody else’s upload nobody learns that it is there', async () => {
    const session = await begin();
    const theirs = [
      await call('GET', at(session), undefined, OTHER_TOKEN),
      await call('DELETE', at(session), undefined, OTHER_TOKEN),
      await call('GET', at({ ...session, key: 'inbox/folder/a' })),
      await call('GET', at({ ...session, key: (await begin()).key })),
      await call('GET', at(session, '', '/api/uppy/second')),
    ];
    expect(theirs.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    expect(multipart.unfinished()).toContain(session.key);
  });
});

describe('a page of another origin', () => {
  test('may ask beforehand without a token', async () => {
    const answer = await call('OPTIONS', `${BASE}/s3/multipart`, undefined, null);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-allow-methods')).toMatch(/GET.*POST.*DELETE/);
    expect(answer.headers.get('access-control-allow-headers')).toContain('authorization');
  });

  test('is told of refusals too', async () => {
    for (const token of [TOKEN, null]) {
      const answer = await call('GET', `${BASE}/s3/params`, undefined, token);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    }
  });
});

describe('what does not fit is refused with a reason', () => {
  test.each<[string, string, string, unknown]>([
    ['a file without a name', 'POST', '/s3/multipart', { type: 'a/b' }],
    ['a name that is a path', 'POST', '/s3/multipart', { filename: 'a/b' }],
    ['a path that climbs', 'POST', '/s3/multipart', { filename: 'b', metadata: { relativePath: 'a/../../b' } }],
    ['a body that is no JSON', 'POST', '/s3/multipart', '{'],
    ['a form without a name', 'GET', '/s3/params?type=a', undefined],
    ['a list without a key', 'GET', '/s3/multipart/x', undefined],
  ])('%s', async (_, method, path, body) => {
    const answer = await call(method, BASE + path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid', error: answer.body.message } });
  });

  test('numbers of parts that are none, and parts that are none', async () => {
    const session = await begin();
    for (const number of ['0', '10001']) expect((await call('GET', at(session, `/${number}`))).status).toBe(400);
    expect((await call('GET', at(session, '/a'))).status).toBe(404);
    expect((await call('POST', at(session, '/complete'), { parts: [{ PartNumber: '1', ETag: 'a' }] })).status).toBe(
      400,
    );
    expect((await call('GET', `${at(session, '/batch')}&partNumbers=a`)).status).toBe(400);
  });

  test('a destination that is not there, and keys to the whole bucket', async () => {
    expect((await call('POST', '/api/uppy/nobody/s3/multipart', { filename: 'a' })).status).toBe(404);
    expect((await call('GET', `${BASE}/s3/sts`)).status).toBe(404);
  });
});

describe('what is begun and never ended', () => {
  test('is given up after a week', async () => {
    const session = await begin();
    const guests = { intake: rig.intake, multipart, cells: rig.engine.cells };
    rig.jump(SESSION_MS - 60_000);
    expect(await sweepGuests(guests)).toBe(0);
    rig.jump(60_000);
    expect(await sweepGuests(guests)).toBe(1);
    expect(multipart.unfinished()).toEqual([]);
    expect((await call('GET', at(session))).status).toBe(404);
  });

  test('is found also where the store’s answer to its beginning was lost', async () => {
    mishap = { at: 'create', after: true };
    expect((await call('POST', `${BASE}/s3/multipart`, { filename: 'a' })).status).toBe(503);
    expect(multipart.unfinished()).toHaveLength(1);
    rig.jump(SESSION_MS);
    await sweepGuests({ intake: rig.intake, multipart, cells: rig.engine.cells });
    expect(multipart.unfinished()).toEqual([]);
  });

  test('has a bound for each owner', async () => {
    for (let count = 0; count < SESSIONS_MAX; count++) await begin({}, BASE, 'a');
    const tooMany = await call('POST', `${BASE}/s3/multipart`, { filename: 'a' });
    expect(tooMany).toMatchObject({ status: 429, body: { code: 'guest.too_many' } });
    expect((await call('POST', `${BASE}/s3/multipart`, { filename: 'a' }, OTHER_TOKEN)).status).toBe(200);
  });
});
