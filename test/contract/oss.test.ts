/** The contracts of staging and of the destination `oss`, over real sockets to a strict fake. */
import { afterAll, beforeAll, describe } from 'vitest';
import { ossMultipartIntake } from '#adapters/oss/multipart.ts';
import { ossStagingIntake, ossStagingSource } from '#adapters/oss/staging.ts';
import { type OssClient, ossClient } from '#clients/oss/client.ts';
import type { Clock } from '#core/ports/clock.ts';
import { type FakeOss, startFakeOss } from '../fakes/oss/server.ts';
import { md5 } from '../fakes/oss/store.ts';
import { ossRig } from '../providers/oss/rig.ts';
import { multipartContract } from './multipart.contract.ts';
import { pushProviderContract } from './provider-push.contract.ts';
import { type StagingSubject, stagingContract } from './staging.contract.ts';

const MIB = 1024 * 1024;

describe('oss', () => {
  const keys = { accessKeyId: 'LTAI5tEXAMPLE', accessKeySecret: 'a secret of the tests' };
  let fake: FakeOss;
  let client: OssClient;

  beforeAll(async () => {
    fake = await startFakeOss({ keys: [keys] });
    client = ossClient(config());
  });
  afterAll(async () => {
    client.close();
    await fake.close();
  });

  stagingContract({
    name: 'oss',
    except: [
      {
        law: 'the same URL, used again, is told 412 and the first content stays',
        because: 'OSS says 409 FileAlreadyExists',
      },
      {
        law: 'another URL for a chunk that is there is told 412 and the first content stays',
        because: 'OSS says 409 FileAlreadyExists',
      },
      { law: 'remove with a version removes that content', because: 'OSS has no conditional delete' },
    ],
    make: () => ({ subject: subject() }),
  });

  multipartContract({
    name: 'oss',
    make: () => {
      const at = (ms: number) => ossMultipartIntake(client, { ...config(), clock: clockBehindBy(ms) });
      return {
        subject: {
          multipart: at(0),
          behind: at,
          source: ossStagingSource(client),
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

  function config() {
    return {
      endpoint: fake.endpoint,
      region: fake.region,
      bucket: fake.bucket,
      credentials: async () => keys,
      forcePathStyle: true,
    };
  }

  function subject(): StagingSubject {
    const intakeAt = (clock: Clock) => ossStagingIntake({ ...config(), clock });
    return {
      intake: intakeAt(clockBehindBy(0)),
      source: ossStagingSource(client),
      // The buffers of both ends of a loopback socket grow to about 10 MiB.
      windowBytes: 16 * MIB,
      sentBytes: fake.sentBytes,
      expired: (put) => intakeAt(clockBehindBy(put.ttlSeconds * 1000)).presignChunk(put),
      send: async (url, headers, bytes) => {
        const answer = await fetch(url, { method: 'PUT', headers, body: Buffer.from(bytes) });
        await answer.arrayBuffer();
        return answer.status;
      },
      overwrite: async (key, bytes) => {
        const object = { bytes: Buffer.from(bytes), etag: md5(bytes), contentType: '', meta: {} };
        fake.store.write(key, object, 'allowed');
      },
    };
  }
});

for (const rule of ['replace', 'rename'] as const) {
  pushProviderContract({
    name: `oss, on conflict ${rule}`,
    except: [
      {
        law: 'a session is at most 2 KiB of JSON and a receipt at most 80 bytes, also for the longest path',
        because: 'a key of OSS has at most 1023 bytes, so that the longest path is refused',
      },
    ],
    make: async () => {
      const subject = await ossRig(rule);
      return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
    },
  });
}

function clockBehindBy(ms: number): Clock {
  return { now: () => Date.now() - ms, random: Math.random, sleep: async () => {} };
}
