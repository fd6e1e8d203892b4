/** Announcing a file: sizes and their chunks, names and paths, destinations, and the same announcement twice. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { receive } from '#core/intake/receive.ts';
import { uploadKey } from '#core/state.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { CreateUploadAnswer } from '#core/wire/upload.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, CHUNK_BYTES, OTHER_TOKEN } from './rig.ts';

const MEBIBYTE = 1024 * 1024;
const LARGEST_BYTES = 53_687_091_200_000;
const FILE = { name: 'file.bin', sizeBytes: 5, destinations: [{ id: 'folder' }] };

let rig: ApiRig;
beforeAll(async () => {
  rig = await apiRig();
});
afterAll(() => rig[Symbol.asyncDispose]());

const announce = (change: Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>) =>
  rig.call('POST', '/api/v1/uploads', { ...FILE, ...change }, headers);
const times = (count: number, path: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => ({ id: 'folder', path: path(i) }));

describe('size', () => {
  it.each([
    ['nothing', 0, CHUNK_BYTES, 0, 0],
    ['one byte', 1, CHUNK_BYTES, 1, 1],
    ['a chunk less a byte', CHUNK_BYTES - 1, CHUNK_BYTES, 1, CHUNK_BYTES - 1],
    ['a chunk', CHUNK_BYTES, CHUNK_BYTES, 1, CHUNK_BYTES],
    ['a chunk and a byte', CHUNK_BYTES + 1, CHUNK_BYTES, 2, 1],
    ['sixteen chunks', 16 * CHUNK_BYTES, CHUNK_BYTES, 16, CHUNK_BYTES],
    ['seventeen chunks', 17 * CHUNK_BYTES, CHUNK_BYTES, 17, CHUNK_BYTES],
    ['as many chunks of 10 MiB as are used', 9_900 * CHUNK_BYTES, CHUNK_BYTES, 9_900, CHUNK_BYTES],
    ['a byte more than that', 9_900 * CHUNK_BYTES + 1, 11 * MEBIBYTE, 9_001, 1],
    ['the largest', LARGEST_BYTES, 5_172 * MEBIBYTE, 9_900, undefined],
  ])('%s is cut into equal chunks but the last', async (_, sizeBytes, chunkBytes, chunkCount, lastBytes) => {
    const { upload, chunks } = await rig.create({ sizeBytes });
    expect(upload).toMatchObject({ sizeBytes, chunkBytes, chunkCount, phase: 'open' });
    expect(chunkCount).toBeLessThanOrEqual(10_000);
    expect(chunks.map(({ number }) => number)).toEqual(
      Array.from({ length: Math.min(16, chunkCount) }, (_, i) => i + 1),
    );
    if (chunkCount === 0) return;
    const signed = await rig.call('POST', `/api/v1/uploads/${upload.id}/sign`, { numbers: [chunkCount] });
    const last = sizeBytes - (chunkCount - 1) * chunkBytes;
    expect(signed.body).toMatchObject({ chunks: [{ number: chunkCount, sizeBytes: last }] });
    if (lastBytes !== undefined) expect(last).toBe(lastBytes);
  });

  it.each([LARGEST_BYTES + 1, -1, 1.5, Number.MAX_SAFE_INTEGER, 1e300, '5', null])(
    '%s is refused',
    async (sizeBytes) => {
      expect(expectError(await announce({ sizeBytes }), 400, 'request.invalid')).toMatch(/^sizeBytes: /);
    },
  );
});

describe('a hint', () => {
  it.each([
    ['none before the first chunk of a file that waits for its bytes', { sizeBytes: 5 }, 0],
    ['one for an empty file', { sizeBytes: 0 }, 1],
    ['one for a file that may be known by its digest', { sizeBytes: 5, digests: { sha1: 'a'.repeat(40) } }, 1],
  ])('%s', async (_, request, hints) => {
    await using own = await apiRig();
    await own.create(request);
    expect(own.dispatcher.sent()).toHaveLength(hints);
  });
});

describe('name', () => {
  it.each([
    ['255 bytes', 'x'.repeat(255)],
    ['255 bytes of 中文', '中'.repeat(85)],
    ['spaces and dots', ' .a..b. '],
    ['three dots', '...'],
    ['a backslash', 'a\\b'],
    ['a character of four bytes', '😀.mp4'],
  ])('of %s is taken as it is', async (_, name) => {
    expect((await rig.create({ name })).upload.name).toBe(name);
  });

  it.each([
    ['none', ''],
    ['256 bytes', 'x'.repeat(256)],
    ['258 bytes of 中文', '中'.repeat(86)],
    ['a slash', 'a/b'],
    ['NUL', 'a\0b'],
    ['a line break', 'a\nb'],
    ['DEL', 'a\u007fb'],
    ['one dot', '.'],
    ['two dots', '..'],
    ['a high surrogate alone', 'a\ud800b'],
    ['a low surrogate alone', '\udc00'],
  ])('with %s is refused', async (_, name) => {
    expect(expectError(await announce({ name }), 400, 'request.invalid')).toMatch(/^name: /);
  });
});

describe('path', () => {
  it.each([
    ['', '/'],
    ['/', '/'],
    ['//', '/'],
    ['a', '/a'],
    ['/a/', '/a'],
    ['a//b///c', '/a/b/c'],
    ['/影视/2025', '/影视/2025'],
    [`/${'x'.repeat(255)}`, `/${'x'.repeat(255)}`],
  ])('%j is the folder %j', async (path, folder) => {
    const { transfers } = await rig.create({ destinations: [{ id: 'folder', path }] });
    expect(transfers[0]?.path).toBe(folder);
  });

  it('absent is the root', async () => {
    expect((await rig.create()).transfers[0]?.path).toBe('/');
  });

  it.each([
    ['..', '..'],
    ['climbing', '/a/../../etc'],
    ['a dot', '/a/./b'],
    ['NUL', '/a\0'],
    ['a lone surrogate', '/a/\ud800'],
    ['a folder of 256 bytes', `/${'x'.repeat(256)}`],
    ['1025 bytes', `/${'x/'.repeat(512)}`],
  ])('with %s is refused', async (_, path) => {
    expect(expectError(await announce({ destinations: [{ id: 'folder', path }] }), 400, 'request.invalid')).toMatch(
      /^destinations\.0\.path: /,
    );
  });
});

describe('destinations', () => {
  it('each has its transfer, in order', async () => {
    const { transfers, upload } = await rig.create({ destinations: [{ id: 'second' }, { id: 'folder', path: '/a' }] });
    expect(transfers).toMatchObject([
      { destinationId: 'second', path: '/', status: 'pending', uploadId: upload.id },
      { destinationId: 'folder', path: '/a', status: 'pending', uploadId: upload.id },
    ]);
  });

  it('eight are taken, nine and none are refused', async () => {
    expect((await rig.create({ destinations: times(8, (i) => `/${i}`) })).transfers).toHaveLength(8);
    expectError(await announce({ destinations: times(9, (i) => `/${i}`) }), 400, 'request.invalid');
    expectError(await announce({ destinations: [] }), 400, 'request.invalid');
  });

  it('the same folder twice is refused, however it is written', async () => {
    const destinations = [
      { id: 'folder', path: '/a/b' },
      { id: 'folder', path: 'a//b/' },
    ];
    expectError(await announce({ destinations }), 400, 'upload.destination_twice');
  });

  it.each(['nobody', 'FOLDER', 'folder ', '__proto__', '../folder'])(
    '%j is unknown, and nothing is made',
    async (id) => {
      const before = await rig.call('GET', '/api/v1/transfers?limit=200');
      expectError(await announce({ destinations: [{ id: 'folder' }, { id }] }), 404, 'destination.unknown');
      expect((await rig.call('GET', '/api/v1/transfers?limit=200')).body).toEqual(before.body);
    },
  );
});

describe('digests', () => {
  it('are taken in either case and refused in another length', async () => {
    await rig.create({ digests: { sha1: 'ABCDEF0123'.repeat(4), md5: '0'.repeat(32), crc64: 'f'.repeat(16) } });
    expectError(await announce({ digests: { sha1: '0'.repeat(39) } }), 400, 'request.invalid');
    expectError(await announce({ digests: { sha1: 'g'.repeat(40) } }), 400, 'request.invalid');
  });
});

describe('the answer', () => {
  it('has exactly the fields that are documented', async () => {
    const asked = { ...FILE, name: '测试.mp4', sizeBytes: 26_214_400, contentType: 'video/mp4' };
    const { status, body } = await rig.call('POST', '/api/v1/uploads', asked);
    expect(status).toBe(201);
    const { upload, transfers, chunks, asks } = CreateUploadAnswer.parse(body);
    // Parsing drops what no schema knows: nothing was dropped.
    expect(body).toEqual({ upload, transfers, chunks, asks });
    expect(Object.keys(upload)).toEqual(
      expect.arrayContaining(['id', 'name', 'sizeBytes', 'chunkBytes', 'chunkCount', 'createdAt', 'expiresAt']),
    );
    expect(chunks).toHaveLength(3);
    expect(asks).toEqual([]);
    expect(chunks[2]).toEqual({
      number: 3,
      sizeBytes: 5_242_880,
      method: 'PUT',
      url: expect.stringContaining(`staging/${upload.id}/00003`),
      headers: { 'if-none-match': '*' },
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    const ttlMs = Date.parse(chunks[0]?.expiresAt ?? '') - Date.parse(upload.createdAt);
    expect(ttlMs).toBeGreaterThanOrEqual(15 * 60_000);
    expect(ttlMs).toBeLessThan(16 * 60_000);
    expect(Date.parse(upload.expiresAt) - Date.parse(upload.createdAt)).toBe(7 * 24 * 60 * 60_000);
  });

  it('its tickets take the chunk once, and no other size', async () => {
    const { chunks } = await rig.create({ sizeBytes: 5 });
    const [ticket] = chunks;
    if (ticket === undefined) throw new Error('no ticket');
    expect(rig.put(ticket, new Uint8Array(4))).toBe(403);
    expect(rig.put(ticket, new Uint8Array(5))).toBe(200);
    expect(rig.put(ticket, new Uint8Array(5))).toBe(412);
  });
});

describe('of more transfers than may be open', () => {
  it('none is taken until some have ended, but what was taken is answered again', async () => {
    await using own = await apiRig({ openMax: 2 });
    const post = (key: string, file: object = FILE) =>
      own.call('POST', '/api/v1/uploads', file, { 'idempotency-key': key });
    expectError(await post('both', { ...FILE, destinations: times(3, (i) => `/${i}`) }), 429, 'uploads.too_many');
    const { body } = await post('first');
    expect((await post('second')).status).toBe(201);
    const refused = await post('third');
    expectError(refused, 429, 'uploads.too_many');
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(await post('first')).toMatchObject({
      status: 201,
      body: { upload: { id: CreateUploadAnswer.parse(body).upload.id } },
    });
    await own.call('DELETE', `/api/v1/uploads/${CreateUploadAnswer.parse(body).upload.id}`);
    await own.settle();
    own.jump(1_000);
    expect((await post('third')).status).toBe(201);
  });
});

describe('an idempotency key', () => {
  it('repeated gives the same ids and fresh tickets', async () => {
    const key = { 'idempotency-key': 'once' };
    const first = CreateUploadAnswer.parse((await announce({}, key)).body);
    rig.jump(60_000);
    const again = CreateUploadAnswer.parse((await announce({}, key)).body);
    expect(again.upload).toEqual(first.upload);
    expect(again.transfers).toEqual(first.transfers);
    expect(again.chunks[0]?.url).not.toBe(first.chunks[0]?.url);
    expect(Date.parse(again.chunks[0]?.expiresAt ?? '')).toBeGreaterThan(Date.parse(first.chunks[0]?.expiresAt ?? ''));
  });

  it('of ten requests at once gives one upload', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => announce({ name: 'at-once.bin' }, { 'idempotency-key': 'at once' })),
    );
    const ids = answers.map(({ body }) => CreateUploadAnswer.parse(body).upload.id);
    expect(new Set(ids).size).toBe(1);
  });

  it.each([
    ['name', { name: 'other.bin' }],
    ['size', { sizeBytes: 6 }],
    ['destination', { destinations: [{ id: 'second' }] }],
    ['folder', { destinations: [{ id: 'folder', path: '/a' }] }],
    ['digest', { digests: { md5: '0'.repeat(32) } }],
    ['type', { contentType: 'text/plain' }],
  ])('with another %s is 409, and the first upload stays as it was', async (what, change) => {
    const key = { 'idempotency-key': `conflict of ${what}` };
    const { upload } = CreateUploadAnswer.parse((await announce({}, key)).body);
    const row = await rig.table.get(uploadKey(upload.id));
    expectError(await announce(change, key), 409, 'upload.idempotency_conflict');
    expect(await rig.table.get(uploadKey(upload.id))).toEqual(row);
  });

  it('of an upload that was taken answers it, whatever has become of its destination since', async () => {
    await using own = await apiRig();
    const key = { 'idempotency-key': 'taken' };
    const first = CreateUploadAnswer.parse((await own.call('POST', '/api/v1/uploads', FILE, key)).body);
    for (const ticket of first.chunks) own.put(ticket, new Uint8Array(ticket.sizeBytes));
    await receive(own.intake, [chunkKey(first.upload.id, 1)]);
    await own.settle();
    expect((await own.call('DELETE', '/api/v1/destinations/folder')).status).toBe(200);
    const again = await own.call('POST', '/api/v1/uploads', FILE, key);
    expect(again.body).toMatchObject({ upload: { id: first.upload.id } });
    expectError(
      await own.call('POST', '/api/v1/uploads', FILE, { 'idempotency-key': 'new' }),
      404,
      'destination.unknown',
    );
  });

  it('is a name within one owner', async () => {
    const key = { 'idempotency-key': 'shared' };
    const mine = CreateUploadAnswer.parse((await announce({}, key)).body);
    const others = await announce({ name: 'theirs.bin' }, { ...key, authorization: `Bearer ${OTHER_TOKEN}` });
    expect(others.status).toBe(201);
    expect(CreateUploadAnswer.parse(others.body).upload.id).not.toBe(mine.upload.id);
  });

  it('has 1 to 200 characters', async () => {
    expectError(await announce({}, { 'idempotency-key': 'x'.repeat(201) }), 400, 'request.invalid');
    expect((await announce({}, { 'idempotency-key': 'x'.repeat(200) })).status).toBe(201);
  });

  it('of an upload that is over answers it without tickets, and starts nothing anew', async () => {
    await using own = await apiRig();
    const announceIt = async () =>
      CreateUploadAnswer.parse((await own.call('POST', '/api/v1/uploads', FILE, { 'idempotency-key': 'over' })).body);
    const { upload, transfers, chunks } = await announceIt();
    for (const ticket of chunks) own.put(ticket, new Uint8Array(ticket.sizeBytes));
    await receive(own.intake, [chunkKey(upload.id, 1)]);
    await own.settle();
    const again = await announceIt();
    expect(again.upload).toMatchObject({ id: upload.id, phase: 'removing' });
    expect(again.transfers).toMatchObject([{ id: transfers[0]?.id, status: 'success' }]);
    expect(again.chunks).toEqual([]);
  });
});
