/**
 * A 115 to test against, over real sockets: the open platform and the servers that 115's own programs ask. Strict, and written
 * from what is known of 115, not from our client; `vectors.test.ts` holds both to the same numbers.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as cookie from './cookie.ts';
import { type Exchange, HOSTS, type Host, Refusal, type Reply, refuse, refused } from './exchange.ts';
import * as files from './files.ts';
import { early, type Habit } from './habits.ts';
import * as passport from './passport.ts';
import { publicKeyOfFake } from './seal.ts';
import * as uploads from './uploads.ts';
import { newWorld, type Settings, type World } from './world.ts';

export interface Fake115 {
  readonly world: World;
  /** The base address of each server. */
  readonly urls: Readonly<Record<Host, string>>;
  readonly publicKey: string;
  /** `POST /open/upload/init`, in the order of their coming; refused ones too. */
  readonly log: string[];
  /** Of the next requests to this path. */
  misbehave(path: string, habit: Habit, times?: number): void;
  /** Cuts the connections of the n-th request from now on, n from 1, and of all after it, until `mend`. */
  cutFrom(n: number, done: 'before it is done' | 'after it is done'): void;
  /** Answers whether it came to the cut. */
  mend(): boolean;
  close(): Promise<void>;
}

type Handler = (exchange: Exchange) => Reply | Promise<Reply>;
type Check = (exchange: Exchange) => void;

interface State {
  readonly world: World;
  readonly urls: Map<Host, string>;
  readonly log: string[];
  readonly habits: Map<string, Habit[]>;
  cut: { left: number; readonly done: 'before it is done' | 'after it is done' } | null;
}

const DEFAULTS: Settings = {
  now: Date.now,
  accessSeconds: 7200,
  renewalMs: 30_000,
  stsSeconds: 3600,
  challengeFromBytes: 1_048_576,
  lagMs: 0,
  requestsPerSecond: 4,
  integers: 'as numbers',
  callbackShape: 'object',
  expirationName: 'Expiration',
  missing: 'refused',
  wrongSignature: 'is 8',
  poll: 'at once',
  ranges: [],
  clientIds: ['100000115'],
  ossEndpoint: 'https://oss-cn-shenzhen.aliyuncs.com',
  grant: () => {},
  contentOf: () => undefined,
};

const LIMIT_MS = 10 * 60_000;
const BODY_BYTES_MAX = 32 * 1024 * 1024;

export async function startFake115(settings: Partial<Settings> = {}): Promise<Fake115> {
  const state: State = {
    world: newWorld({ ...DEFAULTS, ...settings }),
    urls: new Map(),
    log: [],
    habits: new Map(),
    cut: null,
  };
  const servers = await Promise.all(HOSTS.map((host) => listen(state, host)));
  const urlOf = (host: Host) => state.urls.get(host) ?? '';
  return {
    world: state.world,
    urls: {
      passport: urlOf('passport'),
      qrcode: urlOf('qrcode'),
      api: urlOf('api'),
      upload: urlOf('upload'),
      web: urlOf('web'),
      bucket: urlOf('bucket'),
    },
    publicKey: publicKeyOfFake(),
    log: state.log,
    misbehave: (path, habit, times = 1) => {
      state.habits.set(path, [...(state.habits.get(path) ?? []), ...Array<Habit>(times).fill(habit)]);
    },
    cutFrom: (n, done) => {
      state.cut = { left: n, done };
    },
    mend: () => {
      const isReached = state.cut !== null && state.cut.left <= 0;
      state.cut = null;
      return isReached;
    },
    close: async () => {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => once(server.close(), 'close')));
    },
  };
}

const OPEN = 'open';
const COOKIE = 'cookie';

/** Who may ask, and how fast: the open platform counts, the rest does not. */
const CHECKS: Readonly<Record<string, Check>> = {
  [OPEN]: (exchange) => {
    count(exchange.world);
    passport.checkBearer(exchange);
  },
  [COOKIE]: (exchange) => {
    checkBlock(exchange.world);
    cookie.checkCookie(exchange);
  },
  none: () => {},
};

