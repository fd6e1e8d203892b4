/** The login of the open platform: a QR code that a person scans with the 115 app, with PKCE instead of a secret. */
import { createHash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { dataOf } from '../envelope.ts';
import { send } from '../http.ts';
import { looseInt, looseText } from '../loose.ts';
import type { OpenHosts } from './hosts.ts';
import { type OpenTokens, TokenData, tokensOf } from './tokens.ts';

/** A login under way: JSON, so that it can be kept between two polls. About five minutes of life. */
export type DeviceCode = z.infer<typeof DeviceCode>;
export const DeviceCode = z.object({
  uid: z.string().min(1).max(256),
  time: z.string().max(32),
  sign: z.string().max(256),
  /** To be shown as a QR code: it is a link, not a picture. */
  qrText: z.string().max(1024),
  verifier: z.string().min(43).max(128),
});

export type LoginState = 'waiting' | 'scanned' | 'confirmed' | 'expired' | 'canceled';

/** 115 holds a poll for half a minute. */
const POLL_TIMEOUT_MS = 65_000;

/** 64 characters of chance; 115 takes 43 to 128. */
export function codeVerifier(): string {
  return randomBytes(48).toString('base64url');
}

/** Of the verifier's SHA-256, as padded Base64: what 115 has taken from the beginning. */
export function codeChallenge(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64');
}

/** Throws Fault `auth` `pan115.app_refused` for a client id that 115 does not take. */
export async function beginLogin(
  hosts: OpenHosts,
  { clientId, verifier = codeVerifier() }: { readonly clientId: string; readonly verifier?: string },
  signal: AbortSignal,
): Promise<DeviceCode> {
  const fields = { client_id: clientId, code_challenge: codeChallenge(verifier), code_challenge_method: 'sha256' };
  const { uid, time, qrcode, sign } = await passport(hosts, 'authDeviceCode', fields, DeviceData, signal);
  return { uid, time, sign, qrText: qrcode, verifier };
}

/** One long poll. A poll that 115 lets run out says `waiting`. */
export async function pollLogin(
  hosts: OpenHosts,
  { uid, time, sign }: Pick<DeviceCode, 'uid' | 'time' | 'sign'>,
  signal: AbortSignal,
): Promise<LoginState> {
  const query = new URLSearchParams({ uid, time, sign });
  const url = `${hosts.qrcode}/get/status/?${query}`;
  const answer = await send({ method: 'GET', url, timeoutMs: POLL_TIMEOUT_MS }, signal);
  try {
    const data = dataOf(answer, { endpoint: 'get/status', schema: StatusData, kind: 'api' });
    return data === null ? 'waiting' : (STATES.get(data.status) ?? 'expired');
  } catch (error) {
    // `state` 0 without a word of blocking or limits is how 115 says that the code is no longer valid.
    if (error instanceof Fault && ['pan115.refused', 'pan115.login_expired'].includes(error.code)) return 'expired';
    throw error;
  }
}

/** After `confirmed`, once. `now` in epoch milliseconds. */
export async function redeemLogin(
  hosts: OpenHosts,
  { uid, verifier }: Pick<DeviceCode, 'uid' | 'verifier'>,
  now: number,
  signal: AbortSignal,
): Promise<OpenTokens> {
  const fields = { uid, code_verifier: verifier };
  return tokensOf(await passport(hosts, 'deviceCodeToToken', fields, TokenData, signal), now);
}

/**
 * The pair that takes the place of this one, which is void as soon as 115 has answered: keep the new one before it is used.
 * Throws Fault `auth` `pan115.login_ended` for a token that has been used.
 */
export async function refreshTokens(hosts: OpenHosts, refreshToken: string, now: () => number): Promise<OpenTokens> {
  // Nobody may end it but its time limit: with an answer that nobody keeps, the login is lost.
  const { signal } = new AbortController();
  const data = await passport(hosts, 'refreshToken', { refresh_token: refreshToken }, TokenData, signal);
  return tokensOf(data, now());
}

async function passport<T>(
  hosts: OpenHosts,
  name: string,
  fields: Readonly<Record<string, string>>,
  schema: z.ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const answer = await send(
    {
      method: 'POST',
      url: `${hosts.passport}/open/${name}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    },
    signal,
  );
  return dataOf(answer, { endpoint: name, schema, kind: 'login' });
}

const DeviceData = z.object({
  uid: looseText,
  time: looseText,
  qrcode: z.string().min(1).max(1024),
  sign: z.string().min(1),
});

/** Empty, as an object or a list, until somebody has scanned the code. */
const StatusData = z.preprocess(
  (value) => (typeof value === 'object' && value !== null && 'status' in value ? value : null),
  z.object({ status: looseInt }).nullable(),
);

const STATES: ReadonlyMap<number, LoginState> = new Map([
  [0, 'waiting'],
  [1, 'scanned'],
  [2, 'confirmed'],
  [-1, 'expired'],
  [-2, 'canceled'],
]);
