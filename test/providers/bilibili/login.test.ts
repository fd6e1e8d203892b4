/** The login by a code, and what is taken for a login. */
import { expect, it } from 'vitest';
import { bilibiliKind } from '#providers/bilibili/provider.ts';
import { bilibiliLoginKind } from '#providers/bilibili/qr-login.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { confirm, scan } from '../../fakes/bilibili/passport.ts';
import { startFakeBilibili } from '../../fakes/bilibili/server.ts';
import { SESSION_SECONDS } from '../../fakes/bilibili/world.ts';

const NOW = Date.UTC(2026, 0, 2);

it('a code is scanned and confirmed, and its cookies, which come once, are the login', async () => {
  await using at = await passport();
  const begun = await bilibiliLoginKind.begin(at.settings, at.ctx);
  const asked = { settings: at.settings, secret: JSON.parse(JSON.stringify(begun.secret)) };
  expect(begun.qrText).toContain('qrcode_key=');
  expect(begun.expiresAtMs).toBe(NOW + 180_000);
  expect(await bilibiliLoginKind.look(asked, at.ctx)).toBe('waiting');
  scan(at.fake.world, at.key());
  expect(await bilibiliLoginKind.look(asked, at.ctx)).toBe('scanned');
  confirm(at.fake.world, at.key(), at.fake.account.mid);
  expect(await bilibiliLoginKind.look(asked, at.ctx)).toBe('confirmed');
  const login = await bilibiliLoginKind.redeem(asked, at.ctx);
  const session = [...at.fake.world.sessions.values()].at(-1);
  expect(bilibiliKind.credentials?.parse(login)).toEqual({
    cookies: expect.objectContaining({ SESSDATA: session?.sessdata, bili_jct: session?.csrf }),
    expiresAtMs: NOW + SESSION_SECONDS * 1000,
    refreshToken: session?.refreshToken,
  });
  // Whoever could not store it comes again; after the life of a code nothing of it is kept.
  expect(await bilibiliLoginKind.look(asked, at.ctx)).toBe('confirmed');
  expect(await bilibiliLoginKind.redeem(asked, at.ctx)).toEqual(login);
  at.pass(180_000);
  await expectFault('gone', 'bilibili.login_lost', bilibiliLoginKind.redeem(asked, at.ctx));
});

it('a code that nobody confirms in time is over', async () => {
  await using at = await passport();
  const { secret } = await bilibiliLoginKind.begin(at.settings, at.ctx);
  at.pass(180_000);
  expect(await bilibiliLoginKind.look({ settings: at.settings, secret }, at.ctx)).toBe('expired');
});

it('credentials and settings are taken again in the form in which they are kept', () => {
  const { credentials, settings } = bilibiliKind;
  const login = credentials?.parse({ cookies: 'SESSDATA=a; bili_jct=b', expiresAtMs: 7 });
  expect(login).toEqual({ cookies: { SESSDATA: 'a', bili_jct: 'b' }, expiresAtMs: 7 });
  expect(credentials?.parse(login)).toEqual(login);
  const set = settings.parse({ tid: '160', tags: 'a, b' });
  expect(set).toMatchObject({ tid: 160, tags: ['a', 'b'] });
  expect(settings.parse(set)).toEqual(set);
});

it.each([
  ['no tags', { tid: 160, tags: [] }],
  ['eleven tags', { tid: 160, tags: Array.from({ length: 11 }, (_, i) => `${i}`) }],
  ['a tag of 21 characters', { tid: 160, tags: ['标'.repeat(21)] }],
  ['a repost without a source', { tid: 160, tags: ['a'], copyright: 2 }],
  ['a cover that Bilibili does not have', { tid: 160, tags: ['a'], cover: 'https://example.com/hdslb.com/a.jpg' }],
  ['no partition', { tags: ['a'] }],
  ['more files in an hour than an account was seen to bear', { tid: 160, tags: ['a'], submissionsPerHour: 21 }],
])('settings with %s are refused when they are made', (_what, given) => {
  expect(bilibiliKind.settings.safeParse(given).success).toBe(false);
});

it('a refused login does not quote what was given', () => {
  const result = bilibiliKind.credentials?.safeParse({ cookies: 'SESSDATA=very-secret' });
  expect(result?.success).toBe(false);
  expect(JSON.stringify(result?.error?.issues)).not.toContain('very-secret');
});

async function passport() {
  let nowMs = NOW;
  const fake = await startFakeBilibili({ now: () => nowMs });
  const clock = { now: () => nowMs, sleep: async () => {}, random: () => 0.5 };
  return {
    fake,
    settings: bilibiliKind.settings.parse({ tid: 160, tags: ['a'], endpoints: fake.hosts }),
    ctx: { signal: new AbortController().signal, clock },
    key: () => [...fake.world.logins.keys()].at(-1) ?? '',
    pass: (ms: number) => {
      nowMs += ms;
    },
    [Symbol.asyncDispose]: () => fake.close(),
  };
}
