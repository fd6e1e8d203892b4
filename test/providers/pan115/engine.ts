/** The whole engine in this process, over a bucket in memory, with a destination at the fake 115. Time is real. */
import { randomBytes } from 'node:crypto';
import { laneDispatcher, lanes } from '#adapters/lanes/dispatcher.ts';
import { memoryCells } from '#adapters/memory/cells.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { type MemoryStaging, memoryStaging } from '#adapters/memory/staging.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { newUploadId, transferIdFrom } from '#core/ids.ts';
import { createUpload } from '#core/intake/announce.ts';
import type { Intake } from '#core/intake/intake.ts';
import { receive } from '#core/intake/receive.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Destinations } from '#core/ports/destinations.ts';
import type { Provider } from '#core/ports/provider.ts';
import type { RowKey, WorkTable } from '#core/ports/work-table.ts';
import type { Budget, Engine } from '#core/transfer/engine.ts';
import type { Digests } from '#core/wire/digest.ts';
import { chunkKey } from '#core/wire/keys.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { pan115Kind } from '#providers/pan115/provider.ts';
import { moveHandler } from '../../../functions/move.ts';
import { type FakeOss, startFakeOss } from '../../fakes/oss/server.ts';
import { newPair } from '../../fakes/pan115/passport.ts';
import { type Fake115, startFake115 } from '../../fakes/pan115/server.ts';
import type { Settings } from '../../fakes/pan115/world.ts';
import { NO_STORE, nothing } from '../../support/no-store.ts';

export interface PanEngine extends AsyncDisposable {
  readonly fake: Fake115;
  readonly oss: FakeOss;
  readonly staging: MemoryStaging;
  /** Rows in the order in which functions took them. */
  readonly claimed: readonly RowKey[];
  /** Parts in the order in which they were put. */
  readonly puts: readonly Put[];
  /** All chunks are there before the delivery begins. Answers how it ended. */
  deliver(content: Uint8Array, chunkBytes: number, digests?: Digests): Promise<TransferView>;
  /** An S3 client has put an object. Answers how its delivery ended. */
  put(path: string, content: Uint8Array): Promise<TransferView>;
}

export interface Put {
  /** How many functions had taken the file's stripe by then. */
  readonly function: number;
  /** As `performance.now` has it. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

export interface PanEngineOptions {
  /** Asked for each function that begins. */
  readonly budget: (engine: Pick<PanEngine, 'oss' | 'staging'>) => Budget;
  /** Each one connects to the destination anew, or all share what one has. */
  readonly functions: 'processes of their own' | 'in one process';
  readonly fake?: Partial<Settings>;
  /** Logs in by cookie instead of the open platform's tokens. */
  readonly cookie?: { readonly formBytesMax: number };
  /** In memory unless told. */
  readonly stores?: { readonly table: WorkTable; readonly cells: Cells };
}

const DESTINATION = 'pan';

