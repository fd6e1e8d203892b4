/** Our own bucket, started for one test file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bucket, type BucketOptions, startBucket } from '#adapters/bucket/server.ts';
import type { Store } from './rig.ts';

export interface OwnBucket extends Store, AsyncDisposable {
  readonly server: Bucket;
}

export async function ownBucket(more: Pick<BucketOptions, 'bytesPerSecond'> = {}): Promise<OwnBucket> {
  const dataDir = await mkdtemp(join(tmpdir(), 'entrepot-s3-'));
  const credential = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret of the tests' };
  const region = 'us-east-1';
  const bucket = 'destination';
  const server = await startBucket({
    ...{ dataDir, bucket, region, host: '127.0.0.1', port: 0 },
    credentials: [credential],
    allowedOrigins: [],
    ...more,
  });
  return {
    ...{ ...credential, region, bucket, server },
    endpoint: server.url,
    forcePathStyle: true,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      await rm(dataDir, { recursive: true });
    },
  };
}
