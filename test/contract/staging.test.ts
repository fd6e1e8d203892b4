/** The staging contract in memory, and over S3 on a real socket to our own bucket. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bucket, startBucket } from '#adapters/bucket/server.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryStaging } from '#adapters/memory/staging.ts';
import { s3StagingIntake, s3StagingSource } from '#adapters/s3/staging.ts';
import { type S3Config, s3Client } from '#clients/s3/client.ts';
import type { Clock } from '#core/ports/clock.ts';
import { UploadId } from '#core/wire/ids.ts';
import { type StagingSubject, stagingContract } from './staging.contract.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

stagingContract({
  name: 'memory',
  make: () => {
    const clock = virtualClock({ seed: 1, startMs: 1_000_000 });
    const staging = memoryStaging(clock);
    return {
      subject: {
        intake: staging,
        source: staging,
        windowBytes: 256 * KIB,
        sentBytes: staging.sentBytes,
        send: async (url, headers, bytes) => staging.uploadTo(url, headers, bytes),
        overwrite: async (key, bytes) => void staging.put(key, bytes),
        expired: async (put) => {
          const presigned = await staging.presignChunk(put);
          await clock.advance(put.ttlSeconds * 1000);
          return presigned;
        },
      },
    };
  },
});

describe('s3 on the embedded bucket', () => {
  const bucket = 'staging';
  const credential = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret of the tests' };
  let server: Bucket;
  let client: S3Client;
  let dataDir: string;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'entrepot-staging-'));
    server = await startBucket({
      ...{ dataDir, bucket, host: '127.0.0.1', port: 0, region: 'us-east-1' },
      credentials: [credential],
      allowedOrigins: ['https://console.example'],
    });
    client = s3Client(config());
  });
  afterAll(async () => {
    client.destroy();
    await server.close();
    await rm(dataDir, { recursive: true });
  });

  stagingContract({ name: 's3', timeoutMs: 30_000, make: () => ({ subject: subject() }) });
  stagingContract({
    name: 'from inside the embedded bucket',
    timeoutMs: 30_000,
    make: () => ({ subject: { ...subject(), source: server.source, windowBytes: MIB } }),
  });

  it('a presigned URL is of no use for anything but its PUT', async () => {
    const presigned = await subject().intake.presignChunk(chunk());
    const use = async (method: string) => (await fetch(presigned.url, { method, headers: presigned.headers })).status;
    expect(await use('GET')).toBe(403);
    expect(await use('DELETE')).toBe(403);
    expect(await use('POST')).not.toBe(200);
  });

  it('a page of another origin may put, and reads answers and refusals alike', async () => {
    const { url, headers } = await subject().intake.presignChunk(chunk());
    const put = (to: string, bytes: number) =>
      fetch(to, {
        method: 'PUT',
        body: new Uint8Array(bytes),
        headers: { ...headers, origin: 'https://console.example' },
      });
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://console.example',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'if-none-match',
      },
    });
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/if-none-match|\*/i);
    const answers = [await put(url, 5), await put(url, 10), await put(url, 10), await put(`${url}0`, 10)];
    expect(answers.map(({ status }) => status)).toEqual([403, 200, 412, 403]);
    for (const answer of [preflight, ...answers]) {
      expect(answer.headers.get('access-control-allow-origin')).toMatch(/^(\*|https:\/\/console\.example)$/);
    }
  });

  it('a wrong secret is denied', async () => {
    const stranger = s3Client({ ...config(), secretAccessKey: 'another' });
    const denied = { kind: 'auth', code: 'staging.denied' };
    const source = s3StagingSource(stranger, bucket);
    await expect(source.list({ prefix: '', limit: 1 })).rejects.toMatchObject(denied);
    await expect(source.stat('a')).rejects.toMatchObject(denied);
    stranger.destroy();
  });

  it('a bucket that is not there is named as the matter', async () => {
    const source = s3StagingSource(client, 'elsewhere');
    const noBucket = { kind: 'auth', code: 'staging.no_bucket' };
    await expect(source.list({ prefix: '', limit: 1 })).rejects.toMatchObject(noBucket);
    const range = { start: 0, end: 1 };
    const signal = new AbortController().signal;
    await expect(source.read({ key: 'a', version: 'v' }, range, signal)).rejects.toMatchObject(noBucket);
  });

  function config(): S3Config {
    return { endpoint: server.url, region: 'us-east-1', ...credential, forcePathStyle: true };
  }

  function subject(): StagingSubject {
    const intakeAt = (clock: Clock) => s3StagingIntake({ ...config(), bucket, clock });
    return {
      intake: intakeAt(clockBehindBy(0)),
      source: s3StagingSource(client, bucket),
      // The buffers of both ends of a loopback socket grow to about 10 MiB.
      windowBytes: 16 * MIB,
      sentBytes: () => server.stats().bytesOut,
      expired: (put) => intakeAt(clockBehindBy(put.ttlSeconds * 1000)).presignChunk(put),
      send: async (url, headers, bytes) => {
        const answer = await fetch(url, { method: 'PUT', headers, body: Buffer.from(bytes) });
        await answer.arrayBuffer();
        return answer.status;
      },
      overwrite: async (key, bytes) => {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
      },
    };
  }
});

function chunk() {
  return { uploadId: UploadId.parse(`upl_${ulid()}`), number: 1, sizeBytes: 10, ttlSeconds: 900 };
}

function clockBehindBy(ms: number): Clock {
  return { now: () => Date.now() - ms, random: Math.random, sleep: async () => {} };
}
