/** Destinations: made, changed, asked, removed; credentials go in and never come out. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { askedQueue, askingQueue, type Step } from '#core/state.ts';
import { CheckAnswer, DestinationList, DestinationView } from '#core/wire/destination.ts';
import { expectError } from './expect-error.ts';
import { type Answer, type ApiRig, apiRig } from './rig.ts';
import { canceled, done, failed, moving } from './steps.ts';

const SECRETS = ['AKIA-very-public', 'tiger-lily-0815', 'another-tiger-4711'];
const KEYS = { accessKeyId: SECRETS[0], secretAccessKey: SECRETS[1] };

let rig: ApiRig;
let answers: Answer[];
beforeEach(async () => {
  rig = await apiRig();
  answers = [];
});
afterEach(() => rig[Symbol.asyncDispose]());

const call = async (method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) => {
  const answer = await rig.call(method, `/api/v1/destinations${path}`, body, headers);
  answers.push(answer);
  return answer;
};
const add = (change: Readonly<Record<string, unknown>> = {}) =>
  call('POST', '', { id: 'keyed', provider: 'keyed', credentials: KEYS, ...change });
const check = async (id: string) => CheckAnswer.parse((await call('POST', `/${id}/check`)).body);

describe('credentials', () => {
  it('are in no answer, no listing, no error and no log', async () => {
    expect((await add()).status).toBe(201);
    await add();
    await call('GET', '');
    await call('GET', '/keyed');
    await call('PATCH', '/keyed', { credentials: { ...KEYS, secretAccessKey: SECRETS[2] } });
    await call('PATCH', '/keyed', { settings: { mood: 'failing' } });
    await call('POST', '/keyed/check');
    await call('PATCH', '/keyed', { credentials: { accessKeyId: SECRETS[0], secret: SECRETS[2] } });
    await call('POST', '', {
      id: 'x',
      provider: 'keyed',
      credentials: { accessKeyId: SECRETS[0], secretAccessKey: 7 },
    });
    await call('POST', '', { id: 'x', provider: 'folder', settings: { root: '/x' }, credentials: KEYS });
    await call('POST', '', { id: 'x', provider: 'keyed', settings: { secretAccessKey: SECRETS[1] } });
    await call('POST', '', `{"id":"x","credentials":{"secretAccessKey":"${SECRETS[1]}"`);
    await call('POST', '', { id: 'x', provider: 'keyed', credentials: SECRETS[1] });
    await call('DELETE', '/keyed');
    const said = JSON.stringify([answers.map(({ text, headers }) => [text, [...headers]]), rig.logged, rig.rumours]);
    for (const secret of SECRETS) expect(said).not.toContain(secret);
    expect(answers.map(({ status }) => status)).toEqual([
      201, 409, 200, 200, 200, 200, 200, 400, 400, 400, 400, 400, 400, 200,
    ]);
  });

  it('may be left out and added later', async () => {
    expect(await call('POST', '', { id: 'keyed', provider: 'keyed' })).toMatchObject({
      body: { hasCredentials: false },
    });
    expect(await check('keyed')).toMatchObject({ ok: false, code: 'credentials.missing' });
    expect(await call('PATCH', '/keyed', { credentials: KEYS })).toMatchObject({ body: { hasCredentials: true } });
    expect(await check('keyed')).toMatchObject({ ok: true });
  });

  it('of a destination that was removed are not those of one that is made anew', async () => {
    await add();
    await call('DELETE', '/keyed');
    await call('POST', '', { id: 'keyed', provider: 'keyed' });
    expect(await check('keyed')).toMatchObject({ ok: false, code: 'credentials.missing' });
  });
});

describe('create', () => {
  it('answers what it will be listed as', async () => {
    const { status, body } = await add({ id: 'n-1_x' });
    expect(status).toBe(201);
    expect(DestinationView.parse(body)).toEqual(body);
    expect(body).toMatchObject({ id: 'n-1_x', provider: 'keyed', settings: { mood: 'well' }, hasCredentials: true });
    const list = DestinationList.parse((await call('GET', '')).body);
    expect(list.items.map(({ id }) => id)).toEqual(['folder', 'n-1_x', 'second']);
    expect(list.items).toContainEqual(body);
    expect((await call('GET', '/n-1_x')).body).toEqual(body);
  });

  it('of an id that is taken is 409 and changes nothing, of many at once one wins', async () => {
    expectError(await call('POST', '', { id: 'folder', provider: 'keyed' }), 409, 'destination.exists');
    expect(await call('GET', '/folder')).toMatchObject({ body: { provider: 'folder', settings: { root: rig.root } } });
    const made = await Promise.all(Array.from({ length: 5 }, () => add()));
    expect(made.map(({ status }) => status).toSorted()).toEqual([201, 409, 409, 409, 409]);
  });

  it.each(['', 'A', 'a b', '-a', 'a-', 'a/b', '..', 'x'.repeat(65), 'ö', '__proto__'])(
    'refuses the id %j',
    async (id) => {
      expectError(await add({ id }), 400, 'request.invalid');
    },
  );

  it('refuses a provider that there is not, and settings that do not fit', async () => {
    expectError(await add({ provider: 'floppy' }), 400, 'destination.provider_unknown');
    expectError(await add({ settings: { mood: 'sour' } }), 400, 'destination.invalid');
    expectError(await add({ settings: { mood: 'well', more: 1 } }), 400, 'destination.invalid');
    expectError(await call('POST', '', { id: 'x', provider: 'folder' }), 400, 'destination.invalid');
    expect(DestinationList.parse((await call('GET', '')).body).items).toHaveLength(2);
  });
});

describe('change', () => {
  it('replaces settings as a whole, and leaves what is absent', async () => {
    await add({ settings: { mood: 'failing' } });
    expect(await call('PATCH', '/keyed', {})).toMatchObject({ status: 200, body: { settings: { mood: 'failing' } } });
    expect(await call('PATCH', '/keyed', { settings: {} })).toMatchObject({
      body: { settings: { mood: 'well' }, hasCredentials: true },
    });
    expectError(await call('PATCH', '/keyed', { settings: { mood: 1 } }), 400, 'destination.invalid');
    expect(await call('GET', '/keyed')).toMatchObject({ body: { settings: { mood: 'well' } } });
  });

  it('cannot change the provider or the id', async () => {
    await add();
    const { body } = await call('PATCH', '/keyed', { provider: 'folder', id: 'other' });
    expect(body).toMatchObject({ id: 'keyed', provider: 'keyed' });
  });

  it('of what names the place is refused while a file is on its way there, of all else not', async () => {
    await rig.create();
    await rig.create();
    const elsewhere = { settings: { root: join(rig.root, 'elsewhere') } };
    const refused = await call('PATCH', '/folder', elsewhere);
    expectError(refused, 409, 'destination.busy');
    expect(refused.text).toContain('2 files');
    expect((await call('PATCH', '/folder', { settings: { root: rig.root, onConflict: 'fail' } })).status).toBe(200);
    expect((await call('PATCH', '/second', elsewhere)).status).toBe(200);
  });

  it('of the place begins anew there what had failed at the old one', async () => {
    const { transfers, chunks } = await rig.create();
    const { id } = transfers[0]!;
    expect(rig.put(chunks[0]!, new Uint8Array([1, 2, 3, 4, 5]))).toBe(200);
    const begun = { ...moving(), session: { v: 1, inode: '1', '@site': 'another.' } };
    await rig.force(id, { ...failed(rig), resume: begun } as Step);
    const root = join(rig.root, 'elsewhere');
    expect((await call('PATCH', '/folder', { settings: { root } })).status).toBe(200);
    await rig.call('POST', `/api/v1/transfers/${id}/retry`);
    await rig.settle();
    expect(await readFile(join(root, 'file.bin'))).toEqual(Buffer.from([1, 2, 3, 4, 5]));
    const { body } = await rig.call('GET', `/api/v1/transfers/${id}/events`);
    expect(body).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ code: 'destination.moved' })]),
    });
  });

  it('with If-Match is made of what was read, or not at all', async () => {
    const made = await add();
    const tag = (answer: Answer) => answer.headers.get('etag') ?? '';
    const change = (to: string, ifMatch: string) =>
      call('PATCH', '/keyed', { settings: { mood: to } }, { 'if-match': ifMatch });
    expect(tag(await call('GET', '/keyed'))).toBe(tag(made));
    expect(tag(made)).toBe(`"${DestinationView.parse(made.body).version}"`);
    const first = await change('failing', tag(made));
    expect(first).toMatchObject({ status: 200, body: { settings: { mood: 'failing' } } });
    for (const stale of [tag(made), `W/${tag(first)}`, '"x"', 'x', '']) {
      expectError(await change('well', stale), 412, 'destination.changed');
      expectError(await call('DELETE', '/keyed', undefined, { 'if-match': stale }), 412, 'destination.changed');
    }
    expect((await change('well', `"x" , ${tag(first)}`)).status).toBe(200);
    expect((await change('failing', '*')).status).toBe(200);
    expect(await call('GET', '/keyed')).toMatchObject({ body: { settings: { mood: 'failing' } } });
    const last = tag(await call('GET', '/keyed'));
    expect((await call('DELETE', '/keyed', undefined, { 'if-match': last })).status).toBe(200);
  });

  it('of one that there is not is 404', async () => {
    expectError(await call('PATCH', '/nobody', { settings: {} }), 404, 'destination.unknown');
    expectError(await call('GET', '/nobody'), 404, 'destination.unknown');
    expectError(await call('DELETE', '/nobody'), 404, 'destination.unknown');
    expectError(await call('POST', '/nobody/check'), 404, 'destination.unknown');
  });
});

describe('check', () => {
  it('of a destination that takes files says so', async () => {
    expect(await check('folder')).toMatchObject({ ok: true, code: null, freeBytes: expect.any(Number) });
    await add();
    expect(await check('keyed')).toMatchObject({ ok: true, message: 'it takes files', freeBytes: 5 });
  });

  it('of one that does not says why, and is itself no error', async () => {
    await add({ settings: { mood: 'failing' } });
    expect(await check('keyed')).toMatchObject({
      ok: false,
      code: 'keyed.denied',
      message: 'the key is not good any more',
      freeBytes: null,
    });
  });

  it('that breaks tells nobody what broke, but the log where', async () => {
    await add({ settings: { mood: 'strange' } });
    const { ok, code, message } = await check('keyed');
    expect({ ok, code }).toEqual({ ok: false, code: 'unknown' });
    expect(message).not.toContain('undefined');
    expect(rig.logged.at(-1)).toMatchObject({
      level: 'error',
      event: 'destination.check_failed',
      fields: { destinationId: 'keyed', reason: 'TypeError', where: expect.stringContaining('check') },
    });
  });
});

describe('remove', () => {
  it('answers what it was, and then it is gone', async () => {
    const { body } = await add();
    expect(await call('DELETE', '/keyed')).toMatchObject({ status: 200, body });
    expectError(await call('GET', '/keyed'), 404, 'destination.unknown');
    expectError(await call('DELETE', '/keyed'), 404, 'destination.unknown');
  });

  it('is refused while a file is on its way there', async () => {
    await rig.create();
    expectError(await call('DELETE', '/folder'), 409, 'destination.busy');
    expect((await call('DELETE', '/second')).status).toBe(200);
  });

  it('is refused also while a file waits for a destination that asks for it', async () => {
    for (const [n, queue] of [askingQueue('second'), askedQueue('second')].entries()) {
      const row = { pk: `T#${n}`, sk: '@', queue, dueAt: 1, phase: 'staging', state: {} };
      await rig.table.create(row, 1);
      expectError(await call('DELETE', '/second'), 409, 'destination.busy');
      await rig.table.remove(row);
    }
    expect((await call('DELETE', '/second')).status).toBe(200);
  });

  it('is refused while a transfer to it is paused, until its cancel has taken hold', async () => {
    const { transfers } = await rig.create();
    await rig.call('POST', `/api/v1/transfers/${transfers[0]!.id}/pause`);
    await rig.settle();
    expectError(await call('DELETE', '/folder'), 409, 'destination.busy');
    await rig.call('POST', `/api/v1/transfers/${transfers[0]!.id}/cancel`);
    expectError(await call('DELETE', '/folder'), 409, 'destination.busy');
    await rig.settle();
    expect((await call('DELETE', '/folder')).status).toBe(200);
  });

  it('is fine once every transfer to it has ended', async () => {
    for (const step of [done, failed, canceled]) {
      const { transfers } = await rig.create();
      await rig.force(transfers[0]!.id, step(rig));
    }
    expect((await call('DELETE', '/folder')).status).toBe(200);
  });

  it('makes what is retried afterwards fail with a code', async () => {
    const { transfers } = await rig.create({ sizeBytes: 0 });
    const { id } = transfers[0]!;
    await rig.force(id, failed(rig));
    await call('DELETE', '/folder');
    expect((await rig.call('POST', `/api/v1/transfers/${id}/retry`)).status).toBe(200);
    const lost = { id: 'folder', provider: 'folder', settings: { root: join(rig.root, 'new') } };
    while (rig.dispatcher.waiting().length > 0) await rig.settle();
    expect(await rig.call('GET', `/api/v1/transfers/${id}`)).toMatchObject({
      status: 200,
      body: { status: expect.stringMatching(/failed|pending/) },
    });
    expect((await call('POST', '', lost)).status).toBe(201);
  });
});
