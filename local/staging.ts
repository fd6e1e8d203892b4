/** Where bytes are staged on one machine: in our own bucket, or in a store that the environment names. */
import { startBucket } from '#adapters/bucket/server.ts';
import { s3Files } from '#adapters/s3/files.ts';
import { s3StagingLinks } from '#adapters/s3/links.ts';
import { s3MultipartIntake } from '#adapters/s3/multipart.ts';
import { s3StagingIntake, s3StagingSource } from '#adapters/s3/staging.ts';
import { type BucketSurvey, surveyBucket } from '#adapters/s3/survey.ts';
import { s3Client, s3Endpoint } from '#clients/s3/client.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { StagingPlace } from '#core/ports/connection.ts';
import type { Files } from '#core/ports/files.ts';
import type { Log } from '#core/ports/log.ts';
import type { MultipartIntake } from '#core/ports/multipart.ts';
import type { StagingIntake, StagingLinks, StagingSource } from '#core/ports/staging.ts';
import { traceOf } from '#core/trace.ts';
import { STAGING_PREFIX } from '#core/wire/keys.ts';
import { bucketKeys, type DataDir } from './data-dir.ts';
import { type Env, ossEnv, type S3Env, s3Env } from './env.ts';
import { ossStaging } from './staging-oss.ts';

export interface Staging {
  readonly place: StagingPlace;
  readonly bucketName: string;
  readonly source: StagingSource;
  readonly intake: StagingIntake;
  readonly links: StagingLinks;
  readonly multipart: MultipartIntake;
  readonly files: Files;
  /** `told`: the bucket tells each change as it happens. `looked-for`: it has to be asked, whatever it may tell besides. */
  readonly arrivals: 'told' | 'looked-for';
  /** What its owner should know, a line each. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

export interface StagingParts {
  readonly env: Env;
  readonly data: DataDir;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes a storage event of our own bucket. */
  readonly onEvent: (event: unknown) => void;
}

const BUCKET = 'entrepot';
const REGION = 'local';

/** Throws an Error whose one line says what to do, with no secret in it. */
export async function openStaging(parts: StagingParts): Promise<Staging> {
  const s3 = s3Env(parts.env);
  if (s3 !== null) return elsewhere(parts, s3);
  const oss = ossEnv(parts.env);
  return oss === null ? embedded(parts) : ossStaging(parts, oss);
}

async function embedded({ env, data, clock, log, onEvent }: StagingParts): Promise<Staging> {
  const keys = bucketKeys(data);
  const limit = env.ENTREPOT_BUCKET_LIMIT;
  const bucket = await startBucket({
    dataDir: data.path('bucket'),
    host: env.HOST,
    port: env.BUCKET_PORT,
    bucket: BUCKET,
    region: REGION,
    credentials: [keys],
    allowedOrigins: '*',
    // Chunks are written once and read by us alone, by whatever name the bucket gives them.
    opaqueEtagPrefix: STAGING_PREFIX,
    ...(limit === undefined ? {} : { bytesPerSecond: limit }),
    onEvent,
    onError: (error) => log.error('bucket.error', traceOf(error)),
  });
  data.write('s3.json', `${JSON.stringify({ ...keys, region: REGION, endpoint: bucket.url, bucket: BUCKET })}\n`);
  const place = { ...keys, endpoint: bucket.url, region: REGION, forcePathStyle: true };
  const client = s3Client(place);
  const config = { ...place, bucket: BUCKET, clock, ...publicUrl(env) };
  return {
    place: { service: 's3', endpoint: bucket.url, bucket: BUCKET },
    bucketName: BUCKET,
    source: bucket.source,
    intake: s3StagingIntake(config),
    links: s3StagingLinks(config),
    multipart: s3MultipartIntake(client, config),
    files: s3Files(client, config),
    arrivals: 'told',
    warnings: [],
    close: async () => {
      await bucket.close();
      client.destroy();
    },
  };
}

async function elsewhere({ env, clock }: StagingParts, external: S3Env): Promise<Staging> {
  const { bucket } = external;
  const client = s3Client(external);
  const config = { ...external, clock, ...publicUrl(env) };
  try {
    const pageOrigin = new URL(`http://localhost:${env.PORT}`).origin;
    const survey = await surveyBucket({ client, config, pageOrigin });
    return {
      place: { service: 's3', endpoint: s3Endpoint(external), bucket },
      bucketName: bucket,
      source: s3StagingSource(client, bucket, survey.conditionalRemoval === 'ignored' ? 'never' : 'conditional'),
      intake: s3StagingIntake({ ...config, condition: survey.conditionalPut === 'refused' ? 'none' : 'if-none-match' }),
      links: s3StagingLinks(config),
      multipart: s3MultipartIntake(client, config),
      files: s3Files(client, config),
      arrivals: 'looked-for',
      warnings: warningsOf(survey, pageOrigin),
      close: async () => client.destroy(),
    };
  } catch (error) {
    client.destroy();
    if (!(error instanceof Fault)) throw error;
    throw new Error(`${VARIABLE_OF[error.code] ?? 'ENTREPOT_S3_BUCKET'}: ${error.message}`, { cause: error });
  }
}

function publicUrl({ ENTREPOT_PUBLIC_BUCKET_URL: url }: Env): { readonly publicUrl?: string } {
  return url === undefined ? {} : { publicUrl: url };
}

/** Which variable a person would look at first. */
const VARIABLE_OF: Readonly<Record<string, string>> = {
  'staging.unavailable': 'ENTREPOT_S3_ENDPOINT',
  'staging.bad_answer': 'ENTREPOT_S3_ENDPOINT',
  'staging.unknown_key': 'ENTREPOT_S3_ACCESS_KEY_ID',
  'staging.bad_signature': 'ENTREPOT_S3_SECRET_ACCESS_KEY',
  'staging.bad_session_token': 'ENTREPOT_S3_SESSION_TOKEN',
  'staging.other_region': 'ENTREPOT_S3_REGION',
};

function warningsOf({ conditionalPut, conditionalRemoval, cors }: BucketSurvey, pageOrigin: string): string[] {
  const told: string[] = [];
  if (conditionalPut !== 'kept') {
    told.push('the bucket does not keep "If-None-Match: *": a presigned put works more than once, until it expires');
  }
  if (conditionalRemoval === 'ignored') {
    told.push('the bucket ignores "If-Match" on removals: delivered objects stay in inbox/ until you remove them');
  }
  if (cors === 'theirs') {
    told.push(
      `the bucket's CORS rules keep a page of ${pageOrigin} from putting: allow PUT with the header if-none-match`,
    );
  }
  if (cors === 'shut') {
    told.push(
      'the bucket lets no page put, and CORS rules could not be set with these keys: uploads in a browser will fail',
    );
  }
  if (cors === 'unasked') {
    told.push('ENTREPOT_PUBLIC_BUCKET_URL is not reached from here, so whether pages may put there is not known');
  }
  return told;
}
