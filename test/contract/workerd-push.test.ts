/** The push contract with the drivers in a real workerd, as a Worker has them: by `fetch`, and without WebAssembly. */
import { afterAll, beforeAll, describe } from 'vitest';
import { BILIBILI_EXCEPT, bilibiliRig } from '../providers/bilibili/rig.ts';
import { ossRig } from '../providers/oss/rig.ts';
import { PAN115_EXCEPT, pan115Rig } from '../providers/pan115/rig.ts';
import { type OwnBucket, ownBucket } from '../providers/s3/own-bucket.ts';
import { s3Rig } from '../providers/s3/rig.ts';
import { type WorkerdPush, workerdPush } from '../support/workerd-push.ts';
import { pushProviderContract } from './provider-push.contract.ts';
import type { Connects } from './push-rig.ts';

describe('in workerd', () => {
  let workerd: WorkerdPush;
  let store: OwnBucket;
  beforeAll(async () => {
    [workerd, store] = await Promise.all([workerdPush(), ownBucket()]);
  });
  afterAll(async () => {
    await workerd[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });

  pushProviderContract({
    name: 's3 on our own bucket',
    timeoutMs: 60_000,
    make: () => {
      const subject = s3Rig(store, { connect: workerd.connect });
      return { subject, cleanup: () => subject[Symbol.dispose]() };
    },
  });

  // A Worker cannot say another host than the one that it asks, and at a bare address OSS would look for the bucket there.
  const byPath: Connects = (kind, { settings, ...connection }) =>
    workerd.connect(kind, { ...connection, settings: { ...(settings as object), forcePathStyle: true } });

  pushProviderContract({
    name: 'oss',
    timeoutMs: 60_000,
    except: [
      {
        law: 'a session is at most 2 KiB of JSON and a receipt at most 80 bytes, also for the longest path',
        because: 'a key of OSS has at most 1023 bytes, so that the longest path is refused',
      },
    ],
    make: async () => {
      const subject = await ossRig('rename', {}, byPath);
      return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
    },
  });

  pushProviderContract({
    name: 'bilibili',
    timeoutMs: 60_000,
    except: BILIBILI_EXCEPT,
    make: async () => {
      const subject = await bilibiliRig({}, workerd.connect);
      return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
    },
  });

  // By cookie: it has the forms besides the parts, and the ciphers. The other way in differs by its API alone, which is `fetch` too.
  pushProviderContract({
    name: 'pan115, cookie',
    timeoutMs: 60_000,
    except: PAN115_EXCEPT.cookie,
    make: async () => {
      const subject = await pan115Rig('cookie', {}, workerd.connect);
      return { subject, cleanup: async () => subject[Symbol.asyncDispose]() };
    },
  });
});
