/** Opens a bucket to pages, as far as it is ours to do. */
import { GetBucketCorsCommand, PutBucketCorsCommand, type S3Client } from '@aws-sdk/client-s3';
import * as access from '#clients/browser-access.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkPresigner, type PresignConfig } from './presign.ts';
import { statusOf } from './refusals.ts';

const { origins, methods, headers, maxAgeSeconds } = access.PAGE_RULE;
const RULES = {
  CORSRules: [
    {
      ID: 'entrepot',
      AllowedOrigins: origins,
      AllowedMethods: methods,
      AllowedHeaders: headers,
      ExposeHeaders: ['ETag', 'Location'],
      MaxAgeSeconds: maxAgeSeconds,
    },
  ],
};

export function openToBrowsers(parts: {
  readonly client: S3Client;
  readonly config: PresignConfig;
  readonly pageOrigin: string;
}): Promise<access.BrowserAccess> {
  const { client, config, pageOrigin } = parts;
  const { bucket: Bucket, clock } = config;
  const ticket = { uploadId: UploadId.parse(`upl_${'0'.repeat(26)}`), number: 1, sizeBytes: 1, ttlSeconds: 60 };
  const bucket: access.Bucket = {
    presign: () => chunkPresigner(config)(ticket),
    hasRules: async (abortSignal) => {
      try {
        const { CORSRules } = await client.send(new GetBucketCorsCommand({ Bucket }), { abortSignal });
        return (CORSRules ?? []).length > 0;
      } catch (error) {
        if (statusOf(error) === 404) return false;
        throw error;
      }
    },
    setRules: async (abortSignal) => {
      await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: RULES }), { abortSignal });
    },
    sleep: (ms) => clock.sleep(ms),
  };
  return access.openToBrowsers(bucket, pageOrigin);
}
