/** An upload while its bytes come in: tickets, what is staged, the end of it, and a create that died half way. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announce } from '#core/intake/announce.ts';
import { HeadState, headKey, uploadKey } from '#core/state.ts';
import { CompleteAnswer, type CreateUploadAnswer, SignAnswer, UploadAnswer } from '#core/wire/upload.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, CHUNK_BYTES, OTHER_TOKEN } from './rig.ts';
import { done, failed, finishing, moving } from './steps.ts';

const DAY_MS = 24 * 60 * 60_000;

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const sign = (id: string, numbers: unknown, headers?: Readonly<Record<string, string>>) =>
  rig.call('POST', `/api/v1/uploads/${id}/sign`, { numbers }, headers);
const look = async (id: string) => UploadAnswer.parse((await rig.call('GET', `/api/v1/uploads/${id}`)).body);
const complete = (id: string) => rig.call('POST', `/api/v1/uploads/${id}/complete`, {});
const remove = (id: string) => rig.call('DELETE', `/api/v1/uploads/${id}`);
const putAll = ({ chunks }: CreateUploadAnswer) => {
  for (const ticket of chunks) rig.put(ticket, new Uint8Array(ticket.sizeBytes).fill(ticket.number));
};
const firstId = ({ transfers }: Pick<CreateUploadAnswer, 'transfers'>) => {
  const [first] = transfers;
  if (first === undefined) throw new Error('no transfer');
  return first.id;
};

describe('sign', () => {
  it('gives tickets for the numbers named, in that order, beyond the first window', async () => {
    const { upload, chunks } = await rig.create({ sizeBytes: 100 * CHUNK_BYTES + 7 });
    expect(chunks.map(({ number }) => number)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    const { body } = await sign(upload.id, [101, 17, 1]);
    const signed = SignAnswer.parse(body);
    expect(body).toEqual(signed);
    expect(signed.chunks.map(({ number, sizeBytes }) => [number, sizeBytes])).toEqual([
      [101, 7],
      [17, CHUNK_BYTES],
      [1, CHUNK_BYTES],
    ]);
  });

  it('takes 64 numbers at once and refuses 65 and none', async () => {
    const { upload } = await rig.create({ sizeBytes: 100 * CHUNK_BYTES });
    const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
    expect(SignAnswer.parse((await sign(upload.id, numbers(64))).body).chunks).toHaveLength(64);
    expectError(await sign(upload.id, numbers(65)), 400, 'request.invalid');
    expectError(await sign(upload.id, []), 400, 'request.invalid');
  });

  it.each([
    [3, 'upload.chunk_number'],
    [10_001, 'upload.chunk_number'],
    [0, 'request.invalid'],
    [-1, 'request.invalid'],
    [1.5, 'request.invalid'],
    ['1', 'request.invalid'],
  ])('refuses chunk %j of two', async (number, code) => {
    const { upload } = await rig.create({ sizeBytes: 2 * CHUNK_BYTES });
    expectError(await sign(upload.id, [1, number]), 400, code);
  });

  it('has nothing to sign for an empty file', async () => {
    const { upload } = await rig.create({ sizeBytes: 0 });
    expectError(await sign(upload.id, [1]), 400, 'upload.chunk_number');
  });

  it("does not tell of somebody else's upload", async () => {
    const { upload } = await rig.create();
    const other = { authorization: `Bearer ${OTHER_TOKEN}` };
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['POST', '/sign', { numbers: [1] }],
      ['POST', '/complete', {}],
      ['POST', '/answers', { answers: [{ id: 'x', digest: 'abcdef01' }] }],
      ['DELETE', '', undefined],
    ] as const) {
      expectError(await rig.call(method, `/api/v1/uploads/${upload.id}${path}`, body, other), 404, 'upload.unknown');
    }
    expect((await look(upload.id)).transfers[0]?.wish).toBeNull();
  });
});

describe('what is staged', () => {
  it('is told in inclusive ranges', async () => {
    const { upload } = await rig.create({ sizeBytes: 6 * CHUNK_BYTES });
    expect((await look(upload.id)).staged).toEqual([]);
    rig.stage(upload.id, 5, 2, 1);
    const answer = await rig.call('GET', `/api/v1/uploads/${upload.id}`);
    expect(UploadAnswer.parse(answer.body)).toEqual(answer.body);
    expect(JSON.stringify(UploadAnswer.parse(answer.body).staged)).toBe('[[1,2],[5,5]]');
    rig.stage(upload.id, 3, 4, 6);
    expect((await look(upload.id)).staged).toEqual([[1, 6]]);
  });

  it('is told for more chunks than one page of the listing has', async () => {
    const { upload } = await rig.create({ sizeBytes: 2_100 * CHUNK_BYTES });
    rig.stage(upload.id, ...Array.from({ length: 2_100 }, (_, i) => i + 1).filter((number) => number !== 1_500));
    expect(JSON.stringify((await look(upload.id)).staged)).toBe('[[1,1499],[1501,2100]]');
  });

  it('leaves out what somebody laid beside the chunks', async () => {
    const { upload } = await rig.create({ sizeBytes: 2 * CHUNK_BYTES });
    rig.stage(upload.id, 1);
    for (const name of ['00000', '00003', '1', 'notes.txt', '00001/x']) {
      rig.staging.put(`staging/${upload.id}/${name}`, new Uint8Array(CHUNK_BYTES));
    }
    expect((await look(upload.id)).staged).toEqual([[1, 1]]);
    expectError(await complete(upload.id), 409, 'upload.size_mismatch');
  });
});

describe('complete', () => {
  it('is refused while bytes are missing, and says how many there are', async () => {
    const created = await rig.create({ sizeBytes: CHUNK_BYTES + 5 });
    rig.put(created.chunks[0]!, new Uint8Array(CHUNK_BYTES));
    const message = expectError(await complete(created.upload.id), 409, 'upload.size_mismatch');
    expect(message).toBe(`${CHUNK_BYTES} of ${CHUNK_BYTES + 5} bytes are staged`);
  });

  it('answers the upload and its transfers when all bytes are there, as often as it is asked', async () => {
    const created = await rig.create();
    putAll(created);
    for (let i = 0; i < 3; i++) {
      const { status, body } = await complete(created.upload.id);
      expect(status).toBe(200);
      expect(CompleteAnswer.parse(body)).toEqual(body);
    }
  });

  it('of an empty file is fine', async () => {
    expect((await complete((await rig.create({ sizeBytes: 0 })).upload.id)).status).toBe(200);
  });

  it('starts the delivery though every event was lost', async () => {
    const created = await rig.create({ name: 'completed.bin' });
    rig.dispatcher.take();
    putAll(created);
    await complete(created.upload.id);
    await rig.settle();
    expect(await readFile(join(rig.root, 'completed.bin'))).toEqual(Buffer.alloc(5, 1));
    expect((await complete(created.upload.id)).status).toBe(200);
  });
});

describe('delete', () => {
  it('cancels every transfer and frees the staged bytes', async () => {
    const created = await rig.create({ name: 'given-up.bin', destinations: [{ id: 'folder' }, { id: 'second' }] });
    putAll(created);
    const { status, body } = await remove(created.upload.id);
    expect(status).toBe(200);
    expect(CompleteAnswer.parse(body).transfers.map(({ wish }) => wish)).toEqual(['cancel', 'cancel']);
    await rig.settle();
    const { upload, transfers } = await look(created.upload.id);
    expect(upload.phase).toBe('removing');
    expect(transfers.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
    expect(rig.staging.objects().filter(({ key }) => key.includes(upload.id))).toEqual([]);
    expect(await readdir(rig.root)).not.toContain('given-up.bin');
  });

  it('may be repeated at any time', async () => {
    const { upload } = await rig.create();
    for (let i = 0; i < 2; i++) expect((await remove(upload.id)).status).toBe(200);
    await rig.settle();
    expect((await remove(upload.id)).status).toBe(200);
    rig.jump(30 * 60_000);
    await rig.settle();
    expect(await remove(upload.id)).toMatchObject({ status: 200, body: { upload: { phase: 'removed' } } });
  });

  it('takes no more bytes afterwards', async () => {
    const { upload } = await rig.create();
    await remove(upload.id);
    await rig.settle();
    expectError(await sign(upload.id, [1]), 409, 'upload.closed');
  });

  it('of an upload whose transfer failed frees its bytes at once', async () => {
    const created = await rig.create();
    putAll(created);
    await rig.force(firstId(created), failed(rig));
    expect((await remove(created.upload.id)).status).toBe(200);
    await rig.settle();
    expect(await look(created.upload.id)).toMatchObject({
      upload: { phase: 'removing' },
      transfers: [{ status: 'cancelled' }],
    });
  });

  it('of one whose transfer failed and whose bytes have run out is fine', async () => {
    const created = await rig.create();
    await rig.force(firstId(created), failed(rig));
    rig.jump(8 * DAY_MS);
    await rig.settle();
    expect((await look(created.upload.id)).upload.phase).toBe('removing');
    expect((await remove(created.upload.id)).status).toBe(200);
    expect((await look(created.upload.id)).transfers[0]?.status).toBe('failed');
  });

  it('leaves what is done alone, and what is being finished; the rest is canceled all the same', async () => {
    const destinations = ['a', 'b', 'c', 'd'].map((path) => ({ id: 'folder', path }));
    const created = await rig.create({ destinations });
    const [first, second, third, fourth] = created.transfers.map(({ id }) => id);
    await rig.force(first!, done(rig));
    await rig.force(second!, finishing(rig));
    await rig.force(third!, moving());
    expectError(await remove(created.upload.id), 409, 'transfer.finishing');
    const wishes = [first, second, third, fourth].map(async (id) => (await rig.table.get(headKey(id!)))?.wish);
    expect(await Promise.all(wishes)).toEqual([null, null, 'cancel', 'cancel']);
  });
});

describe('an upload without news', () => {
  it('is given up after seven days, with its bytes', async () => {
    const created = await rig.create({ sizeBytes: CHUNK_BYTES + 1 });
    rig.stage(created.upload.id, 2);
    for (let day = 0; day < 9; day++) {
      rig.jump(DAY_MS);
      await rig.settle();
    }
    const { upload, transfers, staged } = await look(created.upload.id);
    expect({ phase: upload.phase, status: transfers[0]?.status, staged }).toMatchObject({
      status: 'cancelled',
      staged: [],
    });
    expect(upload.phase).not.toBe('open');
    expect(rig.staging.objects().filter(({ key }) => key.includes(upload.id))).toEqual([]);
  });
});

describe('a create that died half way', () => {
  /** Rows that the table takes before the process dies. */
  async function dying(rows: number, name: string) {
    let made = 0;
    const create: typeof rig.table.create = async (row, now) => {
      if (made++ === rows) throw new Error('the process is gone');
      return rig.table.create(row, now);
    };
    const table = { ...rig.table, create };
    const destinations = [
      { id: 'folder', path: '/half' },
      { id: 'second', path: '/half' },
    ];
    const request = { name, sizeBytes: 5, destinations };
    const intake = { ...rig.intake, table };
    return announce(intake, { ownerId: 'local', request, idempotencyKey: name }).then(
      () => null,
      (error: Error) => error.message,
    );
  }
  const again = async (name: string) => {
    const destinations = [
      { id: 'folder', path: '/half' },
      { id: 'second', path: '/half' },
    ];
    return rig.call('POST', '/api/v1/uploads', { name, sizeBytes: 5, destinations }, { 'idempotency-key': name });
  };

  it.each([1, 2])('after %i rows is made whole by the same request', async (rows) => {
    const name = `repeated-${rows}.bin`;
    expect(await dying(rows, name)).toBe('the process is gone');
    const { status, body } = await again(name);
    expect(status).toBe(201);
    expect(body).toMatchObject({ transfers: [{ destinationId: 'folder' }, { destinationId: 'second' }] });
  });

  it.each([1, 2])('after %i rows is made whole by the sweeper within a minute, and delivered', async (rows) => {
    const name = `swept-${rows}.bin`;
    expect(await dying(rows, name)).toBe('the process is gone');
    rig.jump(61_000);
    await rig.settle();
    const listed = await rig.table.owned('local', { limit: 200 });
    const mine = listed.map(({ row }) => HeadState.parse(row.state).file).filter((file) => file.name === name);
    expect(mine.map(({ destinationId }) => destinationId).toSorted()).toEqual(['folder', 'second']);
    const { uploadId } = mine[0]!;
    expect((await rig.table.get(uploadKey(uploadId)))?.phase).toBe('open');

    const signed = SignAnswer.parse((await sign(uploadId, [1])).body);
    rig.put(signed.chunks[0]!, new Uint8Array(5));
    rig.jump(10 * 60_000);
    await rig.settle();
    expect(await readdir(join(rig.root, 'half'))).toContain(name);
    expect(await readdir(join(rig.root, 'second', 'half'))).toContain(name);
  });

  it('before its first row has left nothing', async () => {
    const before = await rig.table.due('@upload', Number.MAX_SAFE_INTEGER, 1_000);
    expect(await dying(0, 'nothing.bin')).toBe('the process is gone');
    expect(await rig.table.due('@upload', Number.MAX_SAFE_INTEGER, 1_000)).toEqual(before);
  });
});
