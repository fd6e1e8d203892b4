/** Whose login it is, and whether it holds. */
import * as z from 'zod';
import { ask, type BilibiliAccount } from './account.ts';
import { csrfOf } from './cookies.ts';
import { dataOf } from './envelope.ts';

/** The account's name. Throws Fault `auth` `bilibili.login_ended`. */
export async function accountName(account: BilibiliAccount, signal: AbortSignal): Promise<string> {
  const answer = await ask(account, () => ({ method: 'GET', host: 'api', path: '/x/web-interface/nav' }), signal);
  return dataOf(answer, { endpoint: 'nav', asked: 'question', schema: Nav }).uname;
}

/** Whether Bilibili would have the login renewed soon. */
export async function wantsRenewal(account: BilibiliAccount, signal: AbortSignal): Promise<boolean> {
  const answer = await ask(
    account,
    (cookies) => ({
      method: 'GET',
      host: 'passport',
      path: '/x/passport-login/web/cookie/info',
      query: { csrf: csrfOf(cookies) },
    }),
    signal,
  );
  return dataOf(answer, { endpoint: 'cookie/info', asked: 'question', schema: CookieInfo }).refresh;
}

const Nav = z.object({ uname: z.string().catch('') });

const CookieInfo = z.object({ refresh: z.boolean() });
