/** A CloudDrive2 over real gRPC, strict, in memory, on the test's time, with bad habits by name. */
import { EventEmitter, once } from 'node:events';
import { Server, ServerCredentials, type status } from '@grpc/grpc-js';
import type { CloudDrivePushMessage } from '#proto/generated/clouddrive/CloudDrivePushMessage.ts';
import { type Account, type Accounts, type ApiToken, accounts } from './accounts.ts';
import { backlog } from './backlog.ts';
import { type FakeDav, fakeDav } from './dav.ts';
import { type Desk, desk, type UploadView } from './desk.ts';
import { fileHandlers } from './files.ts';
import type { Habit } from './habits.ts';
import { type Mounts, mounts } from './mounts.ts';
import { type Rpc, service } from './proto.ts';
import { push } from './push.ts';
import { type Hold, serve } from './serve.ts';
import { systemHandlers } from './system.ts';
import { tasks } from './tasks.ts';
import { type ManualTime, manualTime } from './time.ts';
import { type Cloud, type Tree, tree } from './tree.ts';
import type { UploadRules } from './upload.ts';
import type { DavUser, World } from './world.ts';
import { writes } from './writes.ts';

export interface FakeCloudDrive2 extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly time: ManualTime;
  readonly tree: Tree;
  readonly habits: Set<Habit>;
  readonly accounts: Pick<Accounts, 'revokeAll'>;
  readonly stock: Set<string>;
  readonly calls: readonly { readonly rpc: Rpc; readonly request: unknown }[];
  /** Promises of the protocol that the client has broken. */
  readonly violations: readonly string[];
  rules: UploadRules;
  uploads(): readonly UploadView[];
  openChannels(): readonly string[];
  countOf(rpc: Rpc): number;
  failNext(rpc: Rpc, code: status, details?: string, times?: number): void;
  hold(rpc: Rpc): Hold;
  control: Desk['control'];
  forgetUploads(): void;
  dropChannels: Desk['dropChannels'];
  dropListeners(): void;
  /** What was closed reaches the cloud. */
  flushWrites(): void;
  /** Paths of what was closed and is not in the cloud. */
  unsentFiles(): readonly string[];
  push(message: CloudDrivePushMessage): void;
  /** Pushed, but not taken by those who listen. */
  unsentMessages(): number;
  /** Resolves when `condition` holds, looked at after each thing that happens. */
  until(condition: () => boolean): Promise<void>;
  readonly events: EventEmitter;
  readonly davUsers: DavUser[];
  /** The only mount from now on: a folder of this machine. */
  readonly mountAt: Mounts['mountAt'];
  /** The same tree by WebDAV, on a port of its own. It ends with the fake. */
  openDav(tls?: FakeOptions['tls']): Promise<FakeDav>;
  /** Every connection breaks, and nobody listens until `start`. */
  stop(): void;
  start(): Promise<void>;
}

export interface FakeOptions {
  readonly clouds?: readonly Cloud[];
  readonly accounts?: readonly Account[];
  readonly apiTokens?: readonly ApiToken[];
  readonly rules?: Partial<UploadRules>;
  readonly version?: string;
  readonly listBatch?: number;
  readonly tokenTtlMs?: number;
  readonly time?: ManualTime;
  readonly tls?: { readonly certificate: Buffer; readonly key: Buffer };
}

export const API_TOKEN = 'api-token-of-the-test';
export const ACCOUNT: Account = { userName: 'someone@example.com', password: 'correct horse' };

const MIB = 1024 * 1024;

