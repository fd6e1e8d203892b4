import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectFault } from '../../contract/expect-fault.ts';
import { finish, inspect, open, sha256 } from '../../contract/push-rig.ts';
import { type BadStore, badStore, type Habit, NONE } from './habits.ts';
import { type OwnBucket, ownBucket } from './own-bucket.ts';
import { type S3Rig, s3Rig } from './rig.ts';
import { makeBucket, putFrom, putStaged, stage } from './staged.ts';

const STAGING = 'staging-of-the-same-store';

let store: OwnBucket;
let between: BadStore;
beforeAll(async () => {
  store = await ownBucket();
  between = await badStore(store.endpoint);
  using rig = s3Rig(store);
  await makeBucket(rig, STAGING);
});
afterAll(async () => {
  await between[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

function rigWith(habit: Habit, settings: object = {}): S3Rig {
  between.habit = habit;
  const staging = { service: 's3', endpoint: between.url, bucket: STAGING } as const;
  return s3Rig(store, { endpoint: between.url, staging, settings: { ...settings } });
}

function copies(): number {
  return between.calls.filter(({ operation }) => operation === 'copy').length;
}

function streamedSince(index: number): number {
  return between.calls.slice(index).filter(({ operation, path }) => operation === 'part' && !path.includes('probe'))
    .length;
}

describe('s3: copies within one store', () => {
  it('parts are copied, the last small one is sent, and the evidence is C, since nobody of us has read them', async () => {
    using rig = rigWith(NONE);
    const before = copies();
    const opened = await open(rig, 2 * rig.partBytes + 5);
    const index = between.calls.length;
    const delivered = await finish(opened, await putStaged(rig, STAGING, opened));
    expect(copies() - before).toBe(2);
    expect(streamedSince(index)).toBe(1);
    expect(sha256((await rig.readBack(opened.item)) ?? new Uint8Array())).toBe(sha256(opened.content));
    expect(delivered.receipt).toMatchObject({ evidence: 'C', checkedBy: 'size' });
    expect(await inspect(delivered)).toEqual({ kind: 'complete', receipt: delivered.receipt });
  });

  it('a source that has been replaced is Fault gone, whether or not the store keeps the condition', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, 2 * rig.partBytes);
    const key = `inbox/${rig.prefix}replaced`;
    const now = await stage(rig, STAGING, key, opened.content);
    const old = { key, version: '0'.repeat(32) };
    await expectFault('gone', 'staging.changed', putFrom(opened, 1, old));
    // The object is another one by the time that it is looked at.
    between.habit = ({ operation }) =>
      operation === 'head' ? { kind: 'edit', header: (name, value) => (name === 'etag' ? '"other"' : value) } : null;
    await expectFault('gone', 'staging.changed', putFrom(opened, 1, now));
  });

  it.each([
    [403, 'AccessDenied'],
    [501, 'NotImplemented'],
  ])('a store that answers %d %s is sent the parts, and asked once only', async (status, code) => {
    using rig = rigWith((call) => (call.operation === 'copy' ? { kind: 'refuse', status, code } : null));
    const provider = rig.provider();
    const own = { ...rig, provider: () => provider };
    const before = copies();
    const opened = await open(own, 2 * rig.partBytes);
    await finish(opened, await putStaged(rig, STAGING, opened));
    expect(sha256((await rig.readBack(opened.item)) ?? new Uint8Array())).toBe(sha256(opened.content));
    const second = await open(own, 2 * rig.partBytes, { name: 'second' });
    const delivered = await finish(second, await putStaged(rig, STAGING, second));
    expect(copies() - before).toBe(1);
    expect(delivered.receipt).toMatchObject({ evidence: 'A' });
  });

  it('one copy that is refused is one part that is sent', async () => {
    using rig = rigWith((call) =>
      call.operation === 'copy' && call.nth % 2 === 0 ? { kind: 'refuse', status: 400, code: 'EntityTooSmall' } : null,
    );
    const before = copies();
    const opened = await open(rig, 3 * rig.partBytes);
    await finish(opened, await putStaged(rig, STAGING, opened));
    expect(copies() - before).toBe(3);
    expect(sha256((await rig.readBack(opened.item)) ?? new Uint8Array())).toBe(sha256(opened.content));
  });

  it.each([
    ['keys that cannot see the staging bucket', () => rigWith(({ operation }) => refusedBucket(operation))],
    ['a destination that is told to stream', () => rigWith(NONE, { copy: 'stream' })],
    [
      'another store',
      () => s3Rig(store, { staging: { service: 's3', endpoint: 'http://127.0.0.1:9', bucket: STAGING } }),
    ],
  ])('%s have every byte sent and compared', async (_, make) => {
    using rig = make();
    const before = copies();
    const opened = await open(rig, rig.partBytes + 5);
    const delivered = await finish(opened, await putStaged(rig, STAGING, opened));
    expect(copies()).toBe(before);
    expect(delivered.receipt).toMatchObject({ evidence: 'A' });
  });
});

function refusedBucket(operation: string) {
  return operation === 'head-bucket' ? ({ kind: 'refuse', status: 403, code: 'AccessDenied' } as const) : null;
}
