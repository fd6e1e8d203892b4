/** Whether pages may put into the bucket: asked as a browser asks, and allowed where nobody has decided yet. */
import { GetBucketCorsCommand, PutBucketCorsCommand, type S3Client } from '@aws-sdk/client-s3';
import { preflightPut } from '#clients/preflight.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkPresigner, type PresignConfig } from './presign.ts';
import { statusOf } from './refusals.ts';

/**
 * `open`: it lets pages put. `made`: it does since we set its rules. `theirs`: rules of somebody else's keep this page out, and were
 * left alone. `shut`: there are no rules and we may not set them. `unasked`: the address that browsers use is not reached from here.
 */
export type Cors = 'open' | 'made' | 'theirs' | 'shut' | 'unasked';

const ANSWER_MS = 15_000;
/** New rules may take a moment to be everywhere. */
const LOOKS_MAX = 5;
const LOOK_MS = 1_000;

const RULES = {
  CORSRules: [
    {
      ID: 'entrepot',
      AllowedOrigins: ['*'],
      // POST is for forms, which some uploaders of others send.
      AllowedMethods: ['PUT', 'POST', 'GET', 'HEAD'],
      AllowedHeaders: ['*'],
      ExposeHeaders: ['ETag', 'Location'],
      MaxAgeSeconds: 3_600,
    },
  ],
};

export async function openToBrowsers(parts: {
  readonly client: S3Client;
  readonly config: PresignConfig;
  readonly pageOrigin: string;
}): Promise<Cors> {
  const { client, config, pageOrigin } = parts;
  const first = await preflight(config, pageOrigin);
  if (first !== 'shut') return first;
  if (await hasRules(client, config.bucket)) return 'theirs';
  try {
    const command = new PutBucketCorsCommand({ Bucket: config.bucket, CORSConfiguration: RULES });
    await client.send(command, { abortSignal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    // Whatever the reason: it is told as "shut", and what to do about it is the same.
    return 'shut';
  }
  for (let look = 1; look <= LOOKS_MAX; look++) {
    if ((await preflight(config, pageOrigin)) === 'open') return 'made';
    await config.clock.sleep(LOOK_MS);
  }
  return 'shut';
}

/** True also where rules cannot be read: they are then nobody's to overwrite. */
async function hasRules(client: S3Client, bucket: string): Promise<boolean> {
  try {
    const options = { abortSignal: AbortSignal.timeout(ANSWER_MS) };
    const { CORSRules } = await client.send(new GetBucketCorsCommand({ Bucket: bucket }), options);
    return (CORSRules ?? []).length > 0;
  } catch (error) {
    return statusOf(error) !== 404;
  }
}

async function preflight(config: PresignConfig, pageOrigin: string): Promise<'open' | 'shut' | 'unasked'> {
  const ticket = { uploadId: UploadId.parse(`upl_${'0'.repeat(26)}`), number: 1, sizeBytes: 1, ttlSeconds: 60 };
  const { url, headers } = await chunkPresigner(config)(ticket);
  return preflightPut(url, Object.keys(headers), pageOrigin);
}
