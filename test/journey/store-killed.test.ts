/** The gateway of the other store is killed in the middle of a delivery: the delivery goes on by itself once it is back. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GetObjectCommand, ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ulid } from 'ulid';
import { describe, expect, inject, test } from 'vitest';
import { s3Client } from '#clients/s3/client.ts';
import { anotherGateway, type Radosgw } from '../support/radosgw.ts';
import { type Passed, type RecordingProxy, recordingProxy } from '../support/recording-proxy.ts';
import { serverHome } from '../support/server.ts';
import { sha256, stageMissing, testBytes, untilEnded } from '../support/staging-client.ts';

const MIB = 1024 * 1024;
const SIZE_BYTES = 160 * MIB + 4321;

const address = inject('radosgw');

describe.runIf(address !== null)('a store that is killed', () => {
  test('as a destination gets each part that it acknowledged once, and the whole file intact', async () => {
    const { radosgw, bucket, proxy } = await store();
    await using _radosgw = radosgw;
    await using _proxy = proxy;
    const home = await serverHome();
    try {
      const server = await home.start();
      const { region, accessKeyId, secretAccessKey } = radosgw;
      const made = await server.api('POST', '/api/v1/destinations', {
        id: 'other',
        provider: 's3',
        settings: { endpoint: proxy.url, region, bucket, partBytes: 8 * MIB },
        credentials: { accessKeyId, secretAccessKey },
      });
      expect(made.status).toBe(201);
      const bytes = testBytes(SIZE_BYTES);
      const { body } = await server.api('POST', '/api/v1/uploads', {
        name: '长 片.mp4',
        sizeBytes: SIZE_BYTES,
        destinations: [{ id: 'other', path: '/影视' }],
      });
      proxy.beforeNext(isCompletion, () => radosgw.killGateway());
      const staging = stageMissing(() => server, body.upload.id, bytes);
      for (const parts of [3, 9]) {
        await proxy.until((passed) => passed.filter(isPutPart).length >= parts);
        await killForAWhile(radosgw, proxy);
      }
      await proxy.until((passed) => passed.some((entry) => isCompletion(entry) && entry.status === null));
      await radosgw.startGateway();
      await staging;
      const view = await untilEnded(() => server, body.transfers[0].id);

      expect(view).toMatchObject({ phase: 'done', attempt: 1, movedBytes: SIZE_BYTES });
      const acknowledged = proxy.passed().filter(isPutPart).map(partNumber);
      expect(acknowledged).toHaveLength(new Set(acknowledged).size);
      expect(proxy.passed().filter(isBegun)).toHaveLength(1);
      using client = disposable(radosgw);
      const { Body } = await client.s3.send(new GetObjectCommand({ Bucket: bucket, Key: '影视/长 片.mp4' }));
      const hash = createHash('sha256');
      for await (const piece of Body as AsyncIterable<Uint8Array>) hash.update(piece);
      expect(hash.digest('hex')).toBe(sha256(bytes));
      const { Uploads } = await client.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      expect(Uploads ?? []).toEqual([]);
    } finally {
      await home.cleanup();
    }
  });

  test('as staging is read again only where it broke off, and the file arrives intact', async () => {
    const { radosgw, bucket, proxy } = await store();
    await using _radosgw = radosgw;
    await using _proxy = proxy;
    const { region, accessKeyId, secretAccessKey } = radosgw;
    const home = await serverHome({
      ENTREPOT_S3_ENDPOINT: proxy.url,
      ENTREPOT_S3_REGION: region,
      ENTREPOT_S3_BUCKET: bucket,
      ENTREPOT_S3_ACCESS_KEY_ID: accessKeyId,
      ENTREPOT_S3_SECRET_ACCESS_KEY: secretAccessKey,
    });
    try {
      const server = await home.start();
      const bytes = testBytes(SIZE_BYTES);
      using client = disposable(radosgw);
      await client.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'inbox/folder/影视/长 片.mp4', Body: bytes }));
      for (const reads of [2, 7]) {
        await proxy.until((passed) => passed.filter(isReadOfInbox).length >= reads);
        await killForAWhile(radosgw, proxy);
      }
      const id = (await server.api('GET', '/api/v1/transfers')).body.items[0].id;
      const view = await untilEnded(() => server, id);

      expect(view).toMatchObject({ phase: 'done', attempt: 1, movedBytes: SIZE_BYTES });
      const read = proxy
        .passed()
        .filter(isReadOfInbox)
        .map(({ range }) => range);
      expect(read).toHaveLength(new Set(read).size);
      const arrived = await readFile(join(home.dataDir, 'delivered', '影视', '长 片.mp4'));
      expect(sha256(arrived)).toBe(sha256(bytes));
    } finally {
      await home.cleanup();
    }
  });
});

async function store() {
  if (address === null) throw new Error('no radosgw');
  // Of its own: others use the cluster's at the same time.
  const radosgw = await anotherGateway(address);
  const bucket = `killed-${ulid().toLowerCase()}`;
  await radosgw.makeBucket(bucket);
  return { radosgw, bucket, proxy: await recordingProxy(radosgw.endpoint) };
}

/** Down until somebody has missed it. */
async function killForAWhile(radosgw: Radosgw, proxy: RecordingProxy): Promise<void> {
  const missed = (passed: readonly Passed[]) => passed.filter(({ status }) => status === null).length;
  const before = missed(proxy.passed());
  await radosgw.killGateway();
  await proxy.until((passed) => missed(passed) > before);
  await radosgw.startGateway();
}

const isPutPart = ({ method, url, status }: Passed) =>
  method === 'PUT' && isOfFile(url) && url.includes('partNumber=') && status === 200;
const isBegun = ({ method, url, status }: Passed) =>
  method === 'POST' && isOfFile(url) && /[?&]uploads\b/.test(url) && status === 200;
const isReadOfInbox = ({ method, url, range, status }: Passed) =>
  method === 'GET' && isOfFile(url) && range !== undefined && status === 206;

function isCompletion({
  method,
  url = '',
}: {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}) {
  return method === 'POST' && isOfFile(url) && url.includes('uploadId=');
}

/** A destination also tries its store, on a name of its own. */
function isOfFile(url: string): boolean {
  return url.includes(encodeURIComponent('长 片.mp4'));
}

function partNumber({ url }: Passed): string | null {
  return new URL(url, 'http://store').searchParams.get('partNumber');
}

function disposable(radosgw: Radosgw) {
  const s3 = s3Client(radosgw);
  return { s3, [Symbol.dispose]: () => s3.destroy() };
}
