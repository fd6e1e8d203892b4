/** The fake Bilibili: what it takes, and that it refuses what it should. Asked by plain `fetch`, without a client of ours. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { confirm, scan } from '../../fakes/bilibili/passport.ts';
import { type FakeBilibili, startFakeBilibili } from '../../fakes/bilibili/server.ts';
import { addAccount, contentOf, cookieHeader, logIn, type Settings } from '../../fakes/bilibili/world.ts';

const START_MS = Date.UTC(2026, 0, 2);
const HOUR_MS = 3_600_000;
const CHUNK_BYTES = 1000;
const CONTENT = Buffer.from(Array.from({ length: 2500 }, (_, i) => i % 251));
const BARE = { status: 403, text: '' };

let fake: FakeBilibili;
let nowMs: number;

beforeEach(async () => {
  await start({});
});

afterEach(async () => {
  await fake.close();
});

describe('an upload', () => {
  it('is reserved, stored in any order, merged, submitted and found again', async () => {
    const upload = await begin();
    expect(upload.uri).toMatch(/^upos:\/\/ugcfx2lf\/n260102ad[0-9a-z]{22}\.mp4$/);
    for (const number of [3, 1, 2, 1]) expect(await put(upload, number)).toEqual(stored());
    expect(await complete(upload)).toMatchObject({ status: 200, json: { OK: 1, key: `/${upload.object}` } });
    expect(contentOf(fake.world, upload.filename)).toEqual(CONTENT);
    const read = await fetch(upload.url, { headers: { 'x-upos-auth': upload.auth } });
    expect(Buffer.from(await read.arrayBuffer())).toEqual(CONTENT);
    const { aid, bvid } = z.object({ aid: z.int(), bvid: z.string() }).parse(await dataOf(submit(upload)));
    expect(bvid).toMatch(/^BV.{10}$/);
    const list = await dataOf(member('/x/web/archives?status=is_pubing,pubed,not_pubed&pn=1&ps=10'));
    expect(list).toMatchObject({
      arc_audits: [{ Archive: { aid, bvid, state: -30 } }],
      page: { pn: 1, ps: 10, count: 1 },
    });
    const view = await dataOf(member(`/x/vupre/web/archive/view?bvid=${bvid}`));
    expect(view).toMatchObject({
      archive: { aid, title: '一' },
      videos: [{ filename: upload.filename, cid: upload.bizId }],
    });
    expect(fake.leaks).toEqual([]);
  });

  it('that is merged is merged again without harm, unless its id is forgotten', async () => {
    const upload = await merged();
    expect(await complete(upload)).toMatchObject({ json: { OK: 1 } });
    await start({ completedAgain: 'unknown upload' });
    expect(await complete(await merged())).toMatchObject({ status: 404 });
  });

  it('beyond what is kept has its hashes and no bytes', async () => {
    await start({ keptBytesMax: 1500 });
    const { filename, path } = await merged();
    expect(contentOf(fake.world, filename)).toBeNull();
    const parts = fake.world.objects.get(path)?.parts ?? [];
    const slices = [0, 1, 2].map((i) => CONTENT.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES));
    expect(parts.map(({ sha256 }) => sha256)).toEqual(
      slices.map((it) => createHash('sha256').update(it).digest('hex')),
    );
    expect(fake.world.keptBytes).toBeLessThanOrEqual(1500);
  });

  it('is taken by the tolerant mode though its parts do not add up and are not listed', async () => {
    await start({ mode: 'tolerant' });
    const upload = await begin();
    for (const number of [1, 2, 3]) await put({ ...upload, total: 9999 }, number, { end: '0', size: '1', chunk: '7' });
    expect(await complete(upload, { biz_id: '1', name: '', body: {} })).toMatchObject({ json: { OK: 1 } });
    expect(contentOf(fake.world, upload.filename)).toEqual(CONTENT);
  });
});

describe('the store refuses', () => {
  it('a wrong or missing auth with 403, and one that is older than five days by name', async () => {
    const upload = await begin();
    expect(await put({ ...upload, auth: `${upload.auth}0` }, 1)).toMatchObject(BARE);
    expect(await put({ ...upload, auth: (await begin()).auth }, 1)).toMatchObject(BARE);
    expect(await ask(`${upload.url}?uploads&output=json`, { method: 'POST' })).toMatchObject(BARE);
    nowMs += 5 * 24 * HOUR_MS;
    expect(await put(upload, 1)).toEqual(stored());
    nowMs += 1;
    const late = await put(upload, 1);
    expect(late).toMatchObject(BARE);
    expect(late.headers.get('x-upos-auth')).toMatch(/^AUTH_TS_GT_5DAY AUTH=.* Now=\d+ DURATION=432000$/);
  });

  it('an unknown upload id, one of another line, and a POST that says nothing, with 404', async () => {
    const upload = await begin();
    expect(await put({ ...upload, uploadId: 'unknown' }, 1)).toMatchObject({ status: 404 });
    const elsewhere = upload.url.replace(fake.lines['bda2'] ?? '', fake.lines['txa'] ?? '');
    expect(await put({ ...upload, url: elsewhere }, 1)).toMatchObject({ status: 404 });
    expect(await ask(upload.url, { method: 'POST', headers: { 'x-upos-auth': upload.auth } })).toMatchObject({
      status: 404,
    });
  });

  it.each([
    ['a size that is not the length', { size: '999' }],
    ['a chunk that is not its number less one', { chunk: '1' }],
    ['a range that is not its size', { end: '1234' }],
    ['a total that was not announced', { total: '2501' }],
    ['a number beyond the chunks', { partNumber: '4', chunk: '3' }],
    ['more than 10,000 chunks', { chunks: '10001' }],
    ['a part without its chunks', { chunks: '' }],
  ])('%s with 400', async (_, told) => {
    expect(await put(await begin(), 1, told)).toMatchObject({ status: 400, json: { title: 'UposstorException' } });
  });

  it('a part without its length with 411, and stores nothing of one that ends early', async () => {
    const upload = await begin();
    const body = new Blob([CONTENT.subarray(0, CHUNK_BYTES)]).stream();
    expect(await put(upload, 1, {}, body)).toMatchObject({ status: 411 });
    const early = request(partUrl(upload, 1), {
      method: 'PUT',
      headers: { 'x-upos-auth': upload.auth, 'content-length': CHUNK_BYTES },
    });
    const isCut = once(early, 'error');
    early.write(CONTENT.subarray(0, 999), () => early.destroy(new Error('cut')));
    await isCut;
    for (const number of [2, 3]) await put(upload, number);
    expect(await complete(upload)).toMatchObject({ status: 500, text: expect.stringContaining('GOT_2_EXPECT_3') });
  });

  it('to merge before all parts are there, with the words of PART_COUNT_ERR', async () => {
    const upload = await begin();
    await put(upload, 1);
    const refused = await complete(upload);
    expect(refused).toMatchObject({
      status: 500,
      json: { http_code: 500, error: expect.stringMatching(/: PART_COUNT_ERR_GOT_1_EXPECT_3$/) },
    });
  });

  it('to merge what does not add up to the total, what is not listed, and for another biz_id', async () => {
    const upload = await begin();
    for (const number of [1, 2]) await put(upload, number);
    await put(upload, 3, { start: '2000', end: '2001', size: '1' }, 'x');
    expect(await complete(upload)).toMatchObject({
      status: 500,
      json: { error: expect.stringMatching(/PART_SIZE_ERR_GOT_2001_EXPECT_2500$/) },
    });
    await put(upload, 3);
    expect(await complete(upload, { body: {} })).toMatchObject({ status: 400 });
    expect(await complete(upload, { biz_id: '1' })).toMatchObject({ status: 400 });
    expect(await complete(upload, { name: 'another.mp4' })).toMatchObject({ status: 400 });
    expect(await complete(upload)).toMatchObject({ status: 200 });
  });
});

describe('a submission is refused', () => {
  it.each([
    ['without a known SESSDATA', -101, {}, { cookie: 'SESSDATA=unknown' }],
    ['with another csrf in the address', -111, {}, { csrf: 'another' }],
    ['without a csrf', -111, {}, { csrf: '' }],
    ['with another csrf in the body', -111, { csrf: 'another' }, {}],
    ['with an object that was never stored', 21015, { videos: [{ filename: 'n260102adunknown', title: 'P1' }] }, {}],
    ['with a title over 80 characters', 21103, { title: '影'.repeat(81) }, {}],
    ['with the title of a part over 80 characters', 21103, { videos: [{ filename: 'n1', title: 'a'.repeat(81) }] }, {}],
    ['with 101 parts', 21058, { videos: Array(101).fill({ filename: 'n1' }) }, {}],
    ['without tags', 21005, { tag: '' }, {}],
    ['with 13 tags', 21005, { tag: 'abcdefghijklm'.split('').join(',') }, {}],
    ['with a tag over 20 characters', 21005, { tag: '影'.repeat(21) }, {}],
    ['as a repost without its source', 21021, { copyright: 2, source: '' }, {}],
    ['without a partition', 21001, { tid: null }, {}],
  ])('%s', async (_, code, members, as) => {
    expect(await submit(await merged(), members, as)).toMatchObject({ status: 200, json: { code } });
    expect(fake.world.archives).toEqual([]);
  });

  it('with an object that is not merged, is another account’s, or has another cid', async () => {
    const begun = await begin();
    expect(await submit(begun)).toMatchObject({ json: { code: 21015 } });
    const upload = await merged();
    const other = logIn(fake.world, addAccount(fake.world, 'other').mid);
    expect(await submit(upload, {}, { cookie: cookieHeader(other), csrf: other.csrf })).toMatchObject({
      json: { code: 21015 },
    });
    const videos = [{ filename: upload.filename, title: 'P1', cid: upload.bizId + 1 }];
    expect(await submit(upload, { videos })).toMatchObject({ json: { code: 21015 } });
  });

  it('never for being the second: it makes two archives', async () => {
    const upload = await merged();
    await submit(upload);
    await submit(upload, { source: null, desc: null, dtime: null });
    expect(fake.world.archives).toHaveLength(2);
  });
});

describe('secrets', () => {
  it('at a line, and SESSDATA in an address, are recorded as leaks and by no value', async () => {
    const upload = await begin();
    const headers = { cookie: cookieHeader(fake.session), 'x-upos-auth': upload.auth };
    await ask(`${upload.url}?uploads&output=json&t=${fake.session.csrf}`, { method: 'POST', headers });
    await ask(`${fake.urls.api}/x/web-interface/nav?s=${fake.session.sessdata}`, { headers });
    expect(fake.leaks).toEqual([
      { host: 'line', operation: 'init', what: 'cookies at a line' },
      { host: 'line', operation: 'init', what: 'a secret of the session at a line' },
      { host: 'api', operation: 'nav', what: 'SESSDATA in an address' },
      { host: 'api', operation: 'nav', what: 'X-Upos-Auth off the lines' },
    ]);
    expect(fake.asked.at(-1)).toMatchObject({ operation: 'nav', queryKeys: ['s'], hasCookies: true, status: 200 });
    expect(JSON.stringify(fake.asked)).not.toContain(fake.session.sessdata);
    expect(JSON.stringify(fake.asked)).not.toContain(fake.session.csrf);
  });
});

describe('a login by QR code', () => {
  it('goes from not scanned over scanned to cookies, once, and is over after 180 s', async () => {
    const generate = () => dataOf(ask(`${fake.urls.passport}/x/passport-login/web/qrcode/generate`));
    const poll = (key: string) => ask(`${fake.urls.passport}/x/passport-login/web/qrcode/poll?qrcode_key=${key}`);
    const { qrcode_key: key } = z.object({ qrcode_key: z.string(), url: z.url() }).parse(await generate());
    expect(await poll(key)).toMatchObject({ json: { code: 0, data: { code: 86101 } } });
    scan(fake.world, key);
    expect(await poll(key)).toMatchObject({ json: { code: 0, data: { code: 86090 } } });
    confirm(fake.world, key, fake.account.mid);
    const confirmed = await poll(key);
    const cookies = confirmed.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '');
    expect(cookies.map((cookie) => cookie.split('=')[0])).toEqual([
      'SESSDATA',
      'bili_jct',
      'DedeUserID',
      'DedeUserID__ckMd5',
      'sid',
    ]);
    const url = z.object({ data: z.object({ url: z.string() }) }).parse(confirmed.json).data.url;
    for (const cookie of cookies) expect(url).toContain(cookie);
    expect(await poll(key)).toMatchObject({ json: { data: { code: 86038 } } });
    expect(await navOf(cookies.join('; '))).toMatchObject({ code: 0, data: { isLogin: true, mid: fake.account.mid } });
    const late = z.object({ qrcode_key: z.string() }).parse(await generate()).qrcode_key;
    nowMs += 180_000;
    expect(await poll(late)).toMatchObject({ json: { code: 0, data: { code: 86038 } } });
  });

  it('can be ended, and asked whether it should be renewed', async () => {
    const info = `${fake.urls.passport}/x/passport-login/web/cookie/info`;
    const headers = { cookie: cookieHeader(fake.session) };
    fake.session.refresh = true;
    expect(await ask(info, { headers })).toMatchObject({ json: { data: { refresh: true } } });
    fake.world.sessions.delete(fake.session.sessdata);
    expect(await ask(info, { headers })).toMatchObject({ json: { code: -101 } });
    expect(await navOf(headers.cookie)).toMatchObject({ code: -101, data: { isLogin: false } });
  });
});

describe('habits', () => {
  it('the pre-upload after so many in an hour is refused with a voucher, until the hour has rolled on', async () => {
    await start({ preuploadsPerHour: 2 });
    await preupload();
    nowMs += HOUR_MS / 2;
    await preupload();
    const refused = {
      status: 406,
      json: { OK: 0, code: 601, detail: { v_voucher: expect.stringMatching(/^voucher_/) } },
    };
    expect(await preupload()).toMatchObject(refused);
    const other = cookieHeader(logIn(fake.world, addAccount(fake.world, 'other').mid));
    expect(await preupload({}, other)).toMatchObject({ status: 200 });
    nowMs += HOUR_MS / 2;
    expect(await preupload()).toMatchObject({ status: 200 });
    expect(await preupload()).toMatchObject(refused);
  });

  it.each([
    ['throttled-601-voucher', 406, /"code":601,.*"v_voucher":"voucher_/],
    ['throttled-406', 406, /^{"code":406,"message"/],
    ['406-empty', 406, /^$/],
    ['403-empty', 403, /^$/],
    ['403-html', 403, /出错啦/],
    ['200-html', 200, /出错啦/],
    ['ok-zero-in-200', 200, /^{"OK":0,/],
    ['garbage', 200, /[^}]$/],
    ['502', 502, /<html>/],
    ['code 21566', 200, /^{"code":21566,"message":"投稿过于频繁，/],
    ['code 601', 200, /"data":{"v_voucher":"voucher_/],
    ['code -101', 200, /^{"code":-101,/],
  ] as const)('%s is shown once, and nothing is done', async (habit, status, words) => {
    fake.misbehave('preupload', habit);
    expect(await preupload()).toMatchObject({ status, text: expect.stringMatching(words) });
    expect(fake.world.objects.size).toBe(0);
    expect(await preupload()).toMatchObject({ status: 200, json: { OK: 1 } });
  });

  it('a line is dead, or fails by itself; the others answer', async () => {
    const probe = await ask(`${fake.urls.member}/preupload?r=probe`);
    const { lines } = z
      .object({ lines: z.array(z.object({ os: z.literal('upos'), query: z.string(), probe_url: z.string() })) })
      .parse(probe.json);
    expect(lines.map(({ query }) => new URLSearchParams(query).get('upcdn'))).toEqual(['bda2', 'txa', 'bldsa']);
    const ping = (i: number) => ask(`http:${lines[i]?.probe_url}`, { method: 'POST', body: Buffer.alloc(104_857) });
    fake.kill('bda2');
    await expect(ping(0)).rejects.toThrow();
    expect(await ping(1)).toMatchObject({ status: 200 });
    fake.revive('bda2');
    expect(await ping(0)).toMatchObject({ status: 200 });
    fake.misbehave('init at bda2', '502', 2);
    await expect(begin()).rejects.toThrow();
    expect((await begin({ upcdn: 'txa' })).url).toContain(fake.lines['txa']);
  });

  it('another line is answered than was asked for, and the one asked for is among the others', async () => {
    fake.misbehave('preupload', 'other-endpoint');
    const endpoints = [fake.lines['bda2'], fake.lines['bldsa'], fake.lines['txa']].map((url) =>
      url?.replace('http:', ''),
    );
    expect(await preupload({ upcdn: 'txa' })).toMatchObject({ json: { endpoint: endpoints[0], endpoints } });
  });

  it('a part is reset midway, stalled, and forgotten though acknowledged', async () => {
    const upload = await begin();
    fake.misbehave('part', 'reset-midway');
    await expect(put(upload, 1)).rejects.toThrow();
    expect(fake.asked.at(-1)).toMatchObject({ operation: 'part', status: null });
    fake.misbehave('part', 'stalled');
    const stalled = put(upload, 1);
    await fake.stalled();
    for (const number of [2, 3]) expect(await put(upload, number)).toEqual(stored());
    fake.release();
    expect(await stalled).toEqual(stored());
    fake.misbehave('part', 'forgotten');
    const second = await begin();
    for (const number of [1, 2, 3]) expect(await put(second, number)).toEqual(stored());
    expect(await complete(second)).toMatchObject({ status: 500, text: expect.stringContaining('GOT_2_EXPECT_3') });
    expect(await complete(upload)).toMatchObject({ status: 200 });
  });

  it('a merge is done though 504 is answered, and PART_COUNT_ERR though nothing is missing', async () => {
    const upload = await begin();
    for (const number of [1, 2, 3]) await put(upload, number);
    fake.misbehave('complete', 'part-count');
    expect(await complete(upload)).toMatchObject({ status: 500, text: expect.stringContaining('GOT_2_EXPECT_3') });
    fake.misbehave('complete', 'done-but-504');
    expect(await complete(upload)).toMatchObject({ status: 504 });
    expect(contentOf(fake.world, upload.filename)).toEqual(CONTENT);
    expect(await complete(upload)).toMatchObject({ status: 200 });
  });

  it('the answer to a submission is lost; the archive is there, once the list has it', async () => {
    await start({ listLagMs: 1000 });
    const upload = await merged();
    fake.misbehave('add', 'done-but-lost');
    await expect(submit(upload)).rejects.toThrow();
    const list = () => dataOf(member('/x/web/archives?status=is_pubing&pn=1&ps=10'));
    expect(await list()).toMatchObject({ arc_audits: null, page: { count: 0 } });
    nowMs += 1000;
    expect(await list()).toMatchObject({ arc_audits: [{ Archive: { title: '一' } }], page: { count: 1 } });
  });

  it('the csrf is another one after an answer that says so', async () => {
    const upload = await merged();
    const before = fake.session.csrf;
    fake.misbehave('nav', 'csrf-rotates');
    const nav = await ask(`${fake.urls.api}/x/web-interface/nav`, { headers: { cookie: cookieHeader(fake.session) } });
    expect(nav.headers.getSetCookie()).toEqual([expect.stringContaining(`bili_jct=${fake.session.csrf};`)]);
    expect(await submit(upload, {}, { csrf: before })).toMatchObject({ json: { code: -111 } });
    expect(await submit(upload)).toMatchObject({ json: { code: 0 } });
  });

  it('a process dies before or after its n-th request', async () => {
    fake.cutFrom(2, 'after it is done');
    expect(await preupload()).toMatchObject({ status: 200 });
    await expect(preupload()).rejects.toThrow();
    await expect(preupload()).rejects.toThrow();
    expect(fake.mend()).toBe(true);
    expect(fake.world.objects.size).toBe(2);
  });
});

describe('the list of archives', () => {
  it('has pages, of one account, by status', async () => {
    const upload = await merged();
    for (const title of ['a', 'b', 'c']) await submit(upload, { title });
    const [opened] = fake.world.archives;
    if (opened !== undefined) opened.state = 0;
    const titles = async (search: string, cookie?: string) => {
      const data = await dataOf(member(`/x/web/archives?${search}`, { cookie: cookie ?? cookieHeader(fake.session) }));
      const Page = z.object({ arc_audits: z.array(z.object({ Archive: z.object({ title: z.string() }) })).nullable() });
      return (Page.parse(data).arc_audits ?? []).map(({ Archive }) => Archive.title);
    };
    expect(await titles('status=is_pubing,pubed,not_pubed&pn=1&ps=2')).toEqual(['c', 'b']);
    expect(await titles('status=is_pubing,pubed,not_pubed&pn=2&ps=2')).toEqual(['a']);
    expect(await titles('status=pubed&pn=1&ps=10')).toEqual(['a']);
    expect(await titles('status=not_pubed&pn=1&ps=10')).toEqual([]);
    expect(await titles('pn=1&ps=10', cookieHeader(logIn(fake.world, addAccount(fake.world, 'other').mid)))).toEqual(
      [],
    );
  });
});

describe('a cover', () => {
  it('has an address afterwards, for whoever has the csrf', async () => {
    const cover = (csrf: string) =>
      member(
        '/x/vu/web/cover/up',
        {},
        { method: 'POST', body: new URLSearchParams({ cover: 'data:image/jpeg;base64,/9j/2Q==', csrf }) },
      );
    expect(await cover('another')).toMatchObject({ json: { code: -111 } });
    expect(await dataOf(cover(fake.session.csrf))).toMatchObject({
      url: expect.stringMatching(/^https:.*\/[0-9a-f]{40}\.jpg$/),
    });
  });
});

async function start(settings: Partial<Settings>): Promise<void> {
  if (fake !== undefined) await fake.close();
  nowMs = START_MS;
  fake = await startFakeBilibili({ chunkBytes: CHUNK_BYTES, now: () => nowMs, ...settings });
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

function member(path: string, headers: Record<string, string> = {}, init: RequestInit = {}): Promise<Answer> {
  return ask(`${fake.urls.member}${path}`, { ...init, headers: { cookie: cookieHeader(fake.session), ...headers } });
}

async function dataOf(answer: Promise<Answer>): Promise<unknown> {
  return z.object({ code: z.literal(0), data: z.unknown() }).parse((await answer).json).data;
}

async function navOf(cookie: string): Promise<unknown> {
  return (await ask(`${fake.urls.api}/x/web-interface/nav`, { headers: { cookie } })).json;
}

function stored() {
  return { status: 200, headers: expect.anything(), text: 'MULTIPART_PUT_SUCCESS', json: undefined };
}

function preupload(told: Record<string, string> = {}, cookie = cookieHeader(fake.session)): Promise<Answer> {
  const query = { name: 'film.mp4', size: String(CONTENT.length), r: 'upos', profile: 'ugcupos/bup', ...told };
  return member(`/preupload?${new URLSearchParams(query)}`, { cookie });
}

const Reserved = z.object({ auth: z.string(), biz_id: z.int(), endpoint: z.string(), upos_uri: z.string() });

async function begin(told: Record<string, string> = {}) {
  const { auth, biz_id: bizId, endpoint, upos_uri: uri } = Reserved.parse((await preupload(told)).json);
  const path = uri.replace('upos:/', '');
  const url = `http:${endpoint}${path}`;
  const begun = await ask(`${url}?uploads&output=json`, { method: 'POST', headers: { 'x-upos-auth': auth } });
  const uploadId = z.object({ OK: z.literal(1), upload_id: z.string() }).parse(begun.json).upload_id;
  const object = path.split('/').at(-1) ?? '';
  return { auth, bizId, uri, path, url, uploadId, object, filename: object.replace(/\..*/, ''), total: CONTENT.length };
}

