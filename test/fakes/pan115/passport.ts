/** The servers of the login: device code, poll, tokens. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { done, doneLogin, type Exchange, type Reply, refuse } from './exchange.ts';
import { type Login, randomHex, type World } from './world.ts';

/** Afterwards the code is void. */
const QR_LIFE_MS = 5 * 60_000;

const METHODS = ['sha256', 'sha1', 'md5'] as const;

export function authDeviceCode({ form, world }: Exchange): Reply {
  const clientId = form.get('client_id') ?? '';
  if (!world.settings.clientIds.includes(clientId)) refuse(40140106, 'APP ID 无效');
  const challenge = form.get('code_challenge') || refuse(40140101, 'code_challenge 必填');
  const method = METHODS.find((known) => known === form.get('code_challenge_method'));
  if (method === undefined) return refuse(40140102, 'code_challenge_method');
  const uid = randomHex(20);
  const now = world.settings.now();
  const time = String(Math.floor(now / 1000));
  const sign = randomHex(20);
  const begun = { clientId, challenge, method, time, sign, begunAtMs: now };
  world.logins.set(uid, { ...begun, status: 0, changed: Promise.withResolvers() });
  return doneLogin({ uid, time: Number(time), qrcode: `https://115.com/scan/dg-${uid}`, sign });
}

/** A long poll. Nobody has scanned: there is no status at all. */
export async function status({ query, world, headers }: Exchange): Promise<Reply> {
  const login = world.logins.get(query.get('uid') ?? '');
  if (login === undefined || login.sign !== query.get('sign') || login.time !== query.get('time')) {
    return { json: { state: 0, code: 40199002, message: 'key invalid', data: [] } };
  }
  if (isOver(world, login)) return { json: { state: 0, code: 40199002, message: '二维码已过期', data: [] } };
  if (world.settings.poll === 'held' && headers.connection !== 'close') await login.changed.promise;
  if (login.status === 0) return { json: { state: 1, code: 0, message: '', data: [] } };
  return done({ msg: '', status: login.status, version: '1' }, { state: 1 });
}

/** What the person does in the app. */
export function move(world: World, uid: string, status: 1 | 2 | -2): void {
  const login = world.logins.get(uid) ?? refuse(40199002, 'no such login');
  login.status = status;
  login.changed.resolve();
  login.changed = Promise.withResolvers();
}

export function deviceCodeToToken({ form, world }: Exchange): Reply {
  const login = world.logins.get(form.get('uid') ?? '');
  if (login === undefined || isOver(world, login) || login.status !== 2) refuse(40140103, '未授权');
  const verifier = form.get('code_verifier') ?? '';
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) refuse(40140112, 'code_verifier 长度 43-128');
  if (!isChallengeOf(login.challenge, login.method, verifier)) refuse(40140113, 'code_verifier 校验失败');
  world.logins.delete(form.get('uid') ?? '');
  return doneLogin(newPair(world));
}

/** The old pair ends with the answer, whether it arrives or not. */
export function refreshToken({ form, world }: Exchange): Reply {
  const token = form.get('refresh_token') ?? '';
  const state = world.refresh.get(token);
  if (state === undefined) refuse(40140120, 'refresh_token 校验失败');
  if (state === 'used') refuse(40140116, 'refresh_token 无效（已解除授权）');
  const now = world.settings.now();
  if (now - world.lastRenewalMs < world.settings.renewalMs) refuse(40140117, 'access_token 刷新太频繁');
  world.lastRenewalMs = now;
  world.refresh.set(token, 'used');
  for (const access of world.access.keys()) world.access.delete(access);
  return doneLogin(newPair(world));
}

export function newPair(world: World): { access_token: string; refresh_token: string; expires_in: number } {
  const { accessSeconds, now } = world.settings;
  const pair = { access_token: `at.${randomHex(24)}`, refresh_token: `rt.${randomHex(24)}`, expires_in: accessSeconds };
  world.access.set(pair.access_token, now() + accessSeconds * 1000);
  world.refresh.set(pair.refresh_token, 'good');
  return pair;
}

/** Who asks with `Authorization: Bearer`. */
export function checkBearer({ headers, world }: Pick<Exchange, 'headers' | 'world'>): void {
  const [, token = ''] =
    /^Bearer (\S+)$/.exec(headers.authorization ?? '') ?? refuse(40140123, 'access_token 格式错误');
  const endsAtMs = world.access.get(token);
  if (endsAtMs === undefined || endsAtMs <= world.settings.now())
    refuse(40140125, 'access_token 无效（已过期或已解除授权）');
}

/** The digest's bytes in Base64: padded, or in the alphabet of addresses without padding. */
export function isChallengeOf(challenge: string, method: 'sha256' | 'sha1' | 'md5', verifier: string): boolean {
  const digest = createHash(method).update(verifier).digest();
  const spellings = [digest.toString('base64'), digest.toString('base64url')].map((text) => Buffer.from(text));
  const given = Buffer.from(challenge);
  return spellings.some((text) => text.length === given.length && timingSafeEqual(text, given));
}

function isOver(world: World, login: Login): boolean {
  return world.settings.now() - login.begunAtMs > QR_LIFE_MS;
}