export async function panEngine(options: PanEngineOptions): Promise<PanEngine> {
  const { budget, functions, fake: settings, stores, cookie } = options;
  const clock = systemClock();
  const oss = await startFakeOss({ bucket: 'fhnfile', region: 'cn-shenzhen', keys: [] });
  const fake = await startFake115({
    ossEndpoint: oss.endpoint,
    grant: (key) => oss.keys.set(key.accessKeyId, key),
    contentOf: (object) => oss.store.objects.get(object)?.bytes,
    // More than the setting below: a request may be some milliseconds late, and the next one on time.
    requestsPerSecond: 6,
    ...settings,
  });
  const { table: bare, cells } = stores ?? { table: memoryWorkTable(), cells: memoryCells() };
  const staging = memoryStaging(clock);
  const progress = memoryProgress();
  const claimed: RowKey[] = [];
  const puts: Put[] = [];
  const table = told(bare, (key) => claimed.push(key));
  const accounts = sealedAccounts(cells, sealKey(randomBytes(32)));
  const connected = () =>
    cellDestinations({ cells, accounts, kinds: [pan115Kind], clock, staging: NO_STORE, underWay: nothing });
  const destinations = connected();
  const { api, passport, upload, web } = fake.urls;
  const { publicKey } = fake;
  await destinations.create({
    id: DESTINATION,
    provider: 'pan115',
    settings: {
      requestsPerSecond: 3,
      endpoints: { api, passport, upload, web, publicKey, oss: oss.endpoint, ossPathStyle: true },
      ...(cookie === undefined ? {} : { ...cookie, allowCookie: true }),
    },
    credentials: cookie === undefined ? tokensOf(fake) : { cookie: cookieOf(fake) },
  });
  const log = { info: () => {}, error: () => {} };
  const engine: Engine = {
    table,
    cells,
    source: staging,
    dispatcher: { send: async (jobs, options) => laneDispatcher(moving).send(jobs, options) },
    destinations: watched(destinations),
    progress,
    clock,
    log,
    limits: { files: 3, parts: 5, functionParts: 5, finishPatienceMs: 0 },
    newHolder: () => `process1/${randomBytes(9).toString('base64url')}`,
  };

  function watched(all: Destinations): Destinations {
    const timed = (provider: Provider): Provider => {
      if (provider.mode !== 'push') return provider;
      return {
        ...provider,
        put: async (...given) => {
          const startedAtMs = performance.now();
          const receipt = await provider.put(...given);
          const taken = claimed.filter(({ sk }) => sk.startsWith('S#')).length;
          puts.push({ function: taken, startedAtMs, endedAtMs: performance.now() });
          return receipt;
        },
      };
    };
    return { ...all, provider: async (id) => timed(await all.provider(id)) };
  }

  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const moving = lanes({
    handler: (event, context) => {
      const own = functions === 'in one process' ? engine : { ...engine, destinations: watched(connected()) };
      return moveHandler(own, () => budget({ oss, staging }))(event, context);
    },
    concurrency: 8,
    batchSize: 1,
    clock,
    budgetMs: 60_000,
    maxReceives: 3,
    onFailure: (_body, error) => failed.reject(error),
  });
  const intake: Intake = { ...engine, bucketName: 'staging', staging };

  async function ended(begin: () => Promise<void>): Promise<TransferView> {
    const end = Promise.withResolvers<TransferView>();
    const unsubscribe = progress.subscribe((rumours) => {
      for (const rumour of rumours) {
        if (rumour.kind === 'transfer' && rumour.view.endedAt !== null) end.resolve(rumour.view);
      }
    });
    try {
      await begin();
      return await Promise.race([end.promise, failed.promise]);
    } finally {
      unsubscribe();
    }
  }

  return {
    fake,
    oss,
    staging,
    claimed,
    puts,
    deliver: (content, chunkBytes, digests = {}) =>
      ended(async () => {
        const uploadId = newUploadId(clock);
        const count = Math.ceil(content.length / chunkBytes);
        for (let number = 1; number <= count; number++) {
          const start = (number - 1) * chunkBytes;
          staging.put(chunkKey(uploadId, number), content.subarray(start, start + chunkBytes));
        }
        await createUpload(intake, {
          v: 1,
          uploadId,
          ownerId: 'local',
          name: 'film.mkv',
          sizeBytes: content.length,
          layout: { kind: 'chunks', chunkBytes, count },
          digests,
          specs: [{ transferId: transferIdFrom(uploadId, 0), destinationId: DESTINATION, folder: '/影视' }],
          createdAt: clock.now(),
          sweptAt: null,
        });
        await receive(intake, [chunkKey(uploadId, 1)]);
      }),
    put: (path, content) =>
      ended(async () => {
        const key = `inbox/${DESTINATION}/${path}`;
        staging.put(key, content);
        await receive(intake, [key]);
      }),
    [Symbol.asyncDispose]: async () => {
      await moving.drain(AbortSignal.timeout(10_000));
      await fake.close();
      await oss.close();
    },
  };
}

function tokensOf({ world }: Fake115) {
  const pair = newPair(world);
  return {
    accessToken: pair.access_token,
    refreshToken: pair.refresh_token,
    expiresAtMs: world.settings.now() + pair.expires_in * 1000,
  };
}

function cookieOf({ world }: Fake115): string {
  return Object.entries(world.account.cookie)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
}

function told(table: WorkTable, onClaim: (key: RowKey) => void): WorkTable {
  return {
    ...table,
    claim: async (key, by) => {
      const claim = await table.claim(key, by);
      if (claim !== null) onClaim(key);
      return claim;
    },
  };
}
