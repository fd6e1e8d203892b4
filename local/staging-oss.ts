/** Staging in a bucket of Aliyun OSS that the environment names. */
import { ossFiles } from '#adapters/oss/files.ts';
import { ossStagingLinks } from '#adapters/oss/links.ts';
import { ossMultipartIntake } from '#adapters/oss/multipart.ts';
import { ossStagingIntake, ossStagingSource } from '#adapters/oss/staging.ts';
import { type Lifecycle, type OssSurvey, surveyOssBucket } from '#adapters/oss/survey.ts';
import { ossClient } from '#clients/oss/client.ts';
import { Fault } from '#core/fault.ts';
import type { OssEnv } from './env.ts';
import type { Staging, StagingParts } from './staging.ts';

/** Throws an Error whose one line names the variable to look at, with no secret in it. */
export async function ossStaging({ env, clock }: StagingParts, external: OssEnv): Promise<Staging> {
  const { endpoint, bucket, accessKeyId, accessKeySecret, stsToken } = external;
  const keys = { accessKeyId, accessKeySecret, ...(stsToken === undefined ? {} : { stsToken }) };
  const publicUrl = env.ENTREPOT_PUBLIC_BUCKET_URL;
  const config = {
    ...external,
    clock,
    credentials: async () => keys,
    ...(publicUrl === undefined ? {} : { publicUrl }),
  };
  const client = ossClient(config);
  try {
    const pageOrigin = new URL(`http://localhost:${env.PORT}`).origin;
    const survey = await surveyOssBucket({ client, config, pageOrigin });
    return {
      place: { service: 'oss', endpoint, bucket },
      bucketName: bucket,
      source: ossStagingSource(client),
      intake: ossStagingIntake(config),
      links: ossStagingLinks(config),
      multipart: ossMultipartIntake(client, config),
      files: ossFiles(client, config),
      arrivals: 'looked-for',
      warnings: warningsOf(survey, pageOrigin),
      close: async () => client.close(),
    };
  } catch (error) {
    client.close();
    if (!(error instanceof Fault)) throw error;
    throw new Error(`${VARIABLE_OF[error.code] ?? 'ENTREPOT_OSS_BUCKET'}: ${error.message}`, { cause: error });
  }
}

/** Which variable a person would look at first. */
const VARIABLE_OF: Readonly<Record<string, string>> = {
  'staging.unavailable': 'ENTREPOT_OSS_ENDPOINT',
  'staging.bad_answer': 'ENTREPOT_OSS_ENDPOINT',
  'staging.unknown_key': 'ENTREPOT_OSS_ACCESS_KEY_ID',
  'staging.bad_signature': 'ENTREPOT_OSS_ACCESS_KEY_SECRET',
  'staging.bad_session_token': 'ENTREPOT_OSS_STS_TOKEN',
  'staging.other_region': 'ENTREPOT_OSS_REGION',
};

/** A failed transfer's bytes are kept for a week, so that it can be tried again. */
const KEPT_DAYS = 7;

function warningsOf({ writeOnce, lifecycle, cors }: OssSurvey, pageOrigin: string): string[] {
  const told: string[] = [];
  if (writeOnce === 'ignored') {
    told.push(
      'the bucket does not keep "x-oss-forbid-overwrite" (has it versions? turn them off): a presigned put works more than once, until it expires',
    );
  }
  if (lifecycle !== 'unknown') told.push(...lifecycleWarnings(lifecycle));
  if (cors === 'theirs') {
    told.push(
      `the bucket's CORS rules keep a page of ${pageOrigin} from putting: allow PUT with the header x-oss-forbid-overwrite`,
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

function lifecycleWarnings({ clearsInbox, soonestDays, abortsUploads }: Exclude<Lifecycle, 'unknown'>): string[] {
  const told: string[] = [];
  if (soonestDays !== null && soonestDays <= KEPT_DAYS) {
    told.push(`a lifecycle rule removes staged files after ${soonestDays} days: give them more than ${KEPT_DAYS}`);
  }
  if (!clearsInbox) {
    told.push(
      'delivered objects stay in inbox/, because OSS removes nothing conditionally: add a lifecycle rule for it',
    );
  }
  if (!abortsUploads) told.push('no lifecycle rule gives up unfinished multipart uploads in inbox/: add one');
  return told;
}
