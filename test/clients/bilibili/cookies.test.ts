import { expect, it } from 'vitest';
import { cookieHeader, readLogin, renewedLogin } from '#clients/bilibili/cookies.ts';

const NOW = Date.UTC(2026, 0, 2);
const COOKIES = { SESSDATA: 'a%2C1783000000%2Cb%2A11', bili_jct: '0123abcd', DedeUserID: '430000001' };
const FILE = {
  cookie_info: {
    cookies: [
      { name: 'SESSDATA', value: COOKIES.SESSDATA, http_only: 1, expires: 1_783_000_000, secure: 1 },
      { name: 'bili_jct', value: COOKIES.bili_jct, http_only: 0, expires: 1_783_000_000, secure: 0 },
      { name: 'DedeUserID', value: COOKIES.DedeUserID, http_only: 0, expires: 1_783_000_000, secure: 0 },
    ],
    domains: ['.bilibili.com'],
  },
  sso: ['https://passport.bilibili.com/api/v2/sso'],
  token_info: { access_token: 't', refresh_token: 'r', expires_in: 1, mid: 1 },
  platform: 'BiliTV',
};

it.each([
  ['a header', cookieHeader(COOKIES)],
  ['a header with its name, other cookies and line ends', `Cookie: i-wanna-go-back=1;\n${cookieHeader(COOKIES)};\r\n`],
  ['pairs by name', { ...COOKIES, theme: 'dark' }],
  ['the text of pairs', JSON.stringify(COOKIES)],
])('%s is a login, without what is none of it', (_what, given) => {
  expect(readLogin(given)).toEqual({ cookies: COOKIES });
});

it('a refresh token is taken where it stands among the cookies, and never sent with them', () => {
  const login = readLogin(`${cookieHeader(COOKIES)}; ac_time_value=0a1b`);
  expect(login).toEqual({ cookies: COOKIES, refreshToken: '0a1b' });
  expect(cookieHeader(login?.cookies ?? {})).not.toContain('ac_time_value');
  expect(readLogin({ ...COOKIES, ac_time_value: '0a1b' })).toEqual(login);
});

it.each([
  ['its JSON', FILE],
  ['its text', JSON.stringify(FILE, null, 2)],
])('a cookies.json of other programs is a login with its end, as %s', (_what, given) => {
  expect(readLogin(given)).toEqual({ cookies: COOKIES, expiresAtMs: 1_783_000_000_000 });
});

it.each([
  '',
  'SESSDATA=alone',
  'bili_jct=alone',
  '{"SESSDATA":"a","bili_jct":',
  'SESSDATA=a b; bili_jct=c',
  { SESSDATA: 'line\nend', bili_jct: 'c' },
  { cookie_info: { cookies: [] } },
  null,
  7,
])('%j is no login', (given) => {
  expect(readLogin(given)).toBeNull();
});

it('what Bilibili sets anew is taken over with its end, and nothing that it deletes or that is none of the login', () => {
  const login = { cookies: COOKIES, expiresAtMs: NOW, refreshToken: '0a1b' };
  expect(
    renewedLogin(
      login,
      [
        'bili_jct=ffff; Path=/; Domain=bilibili.com',
        'SESSDATA=new; Path=/; Max-Age=60; HttpOnly',
        'DedeUserID=; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
        'sid=old; Max-Age=0',
        'theme=dark',
      ],
      NOW,
    ),
  ).toEqual({
    cookies: { ...COOKIES, bili_jct: 'ffff', SESSDATA: 'new' },
    expiresAtMs: NOW + 60_000,
    refreshToken: '0a1b',
  });
  expect(renewedLogin(login, ['SESSDATA=new; Path=/'], NOW)).not.toHaveProperty('expiresAtMs');
  expect(renewedLogin(login, [`bili_jct=${COOKIES.bili_jct}; Path=/`], NOW)).toBe(login);
});
