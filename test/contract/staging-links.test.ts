/** The contract of staging links in memory, and over real sockets: our own bucket, a fake of OSS. radosgw has a file of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { type Bucket, startBucket } from '#adapters/bucket/server.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryStaging } from '#adapters/memory/staging.ts';
import { ossStagingLinks } from '#adapters/oss/links.ts';
import { s3Client } from '#clients/s3/client.ts';
import type { Clock } from '#core/ports/clock.ts';
import { type FakeOss, startFakeOss } from '../fakes/oss/server.ts';
import { md5 } from '../fakes/oss/store.ts';
import { stagingLinksContract } from './staging-links.contract.ts';
import { behind, got, s3LinksSubject } from './staging-links-rig.ts';

stagingLinksContract({
  name: 'memory',
  make: () => {
    const clock = virtualClock({ seed: 1, startMs: 1_000_000 });
    const staging = memoryStaging(clock);
    return {
      subject: {
        links: staging,
        get: async (url, headers) => staging.downloadFrom(url, headers),
        put: async (key, bytes) => staging.put(key, bytes),
        remove: async (key) => void (await staging.remove(key)),
        expired: async (get) => {
          const presigned = await staging.presignRange(get);
          await clock.advance(get.ttlSeconds * 1000);
          return presigned;
        },
      },
    };
  },
});

describe('over real sockets', () => {
  const s3Keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret of the tests' };
  const ossKeys = { accessKeyId: 'LTAI5tEXAMPLE', accessKeySecret: 'a secret of the tests' };
  let server: Bucket;
  let fake: FakeOss;
  let dataDir: string;
  let client: ReturnType<typeof s3Client>;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'entrepot-links-'));
    server = await startBucket({
      ...{ dataDir, bucket: 'staging', host: '127.0.0.1', port: 0, region: 'us-east-1' },
      credentials: [s3Keys],
      allowedOrigins: '*',
    });
    client = s3Client(s3Config());
    fake = await startFakeOss({ keys: [ossKeys] });
  });
  afterAll(async () => {
    client?.destroy();
    await server?.close();
    await fake?.close();
    await rm(dataDir, { recursive: true });
  });

  const s3Config = () => ({ endpoint: server.url, region: 'us-east-1', ...s3Keys, forcePathStyle: true });
  stagingLinksContract({
    name: 's3 on the embedded bucket',
    make: () => ({ subject: s3LinksSubject(client, { ...s3Config(), bucket: 'staging' }) }),
  });

  stagingLinksContract({
    name: 'oss',
    make: () => {
      const at = (clock: Clock) =>
        ossStagingLinks({
          ...{ endpoint: fake.endpoint, region: fake.region, bucket: fake.bucket, forcePathStyle: true },
          credentials: async () => ossKeys,
          clock,
        });
      return {
        subject: {
          links: at(behind(0)),
          expired: (get) => at(behind(get.ttlSeconds * 1000)).presignRange(get),
          get: got,
          put: async (key, bytes) => {
            const etag = md5(bytes);
            fake.store.write(key, { bytes: Buffer.from(bytes), etag, contentType: '', meta: {} }, 'allowed');
            return { key, version: etag, sizeBytes: bytes.byteLength, modifiedAtMs: Date.now() };
          },
          remove: async (key) => void fake.store.objects.delete(key),
        },
      };
    },
  });
});