export async function fakeCloudDrive2(options: FakeOptions = {}): Promise<FakeCloudDrive2> {
  const world = worldOf(options);
  const gate = serve(world);
  const uploads = desk(world, gate);
  const handles = writes(world, gate);
  const list = tasks(world, gate, uploads);
  const places = mounts(world, gate);
  const listeners = push(world, gate);
  world.syncMounts = places.sync;
  world.uploadsChanged = () => {
    world.events.emit('uploads');
    listeners.send({
      messageType: 'UPLOADER_COUNT',
      data: 'transferTaskStatus',
      transferTaskStatus: { uploadCount: list.all().length, uploadFileStatusChanges: [...list.all()] },
    });
  };
  const implementation = {
    ...systemHandlers(world, gate),
    ...places.handlers,
    ...fileHandlers(world, gate),
    ...uploads.handlers,
    ...handles.handlers,
    ...list.handlers,
    ...listeners.handlers,
  };
  const davs: FakeDav[] = [];
  let server = newServer(implementation);
  const port = await bind(server, options, 0);

  return {
    host: '127.0.0.1',
    port,
    time: world.time,
    tree: world.tree,
    habits: world.habits,
    accounts: world.accounts,
    stock: world.stock,
    calls: world.calls,
    violations: world.violations,
    events: world.events,
    davUsers: world.davUsers,
    mountAt: places.mountAt,
    openDav: async (secured) => {
      const opened = await fakeDav(world, secured);
      davs.push(opened);
      return opened;
    },
    get rules() {
      return world.rules;
    },
    set rules(rules) {
      world.rules = rules;
    },
    countOf: (rpc) => world.calls.filter((call) => call.rpc === rpc).length,
    failNext: (rpc, code, details = '', times = 1) => gate.failNext(rpc, code, details, times),
    hold: gate.hold,
    uploads: uploads.uploads,
    control: uploads.control,
    forgetUploads: uploads.forgetUploads,
    dropChannels: uploads.dropChannels,
    openChannels: uploads.openChannels,
    dropListeners: listeners.dropListeners,
    flushWrites: () => {
      places.sync();
      world.backlog.flush();
      for (const show of world.late.splice(0)) show();
    },
    unsentFiles: () => {
      places.sync();
      return world.backlog.paths();
    },
    push: listeners.send,
    unsentMessages: listeners.unsent,
    until: async (condition) => {
      while (!condition()) await Promise.race(NEWS.map((name) => once(world.events, name)));
    },
    stop: () => server.forceShutdown(),
    start: async () => {
      server = newServer(implementation);
      await bind(server, options, port);
    },
    [Symbol.asyncDispose]: async () => {
      uploads.forgetUploads();
      server.forceShutdown();
      for (const one of davs) await one[Symbol.asyncDispose]();
    },
  };
}

const NEWS = ['uploads', 'call', 'channel', 'listener', 'held'] as const;

function worldOf(options: FakeOptions): World {
  const time = options.time ?? manualTime();
  const events = new EventEmitter();
  events.setMaxListeners(0);
  const ttlMs = options.tokenTtlMs ?? 24 * 3600_000;
  const apiTokens = options.apiTokens ?? [{ token: API_TOKEN, rootDir: '/', rights: 'all' }];
  const habits = new Set<Habit>();
  const virtual = tree(options.clouds ?? [{ name: '115', path: '/115', totalBytes: 2 ** 40 }], time.now);
  const world: World = {
    time,
    events,
    tree: virtual,
    backlog: backlog(virtual, habits, time.now, () => world.uploadsChanged()),
    accounts: accounts(options.accounts ?? [ACCOUNT], apiTokens, ttlMs, time.now),
    habits,
    rules: {
      hashes: [{ type: 2 }],
      readBytes: 4 * MIB,
      readsMax: 4,
      pieceBytesMax: MIB,
      hashSilenceMs: 60_000,
      ...options.rules,
    },
    davUsers: [{ ...(options.accounts?.[0] ?? ACCOUNT), root: '/', isReadOnly: false }],
    stock: new Set(),
    version: options.version ?? '1.0.13',
    calls: [],
    violations: [],
    listBatch: options.listBatch ?? 2,
    late: [],
    uploadsChanged: () => {},
    syncMounts: () => {},
  };
  return world;
}

function newServer(implementation: Parameters<Server['addService']>[1]): Server {
  // The real one takes no message over 4 MiB either.
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  server.addService(service, implementation);
  return server;
}

function bind(server: Server, { tls }: FakeOptions, port: number): Promise<number> {
  const credentials =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: tls.certificate, private_key: tls.key }]);
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
}
