/** Links: what their owner sees and settles, and who gets in by them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LinkList, LinkView, LinkWithUrl } from '#core/wire/link.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, OTHER_TOKEN } from './rig.ts';
import { type Customer, customer, handInWhole, openLink } from './senders.ts';
import { failed } from './steps.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const list = async () => LinkList.parse((await rig.call('GET', '/api/v1/links')).body).items;
const iso = (aheadMs: number) => new Date(rig.engine.clock.now() + aheadMs).toISOString();

describe('a link', () => {
  it('has an address that is told once, and is then in no answer, no cell and no log', async () => {
    const { link, url, secret } = await openLink(rig);
    expect(url).toBe(`http://localhost/#drop=${secret}`);
    expect(Buffer.from(secret.split('.')[1] ?? '', 'base64url')).toHaveLength(24);
    const ann = customer(rig, secret, 'Ann');
    await ann.create();
    await ann.look();
    const told = await Promise.all([
      rig.call('GET', '/api/v1/links'),
      rig.call('GET', `/api/v1/links/${link.id}`),
      rig.call('GET', '/api/v1/transfers'),
      rig.cells.list('LINKS', { limit: 10 }),
      rig.table.owned('local', { limit: 10 }),
    ]);
    const everything = JSON.stringify([told, rig.logged, rig.rumours]);
    expect(everything).toContain(link.id);
    expect(everything).not.toContain(secret.split('.')[1]);
    expect(everything).not.toContain(ann.senderId);
  });

  it('has the address that the page has, also behind a proxy that ends TLS, and not that of another page', async () => {
    const asked = { name: 'x', destinations: [{ id: 'folder' }] };
    for (const [origin, begins] of [
      ['https://localhost', 'https://localhost/#drop='],
      ['https://elsewhere.example', 'http://localhost/#drop='],
      ['null', 'http://localhost/#drop='],
    ] as const) {
      const { body } = await rig.call('POST', '/api/v1/links', asked, { origin });
      expect(LinkWithUrl.parse(body).url.startsWith(begins)).toBe(true);
    }
  });

  it('lives for two weeks unless told otherwise, and never longer than a year', async () => {
    const { link } = await openLink(rig, { expiresAt: undefined });
    const livesMs = Date.parse(link.expiresAt) - Date.parse(link.createdAt);
    expect(livesMs).toBe(14 * DAY_MS);
    const asked = { name: 'x', destinations: [{ id: 'folder' }] };
    for (const expiresAt of [iso(-1), iso(400 * DAY_MS)]) {
      expectError(await rig.call('POST', '/api/v1/links', { ...asked, expiresAt }), 400, 'request.invalid');
    }
  });

  it.each([
    [{ name: '' }, 'request.invalid'],
    [{ name: 'x'.repeat(81) }, 'request.invalid'],
    [{ note: 'x'.repeat(501) }, 'request.invalid'],
    [{ destinations: [] }, 'request.invalid'],
    [{ suffixes: ['mp4'] }, 'request.invalid'],
    [{ filesMax: 0 }, 'request.invalid'],
    [{ destinations: [{ id: 'folder' }, { id: 'folder', path: '/' }] }, 'upload.destination_twice'],
  ])('is not made of %j', async (change, code) => {
    const asked = { name: 'x', destinations: [{ id: 'folder' }], ...change };
    expectError(await rig.call('POST', '/api/v1/links', asked), 400, code);
  });

  it('goes to destinations that are there', async () => {
    const asked = { name: 'x', destinations: [{ id: 'nowhere' }] };
    expectError(await rig.call('POST', '/api/v1/links', asked), 404, 'destination.unknown');
  });

  it("is its owner's alone", async () => {
    const { link } = await openLink(rig);
    const other = { authorization: `Bearer ${OTHER_TOKEN}` };
    const answer = await rig.call('GET', '/api/v1/links', undefined, other);
    expect(answer.body).toEqual({ items: [] });
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/rotate'],
      ['POST', '/revoke'],
    ] as const) {
      expectError(await rig.call(method, `/api/v1/links/${link.id}${path}`, undefined, other), 404, 'link.unknown');
    }
  });

  it('is changed in what is told, and keeps the rest', async () => {
    const { link } = await openLink(rig, { filesMax: 3, note: 'please' });
    const path = `/api/v1/links/${link.id}`;
    const changed = LinkView.parse((await rig.call('PATCH', path, { filesMax: null, name: 'new' })).body);
    expect(changed).toEqual({ ...link, filesMax: null, name: 'new' });
    expectError(await rig.call('PATCH', path, { destinations: [{ id: 'nowhere' }] }), 404, 'destination.unknown');
    await rig.call('DELETE', '/api/v1/destinations/folder');
    expect((await rig.call('PATCH', path, { expiresAt: iso(DAY_MS) })).status).toBe(200);
  });

  it('is listed with what came by it, the newest first', async () => {
    const first = await openLink(rig, { filesMax: 2 });
    rig.jump(1_000);
    const second = await openLink(rig);
    const { upload, transfers } = await customer(rig, first.secret, 'Ann').create({ sizeBytes: 7 });
    expect(await list()).toMatchObject([
      { id: second.link.id, filesUsed: 0, lastUsedAt: null, state: 'active' },
      { id: first.link.id, filesUsed: 1, filesOpen: 1, bytesUsed: 7, state: 'active' },
    ]);
    const seen = await rig.call('GET', `/api/v1/transfers/${transfers[0]?.id}`);
    expect(seen.body).toMatchObject({ uploadId: upload.id, link: { id: first.link.id, sender: 'Ann' } });
  });

  it('that is forgotten lets nobody in, and what was whole is delivered', async () => {
    const { link, secret } = await openLink(rig);
    const ann = customer(rig, secret, 'Ann');
    const { upload } = await handInWhole(rig, ann);
    rig.jump(MINUTE_MS);
    await rig.call('DELETE', `/api/v1/links/${link.id}`);
    expect(await list()).toEqual([]);
    expectError(await ann.call('GET', `/uploads/${upload.id}`), 401, 'link.revoked');
    await rig.settle();
    expect((await rig.call('GET', `/api/v1/uploads/${upload.id}`)).body).toMatchObject({
      transfers: [{ phase: 'done' }],
    });
  });
});

describe('who has no link that is open', () => {
  it('is told the same whether the secret is wrong, old, revoked or none', async () => {
    const { link, secret } = await openLink(rig);
    const rotated = LinkWithUrl.parse((await rig.call('POST', `/api/v1/links/${link.id}/rotate`)).body);
    const fresh = rotated.url.split('=')[1] ?? '';
    const unknown = `${'0'.repeat(26)}.${secret.split('.')[1]}`;
    const wrong = `${secret.split('.')[0]}.${'A'.repeat(32)}`;
    expect((await customer(rig, fresh).call('GET', '')).status).toBe(200);
    await rig.call('POST', `/api/v1/links/${link.id}/revoke`);
    const messages = new Set<string>();
    for (const given of [secret, fresh, unknown, wrong, 'x', '']) {
      messages.add(expectError(await customer(rig, given).call('GET', ''), 401, 'link.revoked'));
    }
    expect(messages.size).toBe(1);
    expect(await list()).toMatchObject([{ state: 'revoked' }]);
  });

  it('has no use for its secret on the routes of the owner, nor the owner for the token on these', async () => {
    const { secret } = await openLink(rig);
    for (const path of ['/api/v1/uploads/x', '/api/v1/transfers', '/api/v1/links']) {
      const answer = await rig.call('GET', path, undefined, { authorization: `Bearer ${secret}` });
      expectError(answer, 401, 'auth.required');
    }
    expectError(await rig.call('GET', '/api/v1/drop'), 401, 'link.revoked');
  });

  it('revoked in the middle: nothing is announced or signed any more', async () => {
    const { link, secret } = await openLink(rig);
    const ann = customer(rig, secret, 'Ann');
    const { upload } = await ann.create();
    await rig.call('POST', `/api/v1/links/${link.id}/revoke`);
    expectError(await ann.announce(), 401, 'link.revoked');
    expectError(await ann.call('POST', `/uploads/${upload.id}/sign`, { numbers: [1] }), 401, 'link.revoked');
  });

  it('expired: nothing new, and what was begun goes on', async () => {
    const { secret } = await openLink(rig, { expiresAt: iso(DAY_MS) });
    const ann = customer(rig, secret, 'Ann');
    const { upload } = await ann.create();
    rig.jump(DAY_MS);
    expectError(await ann.announce(), 410, 'link.expired');
    expect((await ann.call('POST', `/uploads/${upload.id}/sign`, { numbers: [1] })).status).toBe(200);
    expect(await ann.look()).toMatchObject({ state: 'expired' });
  });
});

describe('a sender', () => {
  const sees = (who: Customer, id: string) => who.call('GET', `/uploads/${id}`);

  it('is told of nothing but the file: no destination, no path, no receipt, no reason', async () => {
    const destinations = [{ id: 'folder', path: '/secret place' }, { id: 'second' }];
    const { secret } = await openLink(rig, { destinations, note: 'hello' });
    const ann = customer(rig, secret, 'Ann');
    const created = await handInWhole(rig, ann);
    rig.jump(MINUTE_MS);
    const before = await sees(ann, created.upload.id);
    const [first] = created.transfers;
    if (first !== undefined) await rig.force(first.id, failed(rig));
    await rig.settle();
    const after = await sees(ann, created.upload.id);
    expect(after.body).toMatchObject({ transfers: [{ status: 'failed' }, { status: 'success' }], asks: [] });
    const all = [JSON.stringify({ ...created, chunks: [] }), before.text, after.text, (await ann.call('GET', '')).text];
    for (const text of all)
      expect(text).not.toMatch(/secret place|"folder"|"second"|rig\.broken|location|evidence|C:|\/tmp/);
    expect(await ann.look()).toEqual({
      name: 'Hand in here',
      note: 'hello',
      state: 'active',
      expiresAt: expect.any(String),
      filesMax: null,
      bytesMax: null,
      fileBytesMax: null,
      suffixes: null,
      filesLeft: null,
      bytesLeft: null,
      senderName: 'required',
    });
  });

  it('sees, signs and takes back its own files only', async () => {
    const { secret } = await openLink(rig);
    const ann = customer(rig, secret, 'Ann');
    const bob = customer(rig, secret, 'Bob');
    const stranger = customer(rig, (await openLink(rig)).secret, 'Ann', ann.senderId);
    const { upload } = await ann.create();
    const owners = await rig.create();
    for (const [who, id] of [
      [bob, upload.id],
      [stranger, upload.id],
      [ann, owners.upload.id],
    ] as const) {
      expectError(await sees(who, id), 404, 'upload.unknown');
      expectError(await who.call('POST', `/uploads/${id}/sign`, { numbers: [1] }), 404, 'upload.unknown');
      expectError(await who.call('POST', `/uploads/${id}/complete`, {}), 404, 'upload.unknown');
      expectError(await who.call('DELETE', `/uploads/${id}`), 404, 'upload.unknown');
    }
    expect((await sees(ann, upload.id)).status).toBe(200);
  });

  it('has a folder of the typed name, below it those of what was dropped', async () => {
    const { secret } = await openLink(rig, { destinations: [{ id: 'folder', path: '/in' }] });
    await customer(rig, secret, 'Zoë').create({ folder: 'a/b' });
    const { items } = (await rig.call('GET', '/api/v1/transfers')).body as { items: { path: string }[] };
    expect(items[0]?.path).toBe('/in/Zoë/a/b');
  });

  it('has no folders beyond 32, and no request longer than 32 KiB', async () => {
    const ann = customer(rig, (await openLink(rig)).secret, 'Ann');
    await ann.create({ folder: 'a/'.repeat(32) });
    expectError(await ann.announce({ folder: 'a/'.repeat(33) }), 400, 'request.invalid');
    const long = await ann.announce({ name: 'x'.repeat(32 * 1024) });
    expect(expectError(long, 413, 'request.too_large')).not.toContain('256');
  });

  it.each(['..', '.', '', ' ', 'a/b', '/', 'a\u0000b', 'x'.repeat(81)])('is not called %j', async (senderName) => {
    const { secret } = await openLink(rig);
    expectError(await customer(rig, secret, 'Ann').announce({ senderName }), 400, 'request.invalid');
  });

  it('needs no name where all files go into one folder, and a name where they do not', async () => {
    const flat = await openLink(rig, { perSender: 'flat', destinations: [{ id: 'folder', path: '/in' }] });
    await customer(rig, flat.secret, undefined).create();
    const { items } = (await rig.call('GET', '/api/v1/transfers')).body as { items: { path: string }[] };
    expect(items[0]?.path).toBe('/in');
    const { secret } = await openLink(rig);
    expectError(await customer(rig, secret, undefined).announce(), 400, 'link.name_needed');
  });

  it('without an id or a key for the request is refused', async () => {
    const { secret } = await openLink(rig);
    const bare = { authorization: `Bearer ${secret}` };
    const file = { name: 'x', sizeBytes: 1, senderName: 'Ann' };
    const id = { 'x-entrepot-sender': 'a'.repeat(22) };
    for (const headers of [
      bare,
      { ...bare, ...id },
      { ...bare, 'idempotency-key': 'k', 'x-entrepot-sender': 'short' },
    ]) {
      expectError(await rig.call('POST', '/api/v1/drop/uploads', file, headers), 400, 'request.invalid');
    }
  });
});
