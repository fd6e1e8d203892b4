/** The composition of the cloud home on AWS: the only place that names its adapters. Functions and the relay both use it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { lossyHints } from '#adapters/decorators/lossy-hints.ts';
import { dynamoCells } from '#adapters/dynamo/cells.ts';
import { dynamoClient } from '#adapters/dynamo/client.ts';
import { dynamoWorkTable } from '#adapters/dynamo/work-table.ts';
import { s3Files } from '#adapters/s3/files.ts';
import { s3StagingLinks } from '#adapters/s3/links.ts';
import { s3MultipartIntake } from '#adapters/s3/multipart.ts';
import { s3StagingIntake, s3StagingSource } from '#adapters/s3/staging.ts';
import { sqsClient } from '#adapters/sqs/client.ts';
import { sqsDispatcher } from '#adapters/sqs/dispatcher.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { jsonLog } from '#adapters/system/log.ts';
import { sealedAccounts } from '#adapters/vault/accounts.ts';
import { cellDestinations } from '#adapters/vault/destinations.ts';
import type { Place } from '#adapters/vault/placement.ts';
import { sealKey } from '#adapters/vault/seal.ts';
import { sealedBox } from '#adapters/vault/sealed-box.ts';
import { s3Endpoint, s3RuntimeClient } from '#clients/s3/client.ts';
import { Fault } from '#core/fault.ts';
import type { AgentRegistry } from '#core/fleet/registry.ts';
import type { Intake } from '#core/intake/intake.ts';
import { openBound } from '#core/intake/open-uploads.ts';
import { limitedProvider } from '#core/limits/limited.ts';
import { type LoginDesk, loginDesk } from '#core/login.ts';
import type { Accounts } from '#core/ports/accounts.ts';
import type { Browser, BrowserKind } from '#core/ports/browser.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import type { Files } from '#core/ports/files.ts';
import type { Log } from '#core/ports/log.ts';
import type { LoginKind } from '#core/ports/login.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import type { SecretBox } from '#core/ports/secret-box.ts';
import type { StagingLinks } from '#core/ports/staging.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { underWay } from '#core/under-way.ts';
import type { CloudEnv } from './env.ts';

export interface CloudParts<Fleet extends CloudFleet = CloudFleet> {
  readonly env: CloudEnv;
  /** Where viewers hear of commits: a signed post from functions, the relay's own hub in the relay. */
  readonly progress: ProgressSink;
  /** `logged`: work goes on without the queue. `thrown`: whoever asked is called again. */
  readonly lostHints: 'logged' | 'thrown';
  /** Absent: nobody here talks to destinations, and nothing can unseal their credentials. */
  readonly drivers?: Drivers;
  /** Absent: the home takes no agents, or nothing here has to do with them. */
  readonly fleet?: (base: FleetBase) => Fleet;
}

/** What a fleet is made of. */
export interface FleetBase {
  readonly cells: Cells;
  readonly clock: Clock;
  readonly log: Log;
  /** Where agents read bytes. */
  readonly links: StagingLinks;
}

export interface CloudFleet {
  readonly registry: AgentRegistry;
  readonly place: Place;
}

export interface Drivers {
  readonly kinds: readonly ProviderKind[];
  readonly browsers?: readonly BrowserKind[];
  readonly logins?: readonly LoginKind[];
  /** 32 bytes, base64. */
  readonly sealKey: string;
}

export interface Cloud<Fleet extends CloudFleet = CloudFleet> {
  readonly engine: Engine;
  readonly intake: Intake;
  readonly multipart: MultipartIntake;
  readonly files: Files;
  readonly logins: LoginDesk;
  browserOf(destinationId: string): Promise<Browser | null>;
  /** Null: the home takes no agents. */
  readonly fleet: Fleet | null;
  /** Closes idle sockets; for processes that end in good order. */
  close(): void;
}

/** Parts that one function drives; more are spread over stripes. */
const FUNCTION_PARTS = 5;
/** A function that died in `finish` may have left a request under way that takes the far side minutes. */
const FINISH_PATIENCE_MS = 5 * 60_000;

