/** The fake Bilibili: what it refuses of a renewal. Asked by plain `fetch`, without a client of ours. */
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { expect, it } from 'vitest';
import { type FakeBilibili, startFakeBilibili } from '../../fakes/bilibili/server.ts';
import { cookieHeader, type Session } from '../../fakes/bilibili/world.ts';

const NOW = Date.UTC(2026, 0, 2);

it.each([
  ['of a time to come', NOW + 1, 'sha256'],
  ['of ten minutes ago', NOW - 600_000, 'sha256'],
  ['that is sealed in another way', NOW, 'sha1'],
] as const)('a page %s is not there', async (_what, atMs, oaepHash) => {
  await using at = await started();
  expect((await at.page(atMs, { oaepHash })).status).toBe(404);
  expect((await at.page(NOW, { cookie: '' })).status).toBe(404);
});

it('a token is spent by its first use, with the word of a page that is used once, and only of its own login', async () => {
  await using at = await started();
  const { session } = at.fake;
  const { refreshToken } = session;
  expect(await at.refresh({ refresh_csrf: 'guessed-word' })).toMatchObject({ code: 86095 });
  const word = await at.word();
  expect(await at.refresh({ refresh_csrf: word, refresh_token: 'another' })).toMatchObject({ code: 86095 });
  expect(await at.refresh({ refresh_csrf: word, csrf: 'another' })).toMatchObject({ code: -111 });
  expect(await at.refresh({ refresh_csrf: word })).toMatchObject({ code: 0, data: { status: 0 } });
  expect(await at.refresh({ refresh_csrf: word, refresh_token: refreshToken })).toMatchObject({ code: 86095 });
});

it('the old cookies are good until the new ones confirm them away, with the old token', async () => {
  await using at = await started();
  const old = at.fake.session;
  const { refreshToken } = old;
  await at.refresh({ refresh_csrf: await at.word() });
  const fresh = [...at.fake.world.sessions.values()].at(-1) ?? old;
  expect(await at.confirm(old, refreshToken)).toMatchObject({ code: 86095 });
  expect(await at.confirm(fresh, fresh.refreshToken)).toMatchObject({ code: 86095 });
  expect(at.fake.world.sessions.has(old.sessdata)).toBe(true);
  expect(await at.confirm(fresh, refreshToken)).toMatchObject({ code: 0 });
  expect([...at.fake.world.sessions.keys()]).toEqual([fresh.sessdata]);
});

async function started() {
  const fake = await startFakeBilibili({ now: () => NOW });
  const { session, hosts } = fake;
  const page = (atMs: number, { oaepHash = 'sha256', cookie = cookieHeader(session) } = {}) => {
    const key = createPublicKey({ key: Buffer.from(hosts.publicKey, 'base64'), format: 'der', type: 'spki' });
    const sealed = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash };
    const path = publicEncrypt(sealed, Buffer.from(`refresh_${atMs}`)).toString('hex');
    return fetch(`${hosts.www}/correspond/1/${path}`, { headers: { cookie } });
  };
  const { csrf, refreshToken } = session;
  return {
    fake,
    page,
    word: async () => /id="1-name">(\w+)</.exec(await (await page(NOW)).text())?.[1] ?? '',
    refresh: (told: Record<string, string>) =>
      post(fake, 'cookie/refresh', session, { csrf, source: 'main_web', refresh_token: refreshToken, ...told }),
    confirm: (by: Session, token: string) => post(fake, 'confirm/refresh', by, { csrf: by.csrf, refresh_token: token }),
    [Symbol.asyncDispose]: () => fake.close(),
  };
}

async function post({ hosts }: FakeBilibili, path: string, by: Session, form: Record<string, string>) {
  const headers = { cookie: cookieHeader(by) };
  const body = new URLSearchParams(form);
  const answer = await fetch(`${hosts.passport}/x/passport-login/web/${path}`, { method: 'POST', headers, body });
  return answer.json();
}
