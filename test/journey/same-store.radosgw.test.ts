/** Staging and destination in one radosgw, which copies by itself: what arrives is the object, not its namesake. */
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { s3Client } from '#clients/s3/client.ts';
import { radosgwAt } from '../support/radosgw.ts';
import { type RunningServer, type ServerHome, serverHome } from '../support/server.ts';
import { sha256, testBytes } from '../support/staging-client.ts';

/** The least that a store copies as a part. */
const SIZE_BYTES = 5 * 1024 * 1024 + 1;
/** radosgw 16 decodes the name of a part's source twice: it takes some for the one below, some for none, and `100%.bin` kills it. */
const NAMES = ['a%41.bin', 'aA.bin', 'a%2541.bin', '100%.bin', 'a+b.bin', 'a b.bin', '影 视.bin'];

const address = inject('radosgw');

describe.runIf(address !== null)('from one bucket of radosgw to another', () => {
  const staging = `staging-${ulid().toLowerCase()}`;
  const target = `target-${ulid().toLowerCase()}`;
  let home: ServerHome;
  let server: RunningServer;
  let client: ReturnType<typeof s3Client>;

  beforeAll(async () => {
    if (address === null) return;
    for (const bucket of [staging, target]) await radosgwAt(address).makeBucket(bucket);
    const { endpoint, region, accessKeyId, secretAccessKey } = address;
    client = s3Client(address);
    home = await serverHome({
      ENTREPOT_S3_ENDPOINT: endpoint,
      ENTREPOT_S3_REGION: region,
      ENTREPOT_S3_BUCKET: staging,
      ENTREPOT_S3_ACCESS_KEY_ID: accessKeyId,
      ENTREPOT_S3_SECRET_ACCESS_KEY: secretAccessKey,
    });
    server = await home.start();
    const made = await server.api('POST', '/api/v1/destinations', {
      ...{ id: 'target', provider: 's3', settings: { endpoint, region, bucket: target } },
      credentials: { accessKeyId, secretAccessKey },
    });
    expect(made.status).toBe(201);
  });
  afterAll(async () => {
    await home?.cleanup();
    client?.destroy();
  });

  test('names that others become when they are decoded arrive with their own bytes', async () => {
    const contents = new Map(NAMES.map((name) => [name, testBytes(SIZE_BYTES)]));
    for (const [name, Body] of contents) {
      await client.send(new PutObjectCommand({ Bucket: staging, Key: `inbox/target/${name}`, Body }));
    }
    for (;;) {
      const { body } = await server.api('GET', '/api/v1/transfers?limit=200');
      expect(body.items.filter(({ phase }: any) => phase === 'failed')).toEqual([]);
      if (body.items.filter(({ phase }: any) => phase === 'done').length === NAMES.length) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    for (const [name, bytes] of contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: target, Key: name }));
      expect(sha256((await Body?.transformToByteArray()) ?? new Uint8Array()), name).toBe(sha256(bytes));
    }
  });
});