/**
 * Asks nobody anything yet. Once per process: rows are committed through the table object that claimed them, and its numbers
 * count up in it. AWS keys are what the runtime gives.
 */
export function composeCloud<Fleet extends CloudFleet = CloudFleet>(parts: CloudParts<Fleet>): Cloud<Fleet> {
  const { env, progress, lostHints, drivers } = parts;
  const clock = systemClock();
  const log = jsonLog((line) => process.stdout.write(line), env.ENTREPOT_LOG);
  const region = env.AWS_REGION;
  const dynamo = dynamoClient({ region, ...at(env.AWS_ENDPOINT_URL_DYNAMODB) });
  const sqs = sqsClient({ region, ...at(env.AWS_ENDPOINT_URL_SQS) });
  const table = dynamoWorkTable(dynamo, env.ENTREPOT_TABLE);
  const cells = dynamoCells(dynamo, env.ENTREPOT_TABLE);

  const bucketName = env.ENTREPOT_BUCKET;
  const place = { region, ...at(env.AWS_ENDPOINT_URL_S3), forcePathStyle: env.AWS_ENDPOINT_URL_S3 !== undefined };
  const { client: s3, keys } = s3RuntimeClient(place);
  const signing = { ...place, bucket: bucketName, keys, clock };
  const source = s3StagingSource(s3, bucketName);

  const queue = sqsDispatcher({ client: sqs, queueUrl: env.ENTREPOT_HINTS_QUEUE_URL, clock });
  const dispatcher = lostHints === 'logged' ? lossyHints({ dispatcher: queue, clock, log }) : queue;
  const { accounts, box } = vaultOf(cells, drivers);
  const { kinds = [], browsers = [], logins = [] } = drivers ?? {};
  const fleet = parts.fleet?.({ cells, clock, log, links: s3StagingLinks(signing) });
  const destinations = cellDestinations({
    cells,
    accounts,
    kinds,
    browsers,
    clock,
    staging: { service: 's3', endpoint: s3Endpoint(place), bucket: bucketName },
    underWay: (id) => underWay(table, id),
    ...(fleet === undefined ? {} : { place: fleet.place }),
    limit: limitedProvider,
  });

  const shared = { table, source, dispatcher, destinations, progress, clock, log };
  const bootId = randomUUID().slice(0, 8);
  return {
    engine: {
      ...shared,
      cells,
      limits: {
        files: env.MAX_CONCURRENT_UPLOADS,
        parts: env.MAX_CONCURRENT_PARTS,
        functionParts: FUNCTION_PARTS,
        finishPatienceMs: FINISH_PATIENCE_MS,
      },
      newHolder: () => `${bootId}/${randomBytes(9).toString('base64url')}`,
    },
    intake: {
      ...shared,
      staging: s3StagingIntake(signing),
      bucketName,
      receiptDigest: env.ENTREPOT_RECEIPT_DIGEST,
      mayOpen: openBound({ table, clock, max: env.MAX_OPEN_TRANSFERS }),
    },
    multipart: s3MultipartIntake(s3, signing),
    files: s3Files(s3, signing),
    logins: loginDesk({ cells, box, kinds: logins, destinations, clock }),
    browserOf: destinations.browser,
    fleet: fleet ?? null,
    close: () => {
      for (const client of [dynamo, sqs, s3]) client.destroy();
    },
  };
}

function vaultOf(cells: Cells, drivers: Drivers | undefined): { readonly accounts: Accounts; readonly box: SecretBox } {
  if (drivers !== undefined) {
    const key = sealKey(Buffer.from(drivers.sealKey, 'base64'));
    return { accounts: sealedAccounts(cells, key), box: sealedBox(key) };
  }
  const closed = (): never => {
    throw new Fault('bug', 'credentials.closed', 'this function has no key to the credentials');
  };
  const later = async (): Promise<never> => closed();
  return {
    accounts: { read: later, store: later, rotate: later, forget: later },
    box: { seal: closed, open: closed },
  };
}

function at(endpoint: string | undefined): { readonly endpoint?: string } {
  return endpoint === undefined ? {} : { endpoint };
}
