import { afterAll, beforeAll, describe } from 'vitest';
import { memoryMultipart } from '#adapters/memory/multipart.ts';
import { memoryStaging } from '#adapters/memory/staging.ts';
import { s3MultipartIntake } from '#adapters/s3/multipart.ts';
import { s3StagingSource } from '#adapters/s3/staging.ts';
import { s3Client } from '#clients/s3/client.ts';
import type { Clock } from '#core/ports/clock.ts';
import { BUCKET, CREDENTIAL, type Harness, REGION, startHarness } from '../bucket/support.ts';
import { multipartContract } from './multipart.contract.ts';

function clockBehindBy(ms: number): Clock {
  return { now: () => Date.now() - ms, random: Math.random, sleep: async () => {} };
}

multipartContract({
  name: 'memory',
  make: () => {
    const staging = memoryStaging(clockBehindBy(0));
    const multipart = memoryMultipart(staging, clockBehindBy(0));
    return {
      subject: {
        multipart,
        behind: (ms) => memoryMultipart(staging, clockBehindBy(ms)),
        source: staging,
        putPart: async (url, bytes) => multipart.putPart(url, bytes),
        postForm: async (form, bytes) => multipart.postForm(form, bytes),
      },
    };
  },
});

describe('on our bucket', () => {
  let harness: Harness;
  let client: ReturnType<typeof s3Client>;
  const config = () => ({ ...CREDENTIAL, endpoint: harness.server.url, region: REGION, forcePathStyle: true });

  beforeAll(async () => {
    harness = await startHarness();
    client = s3Client(config());
  });
  afterAll(async () => {
    client?.destroy();
    await harness?.stop();
  });

  multipartContract({
    name: 's3',
    make: () => {
      const at = (ms: number) => s3MultipartIntake(client, { ...config(), bucket: BUCKET, clock: clockBehindBy(ms) });
      return {
        subject: {
          multipart: at(0),
          behind: at,
          source: s3StagingSource(client, BUCKET),
          putPart: async (url, bytes) => {
            const answer = await fetch(url, { method: 'PUT', body: Buffer.from(bytes) });
            await answer.arrayBuffer();
            return answer.ok ? (answer.headers.get('etag') ?? '').replaceAll('"', '') : null;
          },
          postForm: async ({ url, fields }, bytes) => {
            const body = new FormData();
            for (const [name, value] of Object.entries(fields)) body.set(name, value);
            body.set('file', new Blob([Buffer.from(bytes)]));
            const answer = await fetch(url, { method: 'POST', body });
            await answer.arrayBuffer();
            return answer.status === 201;
          },
        },
      };
    },
  });
});
