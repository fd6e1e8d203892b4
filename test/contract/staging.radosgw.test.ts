/** The staging contract on radosgw, as a store that somebody else wrote. */
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { s3StagingIntake, s3StagingSource } from '#adapters/s3/staging.ts';
import { surveyBucket } from '#adapters/s3/survey.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { type S3Config, s3Client } from '#clients/s3/client.ts';
import type { Clock } from '#core/ports/clock.ts';
import { type CountingTunnel, countingTunnel } from '../support/counting-tunnel.ts';
import { radosgwAt } from '../support/radosgw.ts';
import { type StagingSubject, stagingContract } from './staging.contract.ts';
import { stagingLinksContract } from './staging-links.contract.ts';
import { s3LinksSubject } from './staging-links-rig.ts';

const MIB = 1024 * 1024;
const address = inject('radosgw');

describe.runIf(address !== null)('s3 on radosgw', () => {
  const bucket = `staging-${ulid().toLowerCase()}`;
  let tunnel: CountingTunnel;
  let config: S3Config & { readonly endpoint: string };
  let client: ReturnType<typeof s3Client>;

  beforeAll(async () => {
    if (address === null) return;
    await radosgwAt(address).makeBucket(bucket);
    tunnel = await countingTunnel(address.endpoint);
    const { region, accessKeyId, secretAccessKey, forcePathStyle } = address;
    config = { endpoint: tunnel.url, region, accessKeyId, secretAccessKey, forcePathStyle };
    client = s3Client(config);
  });
  afterAll(async () => {
    client?.destroy();
    await tunnel?.[Symbol.asyncDispose]();
  });

  stagingContract({
    name: 's3',
    timeoutMs: 60_000,
    make: () => ({ subject: subject() }),
    except: [
      {
        law: 'remove with a version leaves newer content and says so',
        because:
          'radosgw 16 ignores If-Match on DELETE; the survey of the bucket finds it out, and then nothing is removed by version',
      },
    ],
  });

  stagingLinksContract({
    name: 's3',
    timeoutMs: 60_000,
    make: () => ({ subject: s3LinksSubject(client, { ...config, bucket }) }),
  });

  it('the survey finds what it keeps and what it ignores, and opens it to browsers', async () => {
    const parts = { client, config: { ...config, bucket, clock: systemClock() }, pageOrigin: 'http://localhost:8000' };
    expect(await surveyBucket(parts)).toEqual({
      conditionalPut: 'kept',
      conditionalRemoval: 'ignored',
      cors: 'made',
    });
    expect((await surveyBucket(parts)).cors).toBe('open');
  });

  it('removal by version removes nothing once it is known that conditions are ignored', async () => {
    const { overwrite } = subject();
    const source = s3StagingSource(client, bucket, 'never');
    const key = `inbox/nas/${ulid()}`;
    await overwrite(key, Buffer.from('x'));
    const version = (await source.stat(key))?.version;
    expect(await source.remove(key, version)).toBe(false);
    expect(await source.stat(key)).not.toBeNull();
    expect(await source.remove(key)).toBe(true);
  });

  function subject(): StagingSubject {
    const intakeAt = (clock: Clock) => s3StagingIntake({ ...config, bucket, clock });
    return {
      intake: intakeAt(clockBehindBy(0)),
      source: s3StagingSource(client, bucket),
      // The buffers of both ends of two loopback sockets, one behind the other.
      windowBytes: 32 * MIB,
      sentBytes: () => tunnel.sentBytes(),
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

function clockBehindBy(ms: number): Clock {
  return { now: () => Date.now() - ms, random: Math.random, sleep: async () => {} };
}
