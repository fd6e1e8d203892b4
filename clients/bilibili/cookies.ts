/** A login to Bilibili: the cookies of a browser, as a person pastes them, as other programs keep them, and as Bilibili changes them. */
import * as z from 'zod';

/** Values as they came: what is escaped in them stays so. */
export type Cookies = Readonly<Record<string, string>>;

export interface Login {
  readonly cookies: Cookies;
  /** Epoch milliseconds of the end of `SESSDATA`, where it is known. */
  readonly expiresAtMs?: number | undefined;
  /** With which the browser has its cookies renewed, once: its `ac_time_value`. Never sent as a cookie. */
  readonly refreshToken?: string | undefined;
}

/** `SESSDATA` proves who we are, `bili_jct` that it is we who ask, the others name account and device. */
const NAMES = ['SESSDATA', 'bili_jct', 'DedeUserID', 'DedeUserID__ckMd5', 'sid', 'buvid3', 'buvid4'];
const NEEDED = ['SESSDATA', 'bili_jct'];
/** Browsers keep it beside the cookies, people paste it among them. */
const REFRESH = 'ac_time_value';
const VALUE = /^[\x21-\x3a\x3c-\x7e]{1,1024}$/;

/**
 * From `SESSDATA=…; bili_jct=…` in any order, from the text of a `cookies.json`, from its JSON, or from pairs by name. Among pairs
 * an `ac_time_value` may stand. Null: it is no login.
 */
export function readLogin(given: unknown): Login | null {
  if (typeof given !== 'string') return fromFile(given) ?? fromPairs(given);
  const text = given.trim();
  return text.startsWith('{') ? readJson(text) : withToken(pairsOf(text.replace(/^cookie:/i, '')));
}

export function cookieHeader(cookies: Cookies): string {
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
}

/** The value that Bilibili wants repeated in what changes something. */
export function csrfOf(cookies: Cookies): string {
  return cookies['bili_jct'] ?? '';
}

/**
 * The login with what `Set-Cookie` headers changed of it, and all else that is known of it; the same object when nothing did. Deletions
 * are not followed.
 */
export function renewedLogin(login: Login, setCookies: readonly string[], nowMs: number): Login {
  let renewed = login;
  for (const header of setCookies) {
    const [pair = '', ...attributes] = header.split(';');
    const [found] = Object.entries(pairsOf(pair));
    if (found === undefined || !NAMES.includes(found[0])) continue;
    const [name, value] = found;
    const endsAtMs = endOf(attributes, nowMs);
    if (value === login.cookies[name] || (endsAtMs !== undefined && endsAtMs <= nowMs)) continue;
    const cookies = { ...renewed.cookies, [name]: value };
    if (name !== 'SESSDATA') {
      renewed = { ...renewed, cookies };
      continue;
    }
    const { expiresAtMs: _, ...rest } = renewed;
    renewed = { ...rest, ...withEnd(cookies, endsAtMs) };
  }
  return renewed;
}

/** A login out of the `Set-Cookie` headers of an answer alone. */
export function loginFrom(setCookies: readonly string[], nowMs: number): Login | null {
  const { cookies, expiresAtMs } = renewedLogin({ cookies: {} }, setCookies, nowMs);
  return complete(cookies, expiresAtMs);
}

/** What other programs keep: `cookie_info.cookies[]` of names and values, ends in seconds. Its refresh token is an app's, not a browser's. */
const CookieFile = z.object({
  cookie_info: z.object({
    cookies: z
      .array(z.object({ name: z.string(), value: z.string(), expires: z.number().optional().catch(undefined) }))
      .max(100),
  }),
});

function readJson(text: string): Login | null {
  try {
    const value: unknown = JSON.parse(text);
    return fromFile(value) ?? fromPairs(value);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function fromFile(given: unknown): Login | null {
  const file = CookieFile.safeParse(given);
  if (!file.success) return null;
  const { cookies } = file.data.cookie_info;
  const ends = cookies.find(({ name }) => name === 'SESSDATA')?.expires;
  const pairs = Object.fromEntries(cookies.map(({ name, value }) => [name, value]));
  return complete(pairs, ends !== undefined && ends > 0 ? Math.trunc(ends) * 1000 : undefined);
}

function fromPairs(given: unknown): Login | null {
  const pairs = z.record(z.string(), z.string()).safeParse(given);
  return pairs.success ? withToken(pairs.data) : null;
}

function withToken(pairs: Cookies): Login | null {
  const login = complete(pairs, undefined);
  const refreshToken = pairs[REFRESH];
  return login === null || refreshToken === undefined || !VALUE.test(refreshToken) ? login : { ...login, refreshToken };
}

function complete(pairs: Cookies, expiresAtMs: number | undefined): Login | null {
  const kept = NAMES.flatMap((name) => {
    const value = pairs[name];
    return value !== undefined && VALUE.test(value) ? [[name, value] as const] : [];
  });
  const cookies = Object.fromEntries(kept);
  return NEEDED.every((name) => name in cookies) ? withEnd(cookies, expiresAtMs) : null;
}

function withEnd(cookies: Cookies, expiresAtMs: number | undefined): Login {
  return expiresAtMs === undefined ? { cookies } : { cookies, expiresAtMs };
}

/** Of those that make a login; the others are nobody's business. */
function pairsOf(text: string): Cookies {
  const pairs: Record<string, string> = {};
  for (const pair of text.split(/[;\r\n]+/)) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals)).trim();
    const value = pair.slice(equals + 1).trim();
    if ((NAMES.includes(name) || name === REFRESH) && VALUE.test(value)) pairs[name] = value;
  }
  return pairs;
}

function endOf(attributes: readonly string[], nowMs: number): number | undefined {
  const all = new Map(
    attributes.map((one): [string, string] => {
      const [name = '', ...value] = one.split('=');
      return [name.trim().toLowerCase(), value.join('=').trim()];
    }),
  );
  const seconds = Number(all.get('max-age') ?? Number.NaN);
  if (Number.isFinite(seconds)) return nowMs + seconds * 1000;
  const atMs = Date.parse(all.get('expires') ?? '');
  return Number.isNaN(atMs) ? undefined : atMs;
}
