/** The push contract over a real socket to our own bucket, which keeps a CRC of every part. */
import { afterAll, beforeAll } from 'vitest';
import { type OwnBucket, ownBucket } from '../providers/s3/own-bucket.ts';
import { s3Rig } from '../providers/s3/rig.ts';
import { pushProviderContract } from './provider-push.contract.ts';

let store: OwnBucket;
beforeAll(async () => {
  store = await ownBucket();
});
afterAll(async () => store[Symbol.asyncDispose]());

pushProviderContract({
  name: 's3 on our own bucket',
  timeoutMs: 60_000,
  make: () => {
    const subject = s3Rig(store);
    return { subject, cleanup: () => subject[Symbol.dispose]() };
  },
});
