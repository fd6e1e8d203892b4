/**
 * The renewal of a browser's login, as Bilibili's page does it by itself: a page made for this moment, new cookies for a token, and
 * a word that they have arrived. Observed in many public clients; nobody has promised it.
 */
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { ask, type BilibiliAccount } from './account.ts';
import { csrfOf, type Login, loginFrom } from './cookies.ts';
import { dataOf } from './envelope.ts';
import type { BilibiliHosts } from './hosts.ts';
import { unavailable } from './http.ts';

export interface RenewalNews {
  /** Bilibili would have the login renewed. */
  readonly isWanted: boolean;
  /** Bilibili's own time, epoch milliseconds: the page of a renewal is refused to a clock that goes wrong. */
  readonly atMs: number;
}

/** A login that can be renewed. */
export type RenewableLogin = Login & { readonly refreshToken: string };

/** Of each request: three of them and what is stored must be over before another process may begin. */
const REQUEST_MS = 15_000;

export async function renewalNews(account: BilibiliAccount, signal: AbortSignal): Promise<RenewalNews> {
  const answer = await ask(
    account,
    (cookies) => ({
      method: 'GET',
      host: 'passport',
      path: '/x/passport-login/web/cookie/info',
      query: { csrf: csrfOf(cookies) },
      timeoutMs: REQUEST_MS,
    }),
    signal,
  );
  const { refresh, timestamp } = dataOf(answer, { endpoint: 'cookie/info', asked: 'question', schema: CookieInfo });
  return { isWanted: refresh, atMs: timestamp };
}

/**
 * The login that takes the place of this one, whose cookies stay good until `confirmRenewal` while its token is spent. Has time
 * limits of its own and no signal: an answer that nobody hears is a renewal lost. Throws Fault `auth` `bilibili.renewal_refused`.
 */
export async function renewLogin(
  hosts: BilibiliHosts,
  login: RenewableLogin,
  { atMs, nowMs }: { readonly atMs: number; readonly nowMs: number },
): Promise<RenewableLogin> {
  const account = holding(hosts, login);
  const { signal } = new AbortController();
  const refreshCsrf = await renewalWord(account, atMs, signal);
  const { refreshToken } = login;
  const answer = await ask(
    account,
    (cookies) => ({
      method: 'POST',
      host: 'passport',
      path: '/x/passport-login/web/cookie/refresh',
      form: { csrf: csrfOf(cookies), refresh_csrf: refreshCsrf, source: 'main_web', refresh_token: refreshToken },
      timeoutMs: REQUEST_MS,
    }),
    signal,
  );
  const told = dataOf(answer, { endpoint: 'cookie/refresh', asked: 'question', schema: Refreshed });
  const renewed = loginFrom(answer.setCookies, nowMs);
  if (renewed === null) throw new Fault('bug', 'bilibili.bad_answer', 'Bilibili renewed the login and gave no cookies');
  // What names the device is not given anew.
  return { ...renewed, cookies: { ...login.cookies, ...renewed.cookies }, refreshToken: told.refresh_token };
}

/** Ends the cookies that the login has replaced, by the token that they were renewed with. */
export async function confirmRenewal(hosts: BilibiliHosts, login: Login, spentToken: string): Promise<void> {
  const answer = await ask(
    holding(hosts, login),
    (cookies) => ({
      method: 'POST',
      host: 'passport',
      path: '/x/passport-login/web/confirm/refresh',
      form: { csrf: csrfOf(cookies), refresh_token: spentToken },
      timeoutMs: REQUEST_MS,
    }),
    new AbortController().signal,
  );
  dataOf(answer, { endpoint: 'confirm/refresh', asked: 'question', schema: z.unknown() });
}

/** Who asks for a renewal stores the cookies of its answer itself, all together. */
function holding(hosts: BilibiliHosts, { cookies }: Login): BilibiliAccount {
  return { hosts, cookies: async () => cookies, renew: async () => undefined };
}

async function renewalWord(account: BilibiliAccount, atMs: number, signal: AbortSignal): Promise<string> {
  const key = createPublicKey({ key: Buffer.from(account.hosts.publicKey, 'base64'), format: 'der', type: 'spki' });
  const padding = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const path = `/correspond/1/${publicEncrypt(padding, Buffer.from(`refresh_${atMs}`)).toString('hex')}`;
  const { status, text } = await ask(
    account,
    () => ({ method: 'GET', host: 'www', path, timeoutMs: REQUEST_MS }),
    signal,
  );
  const [, word] = /<div\s+id="1-name">\s*([\w-]{8,128})\s*<\/div>/.exec(text) ?? [];
  if (status === 200 && word !== undefined) return word;
  throw unavailable(`HTTP ${status} of the page of a renewal`);
}

const CookieInfo = z.object({ refresh: z.boolean(), timestamp: z.int().min(0) });

const Refreshed = z.object({ refresh_token: z.string().regex(/^[\x21-\x7e]{1,1024}$/) });
