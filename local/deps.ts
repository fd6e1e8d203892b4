/** The composition of the one-machine home: the only place that names its adapters. */
import { randomBytes, randomUUID } from 'node:crypto';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { groupedState } from '#adapters/sqlite/grouped.ts';
import { openDatabase } from '#adapters/sqlite/open.ts';
import { sqliteWorkTable } from '#adapters/sqlite/work-table.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { jsonLog } from '#adapters/system/log.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { keyFile } from '#adapters/vault/key-file.ts';
import { receiptSigner } from '#adapters/vault/receipt-signer.ts';
import { sealedBox } from '#adapters/vault/sealed-box.ts';
import { nodePost } from '#adapters/webhook-post/node.ts';
import { chunkWatch } from '#core/intake/chunk-watch.ts';
import { inboxWalk } from '#core/intake/inbox-walk.ts';
import type { Intake } from '#core/intake/intake.ts';
import { openBound } from '#core/intake/open-uploads.ts';
import { limitedProvider } from '#core/limits/limited.ts';
import { loginDesk } from '#core/login.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { underWay } from '#core/under-way.ts';
import { heeding, homeRefusals } from '#core/watch/home-refusals.ts';
import { agentKinds, browserKinds, loginKinds, providerKinds } from '#providers/index.ts';
import { kindViews } from '../functions/kind-views.ts';
import { composeWebhooks } from '../functions/webhooks.ts';
import { type Channels, startChannels } from '../relay/channels.ts';
import type { DataDir } from './data-dir.ts';
import type { Env } from './env.ts';
import { openFleet } from './fleet.ts';
import { gatesInMemory } from './gates.ts';
import { followMove } from './moved.ts';
import { checkPlace, notePlace } from './place.ts';
import { localQueues } from './queues.ts';
import { openStaging } from './staging.ts';
import { homeWatch } from './watch.ts';

/** How often a bucket that has to be asked is asked: for chunks of uploads that are being staged, and for the inbox. */
const CHUNKS_MS = 1_000;
const INBOX_MS = 10_000;
/** Of a file that comes through the API: a larger one goes to the bucket by a presigned URL. */
const UPLOAD_BYTES_MAX = 100 * 1024 * 1024;

export async function composeLocal(env: Env, data: DataDir) {
  const clock = systemClock();
  const log = jsonLog((line) => process.stderr.write(line), env.ENTREPOT_LOG);
  const database = openDatabase(data.path('entrepot.db'));
  const reading = openDatabase(data.path('entrepot.db'));
  const state = groupedState(database, reading);
  const { table } = state;
  const cells = gatesInMemory(state.cells);
  const bootId = randomUUID().slice(0, 8);
  const progress = memoryProgress();
  const key = await keyFile(data.path('key'));
  const accounts = sealedAccounts(cells, key);

  await checkPlace(env, data, table);
  const accept = (body: string): void => queues.tell(body);
  const onEvent = (event: unknown): void => accept(JSON.stringify(event));
  const staging = await openStaging({ env, data, clock, log, onEvent });
  notePlace(env, data);
  const { source, bucketName } = staging;
  const fleet = await openFleet({ env, data, cells, links: staging.links, clock, log });
  const refusals = homeRefusals({ cells, clock });
  const destinations = cellDestinations({
    cells,
    accounts,
    kinds: heeding(providerKinds, refusals.note),
    browsers: browserKinds,
    clock,
    staging: staging.place,
    underWay: (id) => underWay(table, id),
    limit: limitedProvider,
    ...(fleet === null ? {} : { place: fleet.place }),
  });

  const engine: Engine = {
    table,
    cells,
    source,
    dispatcher: {
      send: async (jobs, options) => {
        channels?.hint(jobs);
        await queues.hints.send(jobs, options);
      },
    },
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
  const told: Intake = {
    table,
    source,
    staging: staging.intake,
    dispatcher: engine.dispatcher,
    destinations,
    progress,
    clock,
    log,
    bucketName,
    receiptDigest: env.ENTREPOT_RECEIPT_DIGEST,
    mayOpen: openBound({ table, clock, max: env.MAX_OPEN_TRANSFERS }),
  };
  const watch = staging.arrivals === 'looked-for' ? chunkWatch(told) : null;
  const intake = watch?.intake ?? told;

  let channels: Channels | null = null;
  const queues = localQueues({ engine, intake, budgetMs: env.LOCAL_FUNCTION_BUDGET_MS });

  return {
    engine,
    intake,
    logins: loginDesk({ cells, box: sealedBox(key), kinds: loginKinds, destinations, clock }),
    receipts: receiptSigner(key),
    browserOf: destinations.browser,
    agentDoor: fleet?.door,
    watch: (ownerId: string) =>
      homeWatch({ engine, feed: progress, ownerId, registry: fleet?.door.registry, refusals, queues }),
    webhooks: (ownerId: string) =>
      composeWebhooks({ engine, key, post: nodePost({ reach: env.ENTREPOT_WEBHOOKS }), ownerId }),
    kinds: kindViews(providerKinds, fleet === null ? [] : agentKinds),
    feed: progress,
    multipart: staging.multipart,
    files: {
      desk: {
        files: staging.files,
        multipart: staging.multipart,
        cells,
        clock,
        folders: { scene: env.ENTREPOT_SCENE_FOLDER, result: env.ENTREPOT_RESULT_FOLDER },
      },
      uploadBytesMax: UPLOAD_BYTES_MAX,
    },
    warnings: staging.warnings,
    /** Where the bucket tells nothing by itself: what has to be done how often to find what arrived, and what it may push. */
    arrivals: watch && {
      timers: [
        { everyMs: CHUNKS_MS, work: watch.look },
        { everyMs: INBOX_MS, work: inboxWalk(intake) },
      ],
      events: { bucketName, accept },
    },
    /** Work of a process that died is free again at once: nobody else can be holding it while we have the directory. */
    async takeOver(): Promise<void> {
      sqliteWorkTable(database).freeOtherBoots(bootId, clock.now());
      if ((await destinations.list()).length === 0) {
        await destinations.create({ id: 'folder', provider: 'folder', settings: { root: data.path('delivered') } });
      }
      await followMove(data, destinations);
      await watch?.resume();
    },
    /** From now on destinations that ask are answered, and agents come in. To be called when the home has taken over. */
    async serve(): Promise<void> {
      channels = startChannels(engine, progress);
      await fleet?.listen();
    },
    /** Hands over what is under way, then lets everything go. Bounded: what does not stop in time is left to its lease. */
    async drain(): Promise<void> {
      await Promise.all([channels?.stop(), queues.drain()]);
      await fleet?.close();
      await staging.close();
      await state.settled();
      reading.close();
      database.close();
    },
  };
}
