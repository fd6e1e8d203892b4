import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectFault } from '../../contract/expect-fault.ts';
import {
  bytesOf,
  ctx,
  deliver,
  finish,
  inspect,
  itemOf,
  open,
  openFor,
  putAll,
  sha256,
} from '../../contract/push-rig.ts';
import { type OwnBucket, ownBucket } from './own-bucket.ts';
import { type S3Rig, s3Rig } from './rig.ts';

const NAME = 'film.mp4';

let store: OwnBucket;
beforeAll(async () => {
  store = await ownBucket();
});
afterAll(async () => store[Symbol.asyncDispose]());

function rigOf(onConflict: 'rename' | 'fail' | 'replace'): S3Rig {
  return s3Rig(store, { settings: { onConflict } });
}

async function occupy(rig: S3Rig, name: string): Promise<void> {
  await rig.client.send(new PutObjectCommand({ Bucket: store.bucket, Key: `${rig.prefix}${name}`, Body: 'old' }));
}

async function expectOld(rig: S3Rig, name = NAME): Promise<void> {
  expect(Buffer.from((await rig.read(`${rig.prefix}${name}`)) ?? []).toString()).toBe('old');
}

function locationIn(rig: S3Rig, name: string): string {
  return `s3://${store.bucket}/${rig.prefix}${name}`;
}

describe('s3: on conflict rename', () => {
  it.each([
    ['film.mp4', 'film (2).mp4', 'film (3).mp4'],
    ['README', 'README (2)', 'README (3)'],
    ['.hidden', '.hidden (2)', '.hidden (3)'],
  ])('%j is followed by %j and %j', async (...names) => {
    using rig = rigOf('rename');
    for (const [seed, name] of names.entries()) {
      const delivered = await deliver(rig, 100, { name: names[0], folder: '/a', seed: seed + 1 });
      expect(delivered.receipt.location).toBe(locationIn(rig, `a/${name}`));
      expect(await inspect(delivered)).toEqual({ kind: 'complete', receipt: delivered.receipt });
    }
    for (const [seed, name] of names.entries()) {
      const found = (await rig.read(`${rig.prefix}a/${name}`)) ?? new Uint8Array();
      expect(sha256(found)).toBe(sha256(bytesOf(100, seed + 1)));
    }
  });

  it.each([0, 100])(
    'a name taken meanwhile is left alone, and a new session of %d bytes takes the next one',
    async (size) => {
      using rig = rigOf('rename');
      const opened = await open(rig, size);
      const receipts = await putAll(opened);
      await occupy(rig, NAME);
      const { provider, session, item, content } = opened;
      await expectFault('gone', 's3.name_taken', provider.finish(session, item, receipts, ctx));
      await expectOld(rig);
      const again = await openFor(rig.provider(), item, content, rig.partBytes);
      const delivered = await finish(again, await putAll(again));
      expect(delivered.receipt.location).toBe(locationIn(rig, 'film (2).mp4'));
      expect(await rig.listFarSide()).toHaveLength(2);
    },
  );
});

describe('s3: on conflict fail', () => {
  it('a taken name is refused before a byte is sent', async () => {
    using rig = rigOf('fail');
    await occupy(rig, NAME);
    const provider = rig.provider();
    await expectFault('rejected', 's3.exists', provider.open(await itemOf(provider, bytesOf(100)), ctx));
    expect(await rig.listFarSide()).toEqual([`${rig.prefix}${NAME}`]);
  });

  it.each([0, 100])(
    'a name taken meanwhile is refused at the end, and a later finish of %d bytes succeeds',
    async (size) => {
      using rig = rigOf('fail');
      const opened = await open(rig, size);
      const receipts = await putAll(opened);
      await occupy(rig, NAME);
      const { provider, session, item } = opened;
      await expectFault('rejected', 's3.exists', provider.finish(session, item, receipts, ctx));
      await expectOld(rig);
      await rig.remove(NAME);
      const delivered = await finish(opened, receipts);
      expect(delivered.receipt.location).toBe(locationIn(rig, NAME));
    },
  );
});

describe.each(['rename', 'replace', 'fail'] as const)('s3: finish repeated, on conflict %s', (rule) => {
  it.each([0, 100])('of %d bytes answers the same, from another process too', async (size) => {
    using rig = rigOf(rule);
    const opened = await open(rig, size);
    const receipts = await putAll(opened);
    const first = await finish(opened, receipts);
    const second = await finish({ ...opened, provider: rig.provider() }, receipts);
    expect(second.receipt).toEqual(first.receipt);
    expect(await rig.listFarSide()).toEqual([`${rig.prefix}${NAME}`]);
  });

  it('from four processes at once makes one object', async () => {
    using rig = rigOf(rule);
    const opened = await open(rig, 100);
    const receipts = await putAll(opened);
    const all = await Promise.all(
      Array.from({ length: 4 }, () => finish({ ...opened, provider: rig.provider() }, receipts)),
    );
    expect(new Set(all.map(({ receipt }) => receipt.location)).size).toBe(1);
    expect(await rig.listFarSide()).toEqual([`${rig.prefix}${NAME}`]);
  });
});
