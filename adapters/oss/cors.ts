/** Opens a bucket to pages, as far as it is ours to do. */
import * as access from '#clients/browser-access.ts';
import { hasCors, putCors } from '#clients/oss/bucket.ts';
import type { OssClient } from '#clients/oss/client.ts';
import { UploadId } from '#core/wire/ids.ts';
import { chunkPresigner, type OssPresignConfig } from './presign.ts';

const RULE = { ...access.PAGE_RULE, exposed: ['ETag', 'x-oss-request-id'] };

export function openToBrowsers(parts: {
  readonly client: OssClient;
  readonly config: OssPresignConfig;
  readonly pageOrigin: string;
}): Promise<access.BrowserAccess> {
  const { client, config, pageOrigin } = parts;
  const ticket = { uploadId: UploadId.parse(`upl_${'0'.repeat(26)}`), number: 1, sizeBytes: 1, ttlSeconds: 60 };
  const bucket: access.Bucket = {
    presign: async () => chunkPresigner(config)(ticket),
    hasRules: (signal) => hasCors(client, signal),
    setRules: (signal) => putCors(client, RULE, signal),
    sleep: (ms) => config.clock.sleep(ms),
  };
  return access.openToBrowsers(bucket, pageOrigin);
}
