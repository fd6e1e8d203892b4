/** R2 in workerd: reads by the binding of a bucket, puts by the S3 API of the same bucket. */
import type { R2Bucket } from '#adapters/r2/binding.ts';
import { r2StagingSource } from '#adapters/r2/staging.ts';
import { s3StagingIntake } from '#adapters/s3/staging.ts';
import { type StagingSubject, stagingContract } from '../contract/staging.contract.ts';
import { declareS3Laws, type R2World } from './r2-s3.ts';
import { answerLaws } from './vitest.ts';

interface Env {
  readonly STAGING: R2Bucket & { put(key: string, bytes: Uint8Array): Promise<unknown> };
}

const KIB = 1024;
/** What the requests that run laws bring: a Worker has its bindings and its own address from nowhere else. */
let world: { readonly env: Env; readonly origin: string } | null = null;

stagingContract({
  name: 'r2',
  except: [{ law: 'remove with a version removes that content', because: 'R2 has no conditional delete' }],
  make: () => ({ subject: subject() }),
});
declareS3Laws(() => ({ source: r2StagingSource(running().env.STAGING), config: configAt }));

export default {
  fetch: async (request: Request, env: Env): Promise<Response> => {
    world = { env, origin: new URL(request.url).origin };
    return answerLaws(request);
  },
};

function subject(): StagingSubject {
  const { env } = running();
  const intakeAt = (behindMs: number) => s3StagingIntake(configAt(behindMs));
  let sentBytes = 0;
  const counted: R2Bucket = {
    head: (key) => env.STAGING.head(key),
    list: (query) => env.STAGING.list(query),
    delete: (key) => env.STAGING.delete(key),
    get: async (key, options) => {
      const object = await env.STAGING.get(key, options);
      if (object?.body === undefined) return object;
      const { etag, size, uploaded } = object;
      const reader = object.body.getReader({ mode: 'byob' });
      const body = new ReadableStream({
        type: 'bytes',
        pull: async (controller) => {
          const { done, value } = await reader.read(new Uint8Array(64 * KIB));
          sentBytes += value?.byteLength ?? 0;
          if (!done) return controller.enqueue(value);
          controller.close();
          controller.byobRequest?.respond(0);
        },
        cancel: (reason) => reader.cancel(reason),
      });
      return { key, etag, size, uploaded, body };
    },
  };
  return {
    intake: intakeAt(0),
    source: r2StagingSource(counted),
    windowBytes: 512 * KIB,
    sentBytes: () => sentBytes,
    expired: (put) => intakeAt((put.ttlSeconds + 1) * 1000).presignChunk(put),
    send: async (url, headers, body) => {
      const answer = await fetch(url, { method: 'PUT', headers, body: Buffer.from(body) });
      await answer.arrayBuffer();
      return answer.status;
    },
    overwrite: async (key, bytes) => void (await env.STAGING.put(key, bytes)),
  };
}

function running() {
  if (world === null) throw new Error('laws run in requests');
  return world;
}

function configAt(behindMs: number): ReturnType<R2World['config']> {
  return {
    endpoint: `${running().origin}/cdn-cgi/local/r2/s3`,
    region: 'auto',
    bucket: 'staging',
    accessKeyId: 'local',
    secretAccessKey: 'localsecret',
    forcePathStyle: true,
    clock: { now: () => Date.now() - behindMs, random: Math.random, sleep: async () => {} },
  };
}