type Begun = Awaited<ReturnType<typeof begin>>;

function partUrl(upload: Begun, number: number, told: Record<string, string> = {}): string {
  const [start, end] = rangeOf(number);
  const query = new URLSearchParams({
    ...{ partNumber: String(number), uploadId: upload.uploadId, chunk: String(number - 1), chunks: '3' },
    ...{ size: String(end - start), start: String(start), end: String(end), total: String(upload.total) },
    ...told,
  });
  return `${upload.url}?${query}`;
}

function put(
  upload: Begun,
  number: number,
  told: Record<string, string> = {},
  given?: RequestInit['body'],
): Promise<Answer> {
  const body = given ?? new Uint8Array(CONTENT.subarray(...rangeOf(number)));
  const init: RequestInit = { method: 'PUT', headers: { 'x-upos-auth': upload.auth }, body, duplex: 'half' };
  return ask(partUrl(upload, number, told), init);
}

function rangeOf(number: number): [number, number] {
  return [(number - 1) * CHUNK_BYTES, Math.min(number * CHUNK_BYTES, CONTENT.length)];
}

interface Completion {
  readonly biz_id?: string;
  readonly name?: string;
  readonly body?: unknown;
}

function complete(upload: Begun, { body, ...told }: Completion = {}): Promise<Answer> {
  const usual = { name: 'film.mp4', profile: 'ugcupos/bup', uploadId: upload.uploadId, biz_id: String(upload.bizId) };
  const parts = [3, 1, 2].map((partNumber) => ({ partNumber, eTag: 'etag' }));
  return ask(`${upload.url}?${new URLSearchParams({ output: 'json', ...usual, ...told })}`, {
    method: 'POST',
    headers: { 'x-upos-auth': upload.auth },
    body: JSON.stringify(body ?? { parts }),
  });
}

async function merged(): Promise<Begun> {
  const upload = await begin();
  for (const number of [1, 2, 3]) await put(upload, number);
  await complete(upload);
  return upload;
}

interface Submitter {
  readonly cookie?: string;
  readonly csrf?: string;
}

function submit(
  upload: Begun,
  members: Record<string, unknown> = {},
  { cookie, csrf }: Submitter = {},
): Promise<Answer> {
  const videos = [{ filename: upload.filename, title: 'P1', desc: '', cid: upload.bizId }];
  const usual = {
    copyright: 1,
    title: '一',
    tid: 21,
    tag: '生活,日常',
    desc: '',
    videos,
    csrf: csrf ?? fake.session.csrf,
  };
  const headers = { 'content-type': 'application/json', ...(cookie === undefined ? {} : { cookie }) };
  return member(`/x/vu/web/add/v3?t=${nowMs}&csrf=${csrf ?? fake.session.csrf}`, headers, {
    method: 'POST',
    body: JSON.stringify({ ...usual, ...members }),
  });
}
