/**
 * A Bilibili to upload to, over real sockets: the hosts `member`, `api`, `passport` and `www`, and a port for every line of the store
 * behind them. Strict, and written from what others' clients are known to send and receive, not from our client; nothing of it
 * was compared with the real site. @renmu/bili-api 2.15.0 as published uploads to its tolerant mode, and submits. Its bad habits
 * are in `habits.ts`, its settings in `world.ts`.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Host, Operation, Place } from './exchange.ts';
import type { Habit } from './habits.ts';
import type { Asked, Leak } from './record.ts';
import { PUBLIC_KEY } from './renewal.ts';
import { release, type State, serve } from './serve.ts';
import { type Account, addAccount, logIn, newWorld, type Session, type Settings, type World } from './world.ts';

export interface FakeBilibili {
  readonly world: World;
  /** The first account, and a login of it; `addAccount` and `logIn` of `world.ts` make others. */
  readonly account: Account;
  readonly session: Session;
  /** The base address of each host, and of each line by its name. */
  readonly urls: Readonly<Record<Host, string>>;
  readonly lines: Readonly<Record<string, string>>;
  /** What a client is told in place of Bilibili's own. */
  readonly hosts: Readonly<Record<Host | 'publicKey', string>> & { readonly uposScheme: 'http' };
  /** Every request, in the order of their coming; the latest of them. */
  readonly asked: readonly Asked[];
  readonly leaks: readonly Leak[];
  /** Of the next requests for this operation, wherever or at one line: `init at bda2`. */
  misbehave(operation: Operation | `${Operation} at ${string}`, habit: Habit, times?: number): void;
  /** All connections of the line are cut, until it is revived. */
  kill(line: string): void;
  revive(line: string): void;
  /** Cuts the connections of the n-th request from now on, n from 1, and of all after it, until `mend`. */
  cutFrom(n: number, done: 'before it is done' | 'after it is done'): void;
  /** Answers whether it came to the cut. */
  mend(): boolean;
  /** Resolves when a stalled request has arrived. */
  stalled(): Promise<void>;
  /** Lets all stalled requests go on. */
  release(): void;
  /** Throws what was at fault in the fake itself, of which a client saw a connection that was cut. */
  close(): Promise<void>;
}

const DEFAULTS: Settings = {
  now: Date.now,
  mode: 'strict',
  lines: ['bda2', 'txa', 'bldsa'],
  probe: 'by post',
  chunkBytes: 10_485_760,
  threads: 3,
  preuploadsPerHour: Number.POSITIVE_INFINITY,
  completedAgain: 'ok',
  listLagMs: 0,
  viewLagMs: 0,
  pageMax: 50,
  keptBytesMax: 64 * 1024 * 1024,
};

/** Longer than any test waits between two requests: a connection that ends on its own would be a fault nobody asked for. */
const KEEP_ALIVE_MS = 300_000;

const HOSTS: readonly Host[] = ['member', 'api', 'passport', 'www'];

export async function startFakeBilibili(settings: Partial<Settings> = {}): Promise<FakeBilibili> {
  const world = newWorld({ ...DEFAULTS, ...settings });
  const account = addAccount(world, '测试账号');
  const state: State = {
    world,
    endpoints: new Map(),
    asked: [],
    leaks: [],
    broken: [],
    habits: new Map(),
    dead: new Set(),
    cut: null,
    stalled: Promise.withResolvers(),
    released: Promise.withResolvers(),
  };
  const { lines } = world.settings;
  const places: Place[] = [
    ...HOSTS.map((host) => ({ host, line: '' })),
    ...lines.map((line) => ({ host: 'line' as const, line })),
  ];
  const servers = new Map(
    await Promise.all(places.map(async (place) => [keyOf(place), await listen(state, place)] as const)),
  );
  const urlOf = (key: string) => `http:${state.endpoints.get(key)}`;
  const urls = { member: urlOf('member'), api: urlOf('api'), passport: urlOf('passport'), www: urlOf('www') };
  return {
    world,
    account,
    session: logIn(world, account.mid),
    urls,
    hosts: { ...urls, publicKey: PUBLIC_KEY, uposScheme: 'http' },
    lines: Object.fromEntries(lines.map((line) => [line, urlOf(`line ${line}`)])),
    asked: state.asked,
    leaks: state.leaks,
    misbehave: (operation, habit, times = 1) => {
      state.habits.set(operation, [...(state.habits.get(operation) ?? []), ...Array<Habit>(times).fill(habit)]);
    },
    kill: (line) => {
      state.dead.add(line);
      servers.get(`line ${line}`)?.closeAllConnections();
    },
    revive: (line) => {
      state.dead.delete(line);
    },
    cutFrom: (n, done) => {
      state.cut = { left: n, done };
    },
    mend: () => {
      const isReached = state.cut !== null && state.cut.left <= 0;
      state.cut = null;
      return isReached;
    },
    stalled: () => state.stalled.promise,
    release: () => release(state),
    close: async () => {
      release(state);
      for (const server of servers.values()) server.closeAllConnections();
      await Promise.all([...servers.values()].map((server) => once(server.close(), 'close')));
      if (state.broken.length > 0) throw new AggregateError(state.broken, 'the fake Bilibili has a fault of its own');
    },
  };
}

function keyOf({ host, line }: Place): string {
  return host === 'line' ? `line ${line}` : host;
}

async function listen(state: State, place: Place): Promise<Server> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    serve(state, place, request, response).catch((error: unknown) => {
      const isGone = request.socket.destroyed;
      response.destroy();
      if (!isGone) state.broken.push(error);
    });
  });
  server.on('connection', (socket) => {
    if (state.dead.has(place.line)) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.endpoints.set(keyOf(place), `//127.0.0.1:${(server.address() as AddressInfo).port}`);
  return server;
}
