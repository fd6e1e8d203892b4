/** Who is asking: cookies and csrf, the answers about the account, and the login by QR code. */
import { done, type Exchange, type Reply } from './exchange.ts';
import { Refusal, refuse } from './refusal.ts';
import {
  type Account,
  cookiesOf,
  logIn,
  type QrLogin,
  randomHex,
  SESSION_SECONDS,
  type Session,
  type World,
} from './world.ts';

const QR_LIFE_MS = 180_000;

/** Of the cookie `SESSDATA`, as it was given; the tolerant mode takes it decoded too. Undefined of a stranger. */
export function sessionOf({ world, request }: Pick<Exchange, 'world' | 'request'>): Session | undefined {
  const pairs = (request.headers.cookie ?? '').split('; ').map((pair) => pair.split(/=(.*)/s, 2));
  const given = pairs.find(([name]) => name === 'SESSDATA')?.[1] ?? '';
  const known = world.sessions.get(given);
  if (known !== undefined || world.settings.mode === 'strict') return known;
  return [...world.sessions.values()].find(({ sessdata }) => decodeURIComponent(sessdata) === given);
}

export function mustBeLoggedIn(exchange: Exchange): Session {
  return sessionOf(exchange) ?? refuse(-101);
}

/** Each that was given, and at least one. */
export function checkCsrf({ csrf }: Session, given: readonly (string | null | undefined)[]): void {
  const told = given.filter((value) => value !== null && value !== undefined);
  if (told.length === 0 || told.some((value) => value !== csrf)) refuse(-111);
}

export function nav(exchange: Exchange): Reply {
  const session = sessionOf(exchange);
  if (session === undefined) {
    throw new Refusal({ json: { code: -101, message: '账号未登录', ttl: 1, data: { isLogin: false } } });
  }
  const { mid, name } = accountOf(exchange.world, session);
  return done({ isLogin: true, mid, uname: name, face: '', level_info: { current_level: 5 } });
}

export function myinfo(exchange: Exchange): Reply {
  const { mid, name } = accountOf(exchange.world, mustBeLoggedIn(exchange));
  return done({ mid, name, sex: '保密', level: 5, silence: 0 });
}

export function finger(): Reply {
  return done({ b_3: `${randomHex(16).toUpperCase()}infoc`, b_4: randomHex(24) });
}

/** `refresh` tells that the cookies should be renewed. */
export function cookieInfo(exchange: Exchange): Reply {
  const { refresh } = mustBeLoggedIn(exchange);
  return done({ refresh, timestamp: exchange.world.settings.now() });
}

export function qrGenerate({ world }: Exchange): Reply {
  const key = randomHex(16);
  world.logins.set(key, { begunAtMs: world.settings.now(), code: 86101, mid: 0 });
  const url = `https://account.bilibili.com/h5/account-h5/auth/scan-web?navhide=1&callback=close&qrcode_key=${key}&from=`;
  return done({ url, qrcode_key: key });
}

/** The outer code is 0 whatever has happened. A confirmed code gives its cookies once. */
export function qrPoll({ world, query }: Exchange): Reply {
  const login = world.logins.get(query.get('qrcode_key') ?? '');
  const code = login === undefined || isOver(world, login) ? 86038 : login.code;
  if (login === undefined || code !== 0) {
    return done({ url: '', refresh_token: '', timestamp: 0, code, message: QR_WORDS[code] });
  }
  login.code = 86038;
  const session = logIn(world, login.mid);
  const cookies = Object.entries(cookiesOf(session));
  const told = cookies.map(([name, value]) => `${name}=${value}`).join('&');
  const data = {
    url: `https://passport.biligame.com/crossDomain?${told}&Expires=${SESSION_SECONDS}&gourl=https%3A%2F%2Fwww.bilibili.com&first_domain=.bilibili.com`,
    refresh_token: session.refreshToken,
    timestamp: world.settings.now(),
    code: 0,
    message: '',
  };
  return { ...done(data), headers: { 'set-cookie': setCookies(world, session) } };
}

/** What the person does in the app. */
export function scan(world: World, key: string): void {
  loginOf(world, key).code = 86090;
}

export function confirm(world: World, key: string, mid: number): void {
  const login = loginOf(world, key);
  login.code = 0;
  login.mid = mid;
}

/** A new csrf for the session, as a header of the answer. */
export function rotateCsrf(world: World, session: Session): string {
  session.csrf = randomHex(16);
  return setCookie(world, 'bili_jct', session.csrf);
}

/** All cookies of a login, as headers of an answer. */
export function setCookies(world: World, session: Session): string[] {
  return Object.entries(cookiesOf(session)).map(([name, value]) => setCookie(world, name, value));
}

const QR_WORDS = { 86101: '未扫码', 86090: '二维码已扫码未确认', 86038: '二维码已失效', 0: '' } as const;

function setCookie(world: World, name: string, value: string): string {
  const expires = new Date(world.settings.now() + SESSION_SECONDS * 1000).toUTCString();
  return `${name}=${value}; Path=/; Domain=bilibili.com; Expires=${expires}${name === 'SESSDATA' ? '; HttpOnly; Secure' : ''}`;
}

function accountOf(world: World, { mid }: Session): Account {
  return world.accounts.get(mid) ?? refuse(-101);
}

function loginOf(world: World, key: string): QrLogin {
  const login = world.logins.get(key);
  if (login === undefined || isOver(world, login)) throw new Error('this QR code is not to be scanned any more');
  return login;
}

function isOver(world: World, { begunAtMs }: QrLogin): boolean {
  return world.settings.now() - begunAtMs >= QR_LIFE_MS;
}
