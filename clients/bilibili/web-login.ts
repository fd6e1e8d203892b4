/** The login by a QR code that a person scans with Bilibili's app, as its web page does it. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { queryOf } from './account.ts';
import { type Login, loginFrom, readLogin } from './cookies.ts';
import { dataOf } from './envelope.ts';
import type { BilibiliHosts } from './hosts.ts';
import { type HttpAnswer, send } from './http.ts';

export interface WebCode {
  readonly qrText: string;
  /** Proves that it was we who asked for the code. */
  readonly key: string;
}

export type WebLoginState =
  | { readonly kind: 'waiting' | 'scanned' | 'expired' }
  | { readonly kind: 'confirmed'; readonly login: Login };

type Passport = Pick<BilibiliHosts, 'passport'>;

export async function beginWebLogin({ passport }: Passport, signal: AbortSignal): Promise<WebCode> {
  const url = `${passport}/x/passport-login/web/qrcode/generate`;
  const answer = await send({ method: 'GET', url }, signal);
  const { url: qrText, qrcode_key: key } = dataOf(answer, {
    endpoint: 'qrcode/generate',
    asked: 'question',
    schema: Generated,
  });
  return { qrText, key };
}

/** Nobody can tell whether Bilibili gives a login twice: whoever is told `confirmed` keeps it. */
export async function pollWebLogin(
  { passport }: Passport,
  { key, nowMs }: { readonly key: string; readonly nowMs: number },
  signal: AbortSignal,
): Promise<WebLoginState> {
  const url = `${passport}/x/passport-login/web/qrcode/poll${queryOf({ qrcode_key: key })}`;
  const answer = await send({ method: 'GET', url }, signal);
  const told = dataOf(answer, { endpoint: 'qrcode/poll', asked: 'question', schema: Polled });
  switch (told.code) {
    case 0:
      return { kind: 'confirmed', login: loginIn(answer, told, nowMs) };
    case 86101:
      return { kind: 'waiting' };
    case 86090:
      return { kind: 'scanned' };
    case 86038:
      return { kind: 'expired' };
    default:
      throw new Fault('transient', 'bilibili.refused', `Bilibili answered the login with ${told.code}`);
  }
}

/** The cookies come as such, and once more inside of an address. */
function loginIn({ setCookies }: HttpAnswer, told: z.infer<typeof Polled>, nowMs: number): Login {
  const query = told.url.slice(told.url.indexOf('?') + 1);
  const login = loginFrom(setCookies, nowMs) ?? readLogin(query.replaceAll('&', ';'));
  if (login !== null) return told.refresh_token === '' ? login : { ...login, refreshToken: told.refresh_token };
  throw new Fault('bug', 'bilibili.bad_answer', 'Bilibili confirmed the login and gave no cookies');
}

const Generated = z.object({ url: z.string().min(1).max(1024), qrcode_key: z.string().regex(/^[\w-]{1,256}$/) });

const Polled = z.object({
  code: z.int(),
  url: z.string().catch(''),
  refresh_token: z
    .string()
    .regex(/^[\x21-\x7e]{0,1024}$/)
    .catch(''),
});