const ROUTES: Readonly<Record<Host, Readonly<Record<string, readonly [string, Handler]>>>> = {
  passport: {
    'POST /open/authDeviceCode': ['none', passport.authDeviceCode],
    'POST /open/deviceCodeToToken': ['none', passport.deviceCodeToToken],
    'POST /open/refreshToken': ['none', passport.refreshToken],
  },
  qrcode: { 'GET /get/status/': ['none', passport.status] },
  api: {
    'POST /open/upload/init': [OPEN, uploads.init],
    'GET /open/upload/get_token': [OPEN, uploads.getToken],
    'POST /open/upload/resume': [OPEN, uploads.resume],
    'GET /open/ufile/files': [OPEN, files.list],
    'GET /open/folder/get_info': [OPEN, files.info],
    'POST /open/folder/add': [OPEN, files.add],
    'POST /open/ufile/update': [OPEN, files.update],
    'POST /open/ufile/delete': [OPEN, files.remove],
    'GET /open/user/info': [OPEN, files.userInfo],
    'GET /app/uploadinfo': [COOKIE, cookie.uploadInfo],
  },
  upload: {
    'POST /4.0/initupload.php': [COOKIE, cookie.initUpload],
    'GET /3.0/gettoken.php': ['none', cookie.getToken],
    'POST /3.0/resumeupload.php': [COOKIE, cookie.resumeUpload],
    'POST /3.0/sampleinitupload.php': [COOKIE, cookie.sampleInit],
    'POST /3.0/completeupload.php': ['none', uploads.complete],
  },
  web: {
    'GET /files': [COOKIE, files.webList],
    'POST /files/add': [COOKIE, files.webAdd],
    'GET /files/index_info': [COOKIE, files.webSpace],
  },
  bucket: { 'POST /': ['none', cookie.samplePost] },
};

async function listen(state: State, host: Host): Promise<Server> {
  const server = createServer((request, response) => {
    serve(state, host, request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.urls.set(host, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return server;
}

async function serve(state: State, host: Host, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://fake');
  const body = await bodyOf(request);
  const name = `${request.method} ${path}`;
  const cut = cutOf(state);
  if (cut === 'before it is done') return void request.socket.destroy();
  state.log.push(name);
  const habit = cut === 'after it is done' ? 'lost reply' : state.habits.get(path)?.shift();
  if (habit === 'cut') return void request.socket.destroy();
  if (habit === 'limited') state.world.blockedUntilMs = state.world.settings.now() + LIMIT_MS;
  const isForm = request.headers['content-type'] === 'application/x-www-form-urlencoded';
  const exchange: Exchange = {
    world: state.world,
    query,
    form: new URLSearchParams(isForm ? body.toString() : ''),
    body,
    headers: request.headers,
    habit,
    at: (wanted) => state.urls.get(wanted) ?? '',
  };
  const reply = await replyTo(host, name, exchange);
  if (habit === 'lost reply') return void request.socket.destroy();
  write(response, reply, state.world.settings.integers);
}

async function replyTo(host: Host, name: string, exchange: Exchange): Promise<Reply> {
  try {
    const [access, handler] = ROUTES[host][name] ?? refuse(980006, `404 ${name}`);
    CHECKS[access]?.(exchange);
    return early(exchange.habit, name) ?? (await handler(exchange));
  } catch (error) {
    if (error instanceof Refusal) return refused(host, error);
    throw error;
  }
}

/** Over all endpoints of the account; whoever goes too fast is shut out for ten minutes. */
function count(world: World): void {
  const now = world.settings.now();
  world.requests.push(now);
  while (world.requests.length > 0 && now - (world.requests[0] ?? now) >= 1000) world.requests.shift();
  if (world.requests.length > world.settings.requestsPerSecond) world.blockedUntilMs = now + LIMIT_MS;
  checkBlock(world);
}

function checkBlock({ settings, blockedUntilMs }: World): void {
  if (settings.now() < blockedUntilMs) refuse(770004, '已达到当前访问上限，请稍后再试');
}

function write(response: ServerResponse, reply: Reply, integers: Settings['integers']): void {
  const { status = 200, type = 'application/json', json, text, bytes } = reply;
  const told = integers === 'as strings' ? asStrings(json) : json;
  if (reply.location !== undefined) response.setHeader('location', reply.location);
  response.writeHead(status, { 'content-type': bytes === undefined ? type : 'application/octet-stream' });
  response.end(bytes ?? text ?? JSON.stringify(told));
}

function asStrings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asStrings);
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, asStrings(inner)]));
}

function cutOf({ cut }: State): 'before it is done' | 'after it is done' | null {
  if (cut === null) return null;
  cut.left -= 1;
  if (cut.left > 0) return null;
  return cut.left === 0 ? cut.done : 'before it is done';
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const piece of request) {
    sizeBytes += piece.length;
    if (sizeBytes > BODY_BYTES_MAX) throw new Error('a test sends more than the fake takes');
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
