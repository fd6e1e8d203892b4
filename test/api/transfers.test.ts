/** Seeing transfers, and saying what is wanted of them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { HeadState, headKey, type Step, uploadKey, withEvent } from '#core/state.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { TransferEvent, TransferList, TransferView } from '#core/wire/transfer.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, OTHER_TOKEN } from './rig.ts';
import { canceled, done, failed, finishing, moving } from './steps.ts';

const DAY_MS = 24 * 60 * 60_000;

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const list = async (query = '') => {
  const { status, body, text } = await rig.call('GET', `/api/v1/transfers${query}`);
  expect(status, text).toBe(200);
  const parsed = TransferList.parse(body);
  expect(body).toEqual(parsed);
  return parsed;
};
const act = (id: TransferId, word: string) => rig.call('POST', `/api/v1/transfers/${id}/${word}`);
const started = async (name = 'file.bin', destination = 'folder'): Promise<TransferId> => {
  rig.jump(1_000);
  const { transfers } = await rig.create({ name, destinations: [{ id: destination }] });
  return transfers[0]!.id;
};
const names = ({ items }: TransferList) => items.map(({ name }) => name);

describe('the list', () => {
  it('is empty at first', async () => {
    expect(await list()).toEqual({ items: [], next: null });
  });

  it('has what is under way first, the newest first, then what has ended, the newest first', async () => {
    for (const name of ['a', 'b', 'c', 'd']) {
      const id = await started(name);
      if (name === 'b' || name === 'c') await rig.force(id, done(rig));
    }
    expect(names(await list())).toEqual(['d', 'a', 'c', 'b']);
  });

  it.each([1, 2, 3, 5, 7])('in pages of %i has each transfer once', async (limit) => {
    for (let i = 0; i < 7; i++) {
      const id = await started(String(i));
      if (i % 3 === 0) await rig.force(id, canceled(rig));
    }
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await list(`?limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(page.items.length).toBeLessThanOrEqual(limit);
      seen.push(...names(page));
      cursor = page.next;
    }
    expect(seen).toEqual(names(await list()));
    expect(new Set(seen).size).toBe(7);
  });

  it('goes on behind a cursor while transfers come, end and go', async () => {
    const ids = [];
    for (let i = 0; i < 6; i++) ids.push(await started(String(i)));
    const first = await list('?limit=2');
    expect(names(first)).toEqual(['5', '4']);
    await started('new');
    await rig.force(ids[4]!, done(rig));
    await rig.table.remove(headKey(ids[5]!));
    const rest = await list(`?cursor=${encodeURIComponent(first.next ?? '')}`);
    // What has ended since is met a second time, among the ended; nothing that stayed is left out.
    expect(names(rest)).toEqual(['3', '2', '1', '0', '4']);
    expect(rest.next).toBeNull();
  });

  it.each(['0', '201', '-1', '1.5', 'many', ''])('refuses limit=%s', async (limit) => {
    expectError(await rig.call('GET', `/api/v1/transfers?limit=${limit}`), 400, 'request.invalid');
  });

  it('refuses a status that there is not', async () => {
    expectError(await rig.call('GET', '/api/v1/transfers?status=moving'), 400, 'request.invalid');
  });

  it.each(['x', '%00', '%0A%0A%0A', 'x'.repeat(200)])(
    'is not broken by a cursor that it never gave (%s)',
    async (cursor) => {
      await started();
      expect((await list(`?cursor=${cursor}`)).next).toBeNull();
    },
  );

  it('is filtered by status and destination, and a page is full although few fit', async () => {
    for (let i = 0; i < 12; i++) {
      const id = await started(String(i), i % 2 === 0 ? 'folder' : 'second');
      if (i % 4 === 0) await rig.force(id, failed(rig));
    }
    expect(names(await list('?status=failed'))).toEqual(['8', '4', '0']);
    expect(names(await list('?status=pending&destinationId=folder'))).toEqual(['10', '6', '2']);
    expect(names(await list('?destinationId=second'))).toEqual(['11', '9', '7', '5', '3', '1']);
    expect(await list('?destinationId=nobody')).toEqual({ items: [], next: null });
    const first = await list('?status=failed&limit=2');
    expect(names(first)).toEqual(['8', '4']);
    const second = await list(`?status=failed&limit=2&cursor=${encodeURIComponent(first.next ?? '')}`);
    expect(second).toMatchObject({ items: [{ name: '0' }], next: null });
  });

  it('with a filter that nothing fits reads the table in large pages, and a bounded number of them', async () => {
    let reads = 0;
    const id = await started();
    const [entry] = await rig.table.owned('local', { limit: 1 });
    if (entry === undefined) throw new Error(`${id} is not listed`);
    const { owned } = rig.table;
    const endless: typeof owned = async (_, { limit }) => {
      reads++;
      return Array.from({ length: limit }, () => entry);
    };
    Object.assign(rig.table, { owned: endless });
    const page = await list('?destinationId=second&limit=1');
    expect(page).toEqual({ items: [], next: entry.cursor });
    expect(reads).toBe(10);
  });

  it("has nothing of somebody else's", async () => {
    const id = await started();
    const other = { authorization: `Bearer ${OTHER_TOKEN}` };
    expect((await rig.call('GET', '/api/v1/transfers', undefined, other)).body).toEqual({ items: [], next: null });
    for (const path of ['', '/events']) {
      expectError(await rig.call('GET', `/api/v1/transfers/${id}${path}`, undefined, other), 404, 'transfer.unknown');
    }
    for (const word of ['pause', 'resume', 'cancel', 'retry']) {
      expectError(await rig.call('POST', `/api/v1/transfers/${id}/${word}`, undefined, other), 404, 'transfer.unknown');
    }
    expect((await rig.table.get(headKey(id)))?.wish).toBeNull();
  });
});

describe('one transfer', () => {
  it('has exactly the documented fields, also in a list', async () => {
    const id = await started();
    const { body } = await rig.call('GET', `/api/v1/transfers/${id}`);
    expect(TransferView.parse(body)).toEqual(body);
    expect(body).toMatchObject({
      id,
      destinationId: 'folder',
      path: '/',
      name: 'file.bin',
      status: 'pending',
      phase: 'staging',
      sizeBytes: 5,
      stagedBytes: 0,
      movedBytes: 0,
      attempt: 1,
      error: null,
      receipt: null,
      instant: false,
      startedAt: null,
      endedAt: null,
    });
    expect((await list()).items[0]).toEqual(body);
  });

  it('tells what is staged, at most two seconds late', async () => {
    const { upload, transfers, chunks } = await rig.create();
    rig.put(chunks[0]!, new Uint8Array(5));
    rig.jump(2_000);
    expect(await rig.call('GET', `/api/v1/transfers/${transfers[0]!.id}`)).toMatchObject({ body: { stagedBytes: 5 } });
    expect(upload.sizeBytes).toBe(5);
  });

  it('is asked for again when the bucket could not be listed', async () => {
    const id = await started();
    rig.jump(2_000);
    const { list: working } = rig.staging;
    Object.assign(rig.staging, { list: () => Promise.reject(new TypeError('no network')) });
    expectError(await rig.call('GET', `/api/v1/transfers/${id}`), 500, 'internal');
    Object.assign(rig.staging, { list: working });
    expect((await rig.call('GET', `/api/v1/transfers/${id}`)).status).toBe(200);
  });

  it('that there is not is 404', async () => {
    expectError(await rig.call('GET', '/api/v1/transfers/trf_AGM6QSJB85PT8ZEE3G14FSE446'), 404, 'transfer.unknown');
    expectError(
      await rig.call('POST', '/api/v1/transfers/trf_AGM6QSJB85PT8ZEE3G14FSE446/pause'),
      404,
      'transfer.unknown',
    );
  });

  it('tells its last sixteen changes, in order', async () => {
    const id = await started();
    const key = headKey(id);
    const now = rig.engine.clock.now();
    const claim = await rig.table.claim(key, { holder: 'x', now, until: now + 60_000 });
    let head = HeadState.parse(claim?.row.state);
    for (let i = 0; i < 20; i++) head = withEvent(head, now + i, 'fault', `rig.${i}`);
    await rig.table.commit(key, claim?.token ?? 0, { phase: 'staging', state: head }, now);
    const { body } = await rig.call('GET', `/api/v1/transfers/${id}/events`);
    const { items } = z.object({ items: z.array(TransferEvent) }).parse(body);
    expect(body).toEqual({ items });
    expect(items.map(({ seq }) => seq)).toEqual(Array.from({ length: 16 }, (_, i) => i + 6));
    expect(items.at(-1)).toEqual({ seq: 21, at: new Date(now + 19).toISOString(), type: 'fault', code: 'rig.19' });
  });
});

describe('wishes', () => {
  const PHASES: readonly (readonly [string, ((of: ApiRig) => Step) | null, Readonly<Record<string, string | null>>])[] =
    [
      ['staging', null, { pause: null, resume: null, cancel: null, retry: 'transfer.not_failed' }],
      ['moving', moving, { pause: null, resume: null, cancel: null, retry: 'transfer.not_failed' }],
      [
        'opening',
        () => ({ phase: 'opening', rounds: 0, asks: [], known: {} }),
        { pause: null, resume: null, cancel: null, retry: 'transfer.not_failed' },
      ],
      [
        'finishing',
        finishing,
        {
          pause: 'transfer.finishing',
          resume: 'transfer.finishing',
          cancel: 'transfer.finishing',
          retry: 'transfer.not_failed',
        },
      ],
      [
        'done',
        done,
        { pause: 'transfer.ended', resume: 'transfer.ended', cancel: 'transfer.ended', retry: 'transfer.not_failed' },
      ],
      ['failed', failed, { pause: 'transfer.ended', resume: 'transfer.ended', cancel: 'transfer.ended', retry: null }],
      [
        'canceled',
        canceled,
        { pause: 'transfer.ended', resume: 'transfer.ended', cancel: null, retry: 'transfer.not_failed' },
      ],
    ];
  const CASES = PHASES.flatMap(([phase, step, words]) =>
    Object.entries(words).map(([word, code]) => [word, phase, code ?? 'done', step, code] as const),
  );

  it.each(CASES)('%s while %s is %s', async (word, _phase, _outcome, step, code) => {
    const id = await started();
    if (step !== null) await rig.force(id, step(rig));
    const before = await rig.table.get(headKey(id));
    const answer = await act(id, word);
    if (code !== null) {
      expectError(answer, 409, code);
      expect(await rig.table.get(headKey(id))).toEqual(before);
    } else {
      expect(answer.status, answer.text).toBe(200);
      expect(TransferView.parse(answer.body)).toEqual(answer.body);
    }
  });

  it('pause takes hold, resume lifts it, and either may be repeated', async () => {
    const id = await started();
    for (let i = 0; i < 2; i++) expect(await act(id, 'pause')).toMatchObject({ status: 200, body: { wish: 'pause' } });
    await rig.settle();
    expect(await rig.call('GET', `/api/v1/transfers/${id}`)).toMatchObject({ body: { status: 'paused' } });
    expect(names(await list('?status=paused'))).toEqual(['file.bin']);
    for (let i = 0; i < 2; i++) expect(await act(id, 'resume')).toMatchObject({ status: 200, body: { wish: null } });
    await rig.settle();
    expect(await rig.call('GET', `/api/v1/transfers/${id}`)).toMatchObject({ body: { status: 'pending' } });
  });

  it('cancel is final, also of what is paused', async () => {
    const id = await started();
    await act(id, 'pause');
    await rig.settle();
    await act(id, 'cancel');
    for (const word of ['pause', 'resume']) expect((await act(id, word)).status).toBe(409);
    expect((await act(id, 'cancel')).status).toBe(200);
    await rig.settle();
    expect(await rig.call('GET', `/api/v1/transfers/${id}`)).toMatchObject({
      body: { status: 'cancelled', phase: 'canceled' },
    });
  });

  it('retry goes on with another attempt, and with one only, however often it is said', async () => {
    const id = await started();
    await rig.force(id, failed(rig));
    const answers = await Promise.all([act(id, 'retry'), act(id, 'retry'), act(id, 'retry')]);
    expect(answers.map(({ status }) => status)).toContain(200);
    rig.jump(1);
    expectError(await act(id, 'retry'), 409, 'transfer.not_failed');
    expect(await rig.call('GET', `/api/v1/transfers/${id}`)).toMatchObject({ body: { status: 'pending', attempt: 2 } });
  });

  it('retry is 410 once the staged bytes are no longer kept', async () => {
    const { transfers, upload } = await rig.create();
    await rig.force(transfers[0]!.id, failed(rig));
    rig.jump(8 * DAY_MS);
    await rig.settle();
    expect((await rig.table.get(uploadKey(upload.id)))?.phase).not.toBe('open');
    expectError(await act(transfers[0]!.id, 'retry'), 410, 'upload.expired');
  });
});
