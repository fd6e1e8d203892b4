/** Staging links on a store that speaks S3. */
import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { s3StagingLinks } from '#adapters/s3/links.ts';
import { s3StagingSource } from '#adapters/s3/staging.ts';
import type { S3Config } from '#clients/s3/client.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Got, StagingLinksSubject } from './staging-links.contract.ts';

export function s3LinksSubject(client: S3Client, config: S3Config & { readonly bucket: string }): StagingLinksSubject {
  const { bucket } = config;
  const source = s3StagingSource(client, bucket);
  const at = (clock: Clock) => s3StagingLinks({ ...config, clock });
  return {
    links: at(behind(0)),
    expired: (get) => at(behind(get.ttlSeconds * 1000)).presignRange(get),
    get: got,
    put: async (key, bytes) => {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
      const object = await source.stat(key);
      if (object === null) throw new Error('what was just put is not there');
      return object;
    },
    remove: async (key) => {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
  };
}

export async function got(url: string, headers: Readonly<Record<string, string>>): Promise<Got> {
  const answer = await fetch(url, { headers });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  return { status: answer.status, bytes, contentRange: answer.headers.get('content-range') ?? '' };
}

export function behind(ms: number): Clock {
  return { now: () => Date.now() - ms, random: Math.random, sleep: async () => {} };
}
