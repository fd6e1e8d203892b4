/**
 * A strict OSS for tests, over a real socket: every signature is verified, and what OSS refuses is refused. Its bad habits
 * are switched on by name, for one operation and a number of times.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Answer, FakeSettings, Operation } from './exchange.ts';
import { verifyForm } from './form.ts';
import { early, type Habit } from './habits.ts';
import { exchangeOf } from './receive.ts';
import { errorXml, Refusal, refuse } from './refusal.ts';
import { allowOrigin, preflight, reply, rulesFor } from './reply.ts';
import { operationOf, routes } from './routes.ts';
import { type Key, verify } from './signature.ts';
import { memoryStore, type Store } from './store.ts';

export interface FakeOss {
  /** `http://127.0.0.1:port`: the bucket goes into the path, or into the first label of the Host header. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly store: Store;
  readonly keys: Map<string, Key>;
  /** Every operation that was asked for, in order. */
  readonly log: Operation[];
  readonly sentBytes: () => number;
  misbehave(operation: Operation, habit: Habit, times?: number): void;
  /** Cuts the connections of the n-th request from now on, n from 1, and of all after it, until `mend`. */
  cutFrom(n: number, done: 'before it is done' | 'after it is done'): void;
  /** Answers whether it came to the cut. */
  mend(): boolean;
  /** Resolves when a stalled request has arrived. */
  readonly stalled: () => Promise<void>;
  release(): void;
  close(): Promise<void>;
}

export interface FakeOptions extends Partial<FakeSettings> {
  readonly bucket?: string;
  readonly region?: string;
  readonly keys: readonly Key[];
  /** Of a CORS rule that is there already. */
  readonly allowedOrigins?: readonly string[];
  /** Rules that are there already, as XML. */
  readonly lifecycle?: string;
  readonly versions?: 'off' | 'on';
  /** What the RAM policy of the keys leaves out. */
  readonly denied?: readonly Operation[];
  readonly now?: () => number;
}

interface State {
  readonly options: FakeOptions;
  readonly bucket: string;
  readonly region: string;
  readonly store: Store;
  readonly keys: Map<string, Key>;
  readonly log: Operation[];
  readonly habits: Map<Operation, Habit[]>;
  sentBytes: number;
  cut: { left: number; readonly done: 'before it is done' | 'after it is done' } | null;
  stalled: PromiseWithResolvers<void>;
  released: PromiseWithResolvers<void>;
}

export async function startFakeOss(options: FakeOptions): Promise<FakeOss> {
  const state: State = {
    options,
    bucket: options.bucket ?? 'staging',
    region: options.region ?? 'cn-hangzhou',
    store: await memoryStore(options.now ?? Date.now, options.versions),
    keys: new Map(options.keys.map((key) => [key.accessKeyId, key])),
    log: [],
    habits: new Map(),
    sentBytes: 0,
    cut: null,
    stalled: Promise.withResolvers(),
    released: Promise.withResolvers(),
  };
  if (options.allowedOrigins !== undefined) state.store.rules.set('cors', rulesFor(options.allowedOrigins));
  if (options.lifecycle !== undefined) state.store.rules.set('lifecycle', options.lifecycle);
  const server = createServer((request, response) => {
    serve(state, request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket: state.bucket,
    region: state.region,
    store: state.store,
    keys: state.keys,
    log: state.log,
    sentBytes: () => state.sentBytes,
    misbehave: (operation, habit, times = 1) => {
      state.habits.set(operation, [...(state.habits.get(operation) ?? []), ...Array<Habit>(times).fill(habit)]);
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
    release: () => state.released.resolve(),
    close: async () => {
      state.released.resolve();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = randomBytes(12).toString('hex').toUpperCase();
  response.setHeader('server', 'AliyunOSS');
  response.setHeader('x-oss-request-id', requestId);
  const { options, store } = state;
  const cors = store.rules.get('cors') ?? '';
  allowOrigin(cors, request, response);
  if (request.method === 'OPTIONS') return preflight(cors, request, response);
  let answer: Answer;
  let habit: Habit | undefined;
  try {
    const settings = { pageMax: options.pageMax ?? 1000, callbackTimeoutMs: options.callbackTimeoutMs ?? 5000 };
    const asked = await exchangeOf(request, { store, settings });
    const verifier = { region: state.region, keys: state.keys, now: options.now ?? Date.now };
    if (asked.form === null) verify(asked, verifier);
    else verifyForm(asked.form, verifier);
    if (asked.bucket !== state.bucket) refuse(404, 'NoSuchBucket', 'The specified bucket does not exist.');
    const operation = operationOf(asked);
    if (options.denied?.includes(operation)) {
      refuse(403, 'AccessDenied', 'You have no right to access this object because of bucket acl.');
    }
    const cut = cutOf(state);
    if (cut === 'before it is done') return void request.socket.destroy();
    state.log.push(operation);
    habit = cut === 'after it is done' ? 'lost reply' : state.habits.get(operation)?.shift();
    if (habit === 'stalled') await stall(state);
    answer = early(habit) ?? (await routes[operation](asked));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const body = errorXml(error, requestId, request.headers.host ?? '');
    // A HEAD has no body to tell it in.
    const told = request.method === 'HEAD' ? { 'x-oss-err': Buffer.from(body).toString('base64') } : {};
    answer = { status: error.status, headers: { 'content-type': 'application/xml', ...told }, body };
  }
  if (habit === 'lost reply') return void request.socket.destroy();
  const sent = (sizeBytes: number) => {
    state.sentBytes += sizeBytes;
  };
  await reply(request, response, { answer, habit, sent });
}

function cutOf({ cut }: State): 'before it is done' | 'after it is done' | null {
  if (cut === null) return null;
  cut.left -= 1;
  if (cut.left > 0) return null;
  return cut.left === 0 ? cut.done : 'before it is done';
}

async function stall(state: State): Promise<void> {
  state.stalled.resolve();
  await state.released.promise;
  state.stalled = Promise.withResolvers();
  state.released = Promise.withResolvers();
}
