/** The composition of the Cloudflare home: the only place that names its adapters. The Worker and its hub object both use it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { lossyHints } from '#adapters/decorators/lossy-hints.ts';
import { type HubDoor, hubDoor, hubSigning } from '#adapters/durable/progress.ts';
import { durableCells, durableWorkTable } from '#adapters/durable/table.ts';
import { type GatheredProgress, gatheredProgress } from '#adapters/http-progress/gathered.ts';
import { queuesDispatcher } from '#adapters/queues/dispatcher.ts';
import { r2MultipartIntake } from '#adapters/r2/multipart.ts';
import { r2StagingSource } from '#adapters/r2/staging.ts';
import { s3Files } from '#adapters/s3/files.ts';
import { presignWhole, s3MultipartIntake } from '#adapters/s3/multipart.ts';
import { s3StagingIntake } from '#adapters/s3/staging.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { jsonLog } from '#adapters/system/log.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import { receiptSigner } from '#adapters/vault/receipt-signer.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { sealedBox } from '#adapters/vault/sealed-box.ts';
import { workerPost } from '#adapters/webhook-post/workerd.ts';
import { s3Client } from '#clients/s3/client.ts';
import type { FileDesk } from '#core/files/desk.ts';
import type { Intake } from '#core/intake/intake.ts';
import { type OpenTallies, openBound } from '#core/intake/open-uploads.ts';
import { limitedProvider } from '#core/limits/limited.ts';
import { type LoginDesk, loginDesk } from '#core/login.ts';
import type { Browser } from '#core/ports/browser.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import type { ReceiptSigner } from '#core/ports/receipt-signer.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { underWay } from '#core/under-way.ts';
import { type HomeRefusals, heeding, homeRefusals } from '#core/watch/home-refusals.ts';
import { OWNER } from '../owner.ts';
import { composeWebhooks, type Webhooks } from '../webhooks.ts';
import { type Bindings, readBindings, type WorkerEnv, type WorkerSecrets } from './env.ts';
import { workerDrivers } from './kinds.ts';

export interface WorkerHome {
  readonly env: WorkerEnv;
  readonly secrets: WorkerSecrets;
  readonly engine: Engine;
  readonly intake: Intake;
  readonly multipart: MultipartIntake;
  readonly files: FileDesk;
  readonly kinds: readonly ProviderKind[];
  readonly logins: LoginDesk;
  readonly receipts: ReceiptSigner;
  readonly webhooks: Webhooks;
  readonly hub: HubDoor;
  /** To be kept at the end of a call. */
  readonly refusals: HomeRefusals;
  browserOf(destinationId: string): Promise<Browser | null>;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** Parts that one call drives: six requests of it may wait for answers at once, and each part that moves has one or two of them. */
const FUNCTION_PARTS = 3;
/** A call that died in `finish` may have left a request under way that takes the far side minutes. */
const FINISH_PATIENCE_MS = 5 * 60_000;
/** R2 knows one. */
const REGION = 'auto';
/** What is kept from one call to the next. */
const OPEN: OpenTallies = new Map();

/** For one call. `progress` is to be flushed at its end. Throws an Error that says in one line what this home has not been given. */
export function openHome(bindings: Bindings): { readonly home: WorkerHome; readonly progress: GatheredProgress } {
  const progress = gatheredProgress({ clock: systemClock(), deliver: (text) => hubDoor(bindings.HUB).tell(text) });
  const home = composeWorker(bindings, progress);
  const isToldOfArrivals = home.env.ENTREPOT_ARRIVALS === 'told';
  const intake = isToldOfArrivals ? home.intake : { ...home.intake, staging: hubSigning(home.hub) };
  return { home: { ...home, intake }, progress };
}

/** Asks nobody anything yet. Throws as `openHome` does. */
export function composeWorker(bindings: Bindings, progress: ProgressSink): WorkerHome {
  const { env, secrets } = readBindings(bindings);
  const clock = systemClock();
  // biome-ignore lint/suspicious/noConsole: a Worker has no other way to its log.
  const log = jsonLog((line) => console.log(line.trimEnd()), env.ENTREPOT_LOG);
  const table = durableWorkTable(bindings.TABLE);
  const cells = durableCells(bindings.TABLE);
  const source = r2StagingSource(bindings.STAGING);
  const keys = { accessKeyId: env.ENTREPOT_R2_ACCESS_KEY_ID, secretAccessKey: env.ENTREPOT_R2_SECRET_ACCESS_KEY };
  const bucket = env.ENTREPOT_BUCKET;
  const place = { ...keys, endpoint: env.ENTREPOT_R2_ENDPOINT, region: REGION, forcePathStyle: true };
  const signing = { ...place, bucket, clock };
  const s3 = s3Client(place);

  const drivers = workerDrivers(secrets.ENTREPOT_SEAL_KEY);
  const key = sealKey(Buffer.from(drivers.sealKey, 'base64'));
  const accounts = sealedAccounts(cells, key);
  const { browsers = [], logins = [] } = drivers;
  const refusals = homeRefusals({ cells, clock });
  const kinds = heeding(drivers.kinds, refusals.note);
  const staging = { service: 's3', endpoint: env.ENTREPOT_R2_ENDPOINT, bucket } as const;
  const destinations = cellDestinations({
    ...{ cells, accounts, kinds, browsers, clock, staging },
    underWay: (id) => underWay(table, id),
    limit: limitedProvider,
  });

  const dispatcher = lossyHints({ dispatcher: queuesDispatcher(bindings.HINTS, clock), clock, log });
  const shared = { table, source, dispatcher, destinations, progress, clock, log };
  const multipart = r2MultipartIntake(s3MultipartIntake(s3, signing), (file) => presignWhole(signing, file));
  const callId = randomUUID().slice(0, 8);
  const engine: Engine = {
    ...shared,
    cells,
    limits: {
      files: env.MAX_CONCURRENT_UPLOADS,
      parts: env.MAX_CONCURRENT_PARTS,
      functionParts: FUNCTION_PARTS,
      finishPatienceMs: FINISH_PATIENCE_MS,
    },
    newHolder: () => `${callId}/${randomBytes(9).toString('base64url')}`,
  };
  return {
    env,
    secrets,
    engine,
    intake: {
      ...shared,
      staging: s3StagingIntake(signing),
      bucketName: bucket,
      receiptDigest: env.ENTREPOT_RECEIPT_DIGEST,
      mayOpen: openBound({ table, clock, max: env.MAX_OPEN_TRANSFERS, tallies: OPEN }),
    },
    multipart,
    files: { files: s3Files(s3, signing), multipart, cells, clock, folders: { scene: 'scenes', result: 'results' } },
    kinds,
    logins: loginDesk({ cells, box: sealedBox(key), kinds: logins, destinations, clock }),
    receipts: receiptSigner(key),
    webhooks: composeWebhooks({ engine, key, post: workerPost(), ownerId: OWNER }),
    hub: hubDoor(bindings.HUB),
    refusals,
    browserOf: destinations.browser,
    randomBytes,
  };
}
