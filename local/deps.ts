/** The composition of the one-machine home: the only place that names its adapters. */
import { randomBytes, randomUUID } from 'node:crypto';
import { startBucket } from '#adapters/bucket/server.ts';
import { laneDispatcher, lanes } from '#adapters/lanes/dispatcher.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { s3StagingIntake, s3StagingSource } from '#adapters/s3/staging.ts';
import { sqliteCells } from '#adapters/sqlite/cells.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { sqliteWorkTable } from '#adapters/sqlite/work-table.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { jsonLog } from '#adapters/system/log.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { keyFile } from '#adapters/vault/key-file.ts';
import { s3Client } from '#clients/s3/client.ts';
import type { Intake } from '#core/intake/intake.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { evict } from '#core/transfer/gate.ts';
import { providerKinds } from '#providers/index.ts';
import { budgetOf } from '../functions/budget.ts';
import { moveHandler } from '../functions/move.ts';
import { stagedHandler } from '../functions/staged.ts';
import { traceOf } from '../functions/trace.ts';
import { bucketKeys, type DataDir } from './data-dir.ts';
import type { Env } from './env.ts';

const BUCKET = 'entrepot';
const REGION = 'local';

/** Parallel functions: each drives one row. Files are limited by their destination's gate, so this is room for several. */
const MOVERS = 16;
const RECEIVERS = 4;
const EVENTS_PER_CALL = 10;
/** Deliveries of a message that makes its function fail, before it is set aside and logged. */
const MAX_RECEIVES = 5;

/** Drain: functions are told that their budget is over; what is still under way after this is told to stop. */
const PATIENCE_MS = 8_000;

export async function composeLocal(env: Env, data: DataDir) {
  const clock = systemClock();
  const log = jsonLog((line) => process.stderr.write(line), env.ENTREPOT_LOG);
  const database = openDatabase(data.path('entrepot.db'));
  const table = sqliteWorkTable(database);
  const cells = sqliteCells(database);
  const bootId = randomUUID().slice(0, 8);
  const progress = memoryProgress();
  const accounts = sealedAccounts(cells, await keyFile(data.path('key')));
  const draining = new AbortController();
  const lastCall = new AbortController();

  const keys = bucketKeys(data);
  const bucket = await startBucket({
    dataDir: data.path('bucket'),
    host: env.HOST,
    port: env.BUCKET_PORT,
    bucket: BUCKET,
    region: REGION,
    credentials: [keys],
    allowedOrigins: '*',
    ...(env.ENTREPOT_BUCKET_LIMIT === undefined ? {} : { bytesPerSecond: env.ENTREPOT_BUCKET_LIMIT }),
    onEvent: (event) => received.send([JSON.stringify(event)]),
    onError: (error) => log.error('bucket.error', traceOf(error)),
  });
  data.write('s3.json', `${JSON.stringify({ ...keys, region: REGION, endpoint: bucket.url, bucket: BUCKET })}\n`);
  const s3 = { ...keys, endpoint: bucket.url, region: REGION, forcePathStyle: true };
  const destinations = cellDestinations({
    cells,
    accounts,
    kinds: providerKinds,
    clock,
    staging: { service: 's3', endpoint: bucket.url, bucket: BUCKET },
  });
  const client = s3Client(s3);
  const source = s3StagingSource(client, BUCKET);

  const engine: Engine = {
    table,
    cells,
    source,
    dispatcher: { send: async (jobs, options) => dispatcher.send(jobs, options) },
    destinations,
    progress,
    clock,
    log,
    limits: {
      files: env.MAX_CONCURRENT_UPLOADS,
      parts: env.MAX_CONCURRENT_PARTS,
      functionParts: 5,
      finishPatienceMs: 0,
    },
    newHolder: () => `${bootId}/${randomBytes(9).toString('base64url')}`,
  };
  const publicUrl = env.ENTREPOT_PUBLIC_BUCKET_URL;
  const intake: Intake = {
    table,
    source,
    staging: s3StagingIntake({ ...s3, bucket: BUCKET, clock, ...(publicUrl === undefined ? {} : { publicUrl }) }),
    dispatcher: engine.dispatcher,
    destinations,
    progress,
    clock,
    log,
    bucketName: BUCKET,
  };

  const setAside = (body: string, error: unknown): void =>
    log.error('message.set_aside', { bytes: body.length, ...traceOf(error) });
  const move = moveHandler(engine, (context) => budgetOf(context, lastCall.signal));
  const moving = lanes({
    handler: (event, context) =>
      move(event, {
        getRemainingTimeInMillis: () => (draining.signal.aborted ? 0 : context.getRemainingTimeInMillis()),
      }),
    concurrency: MOVERS,
    batchSize: 1,
    clock,
    budgetMs: env.LOCAL_FUNCTION_BUDGET_MS,
    maxReceives: MAX_RECEIVES,
    onFailure: setAside,
  });
  const received = lanes({
    handler: stagedHandler(intake),
    concurrency: RECEIVERS,
    batchSize: EVENTS_PER_CALL,
    clock,
    budgetMs: env.LOCAL_FUNCTION_BUDGET_MS,
    maxReceives: MAX_RECEIVES,
    onFailure: setAside,
  });
  const dispatcher = laneDispatcher(moving);

  return {
    engine,
    intake,
    feed: progress,
    bucket,
    /** Work of a process that died is free again at once: nobody else can be holding it while we have the directory. */
    async takeOver(): Promise<void> {
      table.freeOtherBoots(bootId, clock.now());
      for (const name of ['@digest', ...(await destinations.list()).map(({ id }) => id)]) {
        await evict(engine, name, (holder) => !holder.startsWith(`${bootId}/`));
      }
      if ((await destinations.list()).length === 0) {
        await destinations.create({ id: 'folder', provider: 'folder', settings: { root: data.path('delivered') } });
      }
    },
    /** Hands over what is under way, then lets everything go. Bounded: what does not stop in time is left to its lease. */
    async drain(): Promise<void> {
      draining.abort();
      const timer = setTimeout(() => lastCall.abort(new Error('the process is ending')), PATIENCE_MS);
      const limit = AbortSignal.timeout(2 * PATIENCE_MS);
      await Promise.allSettled([received.drain(limit), moving.drain(limit)]);
      clearTimeout(timer);
      await bucket.close();
      client.destroy();
      database.close();
    },
  };
}
