/** The push contract on radosgw 16, which keeps no CRCs, and what is peculiar to a store that somebody else wrote. */
import { ulid } from 'ulid';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { type Store, s3Rig } from '../providers/s3/rig.ts';
import { makeBucket, putFrom, putStaged, stage } from '../providers/s3/staged.ts';
import { radosgwAt } from '../support/radosgw.ts';
import { expectFault } from './expect-fault.ts';
import { pushProviderContract } from './provider-push.contract.ts';
import { ctx, deliver, finish, open, sha256 } from './push-rig.ts';

const address = inject('radosgw');

describe.runIf(address !== null)('s3 on radosgw', () => {
  const bucket = `destination-${ulid().toLowerCase()}`;
  let store: Store;

  beforeAll(async () => {
    if (address === null) return;
    await radosgwAt(address).makeBucket(bucket);
    const { endpoint, region, accessKeyId, secretAccessKey, forcePathStyle } = address;
    store = { endpoint, region, accessKeyId, secretAccessKey, forcePathStyle, bucket };
  });

  pushProviderContract({
    name: 's3',
    timeoutMs: 60_000,
    make: () => {
      const subject = s3Rig(store);
      return { subject, cleanup: () => subject[Symbol.dispose]() };
    },
  });

  it('parts are copied from a bucket of its own, and a source that was replaced is noticed although it is copied', async () => {
    const staging = { service: 's3', endpoint: store.endpoint, bucket: `staging-${ulid().toLowerCase()}` } as const;
    using rig = s3Rig(store, { staging });
    await makeBucket(rig, staging.bucket);
    const opened = await open(rig, 2 * rig.partBytes + 5);
    const source = await stage(rig, staging.bucket, 'inbox/replaced', opened.content);
    const old = { ...source, version: '0'.repeat(32) };
    await expectFault('gone', 'staging.changed', putFrom(opened, 1, old));
    const { receipt } = await finish(opened, await putStaged(rig, staging.bucket, opened));
    expect(receipt).toMatchObject({ evidence: 'C', checkedBy: 'size' });
    expect(sha256((await rig.readBack(opened.item)) ?? new Uint8Array())).toBe(sha256(opened.content));
  });

  it('the evidence is B: the ETag of the whole is that of the MD5s of our parts', async () => {
    using rig = s3Rig(store);
    const { receipt } = await deliver(rig, rig.partBytes + 5);
    expect(receipt).toMatchObject({ evidence: 'B', checkedBy: 'etag', remoteId: expect.stringMatching(/-2$/) });
    expect((await rig.provider().check(ctx)).message).toMatch('the MD5 of each part');
  });
});
