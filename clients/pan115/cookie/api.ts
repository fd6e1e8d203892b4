/** Calls in the name of a browser's login. Brittle: README.md says why. */

import type { PaceClock } from '#clients/shared.ts';
import { Fault } from '#core/fault.ts';
import { jsonOf } from '../envelope.ts';
import { type HttpAnswer, type HttpRequest, send } from '../http.ts';
import type { Pace } from '../pace.ts';
import type { Cookie } from './cookie.ts';
import type { CookieHosts } from './hosts.ts';

export interface CookieAccount {
  readonly hosts: CookieHosts;
  readonly cookie: Cookie;
  /** Shared by all that ask in the name of this account. */
  readonly pace: Pace;
  readonly clock: PaceClock;
  /** The release of 115's program that we speak like: one that is too old is refused. */
  readonly appVersion?: string;
}

export type Fields = Readonly<Record<string, string | number>>;

export interface JsonCall<T> {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly fields: Fields;
  readonly read: (told: unknown) => T;
}

const APP_VERSION = '35.6.0.3';

export function appVersionOf({ appVersion }: CookieAccount): string {
  return appVersion ?? APP_VERSION;
}

/** Waits for the account's turn, makes the request, and sends the cookie along. The answer may be anything. */
export async function ask(account: CookieAccount, make: () => HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  await account.pace.turn(signal);
  const request = make();
  const headers = {
    cookie: account.cookie.header,
    'user-agent': `Mozilla/5.0 115Browser/${appVersionOf(account)}`,
    ...request.headers,
  };
  return send({ ...request, headers }, signal);
}

/** What `read` makes of the JSON that 115 answers a plain form or query with. It throws the Fault that a refusal means. */
export async function askJson<T>(
  account: CookieAccount,
  { method, url, fields, read }: JsonCall<T>,
  signal: AbortSignal,
): Promise<T> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) parameters.set(name, String(value));
  const form = parameters.toString();
  const query = form === '' ? '' : `?${form}`;
  const request: HttpRequest =
    method === 'GET'
      ? { method, url: url + query }
      : { method, url, body: form, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
  return calming(account, async () => read(jsonOf(await ask(account, () => request, signal))));
}

/** Where 115 asks for less, nothing goes for a while. `work` holds the reading too: limits come inside of good answers. */
export async function calming<T>({ pace }: CookieAccount, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault && error.kind === 'throttled') await pace.holdOff(error.retryAfterMs ?? 0);
    throw error;
  }
}
