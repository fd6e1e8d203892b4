/** The renewal of a login. A token is spent by its first use, whether or not its answer arrives. */
import { constants, createPrivateKey, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { done, type Exchange, type Reply } from './exchange.ts';
import { checkCsrf, mustBeLoggedIn, sessionOf, setCookies } from './passport.ts';
import { refuse } from './refusal.ts';
import { logIn, randomHex } from './world.ts';

/** How old the time in an address may be, and how long the word of a page is good: assumptions. */
const PAGE_MS = 5 * 60_000;

const PAIR = generateKeyPairSync('rsa', {
  modulusLength: 1024,
  publicKeyEncoding: { format: 'der', type: 'spki' },
  privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
});

/** What clients are told in place of Bilibili's own. */
export const PUBLIC_KEY = PAIR.publicKey.toString('base64');

/** A page with a word in it, to whoever knows the key, the time and a login. */
export function correspond(exchange: Exchange): Reply {
  const { world, path } = exchange;
  const nowMs = world.settings.now();
  const session = sessionOf(exchange);
  const atMs = timeIn(path.slice('/correspond/1/'.length));
  if (session === undefined || atMs === null || atMs > nowMs || atMs < nowMs - PAGE_MS) {
    return { status: 404, text: '<html><body>404</body></html>', type: 'text/html' };
  }
  session.word = { text: randomHex(16), atMs: nowMs };
  const text = `<html lang="zh"><body><div id="1-name">${session.word.text}</div></body></html>`;
  return { text, type: 'text/html; charset=utf-8' };
}

/** New cookies for a token, a word and a csrf. The old cookies stay good until they are confirmed away. */
export function cookieRefresh(exchange: Exchange): Reply {
  const { world, body } = exchange;
  const session = mustBeLoggedIn(exchange);
  const form = new URLSearchParams(body.toString());
  checkCsrf(session, [form.get('csrf')]);
  if (form.get('source') !== 'main_web') refuse(-400);
  const { word, refreshToken } = session;
  const isKnown = word !== null && word.text === form.get('refresh_csrf') && word.atMs > world.settings.now() - PAGE_MS;
  if (!isKnown || refreshToken === '' || refreshToken !== form.get('refresh_token')) refuse(86095);
  session.word = null;
  session.refreshToken = '';
  const fresh = logIn(world, session.mid);
  fresh.replaced = { session, refreshToken };
  const data = { status: 0, message: '', refresh_token: fresh.refreshToken };
  return { ...done(data), headers: { 'set-cookie': setCookies(world, fresh) } };
}

/** By the new cookies, their csrf and the old token: the old cookies are void from here. */
export function confirmRefresh(exchange: Exchange): Reply {
  const { world, body } = exchange;
  const session = mustBeLoggedIn(exchange);
  const form = new URLSearchParams(body.toString());
  checkCsrf(session, [form.get('csrf')]);
  if (session.replaced === null || session.replaced.refreshToken !== form.get('refresh_token')) return refuse(86095);
  world.sessions.delete(session.replaced.session.sessdata);
  session.replaced = null;
  return done(null);
}

/** Null of what was not sealed for us. */
function timeIn(path: string): number | null {
  const key = createPrivateKey(PAIR.privateKey);
  const options = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  try {
    const text = privateDecrypt(options, Buffer.from(path, 'hex')).toString();
    const atMs = /^refresh_(\d{13})$/.exec(text)?.[1];
    return atMs === undefined ? null : Number(atMs);
  } catch {
    return null;
  }
}
