/** Questions in the name of a browser's login. Its cookies go to these hosts and nowhere else. */
import { type Cookies, cookieHeader } from './cookies.ts';
import type { BilibiliHosts } from './hosts.ts';
import { type HttpAnswer, type HttpRequest, send } from './http.ts';

export interface BilibiliAccount {
  readonly hosts: BilibiliHosts;
  /** As they are now: another process may have been given others. */
  cookies(): Promise<Cookies>;
  /** Keeps what `Set-Cookie` headers changed of the login that was sent; of another one nothing. */
  renew(setCookies: readonly string[], sent: Cookies): Promise<void>;
}

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly host: 'member' | 'api' | 'passport' | 'www';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly json?: unknown;
  readonly form?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** `make` is given the cookies that go with the question. The answer may be anything. Changed cookies are kept where that can be done. */
export async function ask(
  account: BilibiliAccount,
  make: (cookies: Cookies) => Question,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  signal.throwIfAborted();
  const cookies = await account.cookies();
  const { method, host, path, query = {}, json, form, timeoutMs } = make(cookies);
  const request: HttpRequest = {
    method,
    url: `${account.hosts[host]}${path}${queryOf(query)}`,
    headers: {
      cookie: cookieHeader(cookies),
      referer: 'https://member.bilibili.com/',
      ...(json === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  const answer = await send(request, signal);
  // An answer is worth more than the cookies it brings: what it says cannot be asked for twice.
  if (answer.setCookies.length > 0) await account.renew(answer.setCookies, cookies).catch(() => undefined);
  return answer;
}

/** `?a=1&b=2`, empty for none. */
export function queryOf(query: Readonly<Record<string, string | number>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) parameters.set(name, String(value));
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}
