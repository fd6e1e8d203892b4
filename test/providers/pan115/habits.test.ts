/** What 115 and its bucket do wrong, and what the destination makes of it. */
import { expect, test } from 'vitest';
import type { Item, Opening, PushProvider } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, deliver, finish, inspect, itemOf, open, put, putAll } from '../../contract/push-rig.ts';
import { know, type Settings } from '../../fakes/pan115/world.ts';
import { answered } from './answers.ts';
import { pan115Rig, type Way } from './rig.ts';

const MIB = 1024 * 1024;
const PART = 102_400;
const INIT = { open: '/open/upload/init', cookie: '/4.0/initupload.php' } as const;
const CALLBACK = '/3.0/completeupload.php';
const ways = ['open', 'cookie'] as const;

/** A file whose bytes 115 has from somebody else, and the opening that comes of it. */
async function known(way: Way, settings: Partial<Settings> = {}) {
  const rig = await pan115Rig(way, settings);
  const content = bytesOf(MIB + 5);
  know(rig.fake.world, Buffer.from(content));
  const item = await itemOf(rig.provider(), content, { folder: '/a' });
  return { rig, item, content, opening: () => asked(rig.provider(), item, content) };
}

async function asked(provider: PushProvider, first: Item, content: Uint8Array) {
  let item = first;
  for (let asks = 0; asks < 10; asks++) {
    const opening: Opening<unknown> = await provider.open(item, ctx);
    if (opening.kind !== 'ask') return { opening, asks };
    item = answered(item, opening.asks, content);
  }
  throw new Error('it asks for ever');
}

test.each(ways)('by %s, a file that 115 knows is done after one question, and not a byte is put', async (way) => {
  const { rig, item, opening } = await known(way);
  await using _ = rig;
  const told = await opening();
  expect(told.asks).toBe(way === 'open' ? 2 : 1);
  expect(told.opening).toMatchObject({ kind: 'done', receipt: { evidence: 'A', checkedBy: 'sha1' } });
  expect(rig.oss.log).toEqual([]);
  expect((await asked(rig.provider(), item, bytesOf(MIB + 5))).opening).toEqual(told.opening);
  expect(rig.files()).toHaveLength(1);
});

test.each(ways)('by %s, an instant that shows no file is not believed, and announced again', async (way) => {
  const { rig, opening } = await known(way);
  await using _ = rig;
  rig.fake.misbehave(INIT[way], 'hollow instant');
  await expectFault('transient', 'pan115.hollow_instant', opening());
  expect((await opening()).opening.kind).toBe('done');
  expect(rig.files()).toHaveLength(1);
});

test('an instant that shows a file of no bytes is not believed', async () => {
  const { rig, opening } = await known('open', { challengeFromBytes: 10 * MIB });
  await using _ = rig;
  rig.fake.misbehave(INIT.open, 'empty instant');
  await expectFault('transient', 'pan115.hollow_instant', opening());
});

test('questions without end are ended by us', async () => {
  const { rig, opening } = await known('open');
  await using _ = rig;
  rig.fake.misbehave(INIT.open, 'asks for ever', 10);
  await expectFault('rejected', 'pan115.signature_refused', opening());
  expect(rig.fake.log.filter((name) => name.endsWith('init'))).toHaveLength(4);
});

test('a file that takes seconds to show is waited for', async () => {
  await using rig = await pan115Rig('open', { lagMs: 3_000 });
  const { receipt } = await deliver(rig, PART + 5);
  expect(receipt.remoteId).toBe(rig.files()[0]?.id);
  expect(rig.slept.filter((ms) => ms === 1000)).toHaveLength(3);
});

test('a refusal inside of HTTP 200 is a refusal: the file is sent again', async () => {
  await using rig = await pan115Rig('open');
  const opened = await open(rig, PART + 5);
  const receipts = await putAll(opened);
  rig.fake.misbehave(CALLBACK, 'check fails');
  await expectFault('gone', 'pan115.check_failed', finish(opened, receipts));
  expect(rig.files()).toEqual([]);
});

test.each([0, PART + 5])('of %d bytes, a callback whose answer was lost is settled by what 115 shows', async (size) => {
  await using rig = await pan115Rig('open');
  const opened = await open(rig, size);
  const receipts = await putAll(opened);
  rig.fake.misbehave(CALLBACK, 'lost reply');
  const { receipt } = await finish(opened, receipts);
  expect(rig.files().map(({ id }) => id)).toEqual([receipt.remoteId]);
});

test('a callback that 115 did not take leaves no verdict, and nothing is completed twice', async () => {
  await using rig = await pan115Rig('open');
  const opened = await open(rig, PART + 5);
  const receipts = await putAll(opened);
  rig.fake.misbehave(CALLBACK, 'internal error');
  await expectFault('transient', 'pan115.no_verdict', finish(opened, receipts));
  expect(await inspect(opened)).toEqual({ kind: 'gone' });
  expect(rig.oss.log.filter((name) => name === 'CompleteMultipartUpload')).toHaveLength(1);
});

test('bytes that are not those of the digest are found out at the end', async () => {
  await using rig = await pan115Rig('open');
  const opened = await open(rig, PART + 5);
  const lied = { ...opened, content: bytesOf(PART + 5, 9) };
  const receipts = await putAll(lied);
  await expectFault('gone', 'pan115.check_failed', finish(lied, receipts));
  expect(rig.files()).toEqual([]);
});

const ENDS = ways.flatMap((way) => (['expired', 'forgotten'] as const).map((state) => [way, state] as const));

test.each(ENDS)('by %s, keys that are %s in the middle of a file are asked for again', async (way, state) => {
  await using rig = await pan115Rig(way);
  const opened = await open(rig, 2 * PART + 5);
  const first = await put(opened, 1);
  for (const key of rig.oss.keys.values()) rig.oss.keys.set(key.accessKeyId, { ...key, state });
  const rest = await putAll(opened, [2, 3]);
  expect((await finish(opened, [first, ...rest])).receipt.sizeBytes).toBe(2 * PART + 5);
  expect(rig.fake.log.filter((name) => /get_?token/.test(name))).toHaveLength(2);
});

test('a file that takes four hours has new keys before the old ones end, and a renewed login', async () => {
  await using rig = await pan115Rig('open');
  const opened = await open(rig, 12 * PART + 5);
  const receipts = [];
  for (let number = 1; number <= 13; number++) {
    receipts.push(await put(opened, number));
    rig.pass(20 * 60_000);
  }
  expect((await finish(opened, receipts)).receipt.sizeBytes).toBe(12 * PART + 5);
  // Each serves the three parts that begin within 55 minutes; the last is for the end.
  expect(rig.fake.log.filter((name) => name.endsWith('get_token'))).toHaveLength(5);
  expect(rig.fake.log.filter((name) => name.endsWith('refreshToken'))).toHaveLength(2);
});

test('a part whose answer was lost is adopted when it is ours, and not when it is another', async () => {
  await using rig = await pan115Rig('open');
  const opened = await open(rig, 2 * PART + 5);
  rig.oss.misbehave('UploadPart', 'lost reply');
  const first = await put(opened, 1);
  expect(rig.oss.log.filter((name) => name === 'UploadPart' || name === 'ListParts')).toEqual([
    'UploadPart',
    'UploadPart',
    'ListParts',
  ]);
  await put({ ...opened, content: bytesOf(2 * PART + 5, 9) }, 2);
  await expectFault('gone', 'pan115.part_differs', put(opened, 2));
  expect(await put(opened, 1)).toEqual(first);
});

test('after 770004 nothing is sent for ten minutes', async () => {
  await using rig = await pan115Rig('open');
  const provider = rig.provider();
  const item = await itemOf(provider, bytesOf(100));
  rig.fake.misbehave(INIT.open, 'limited');
  const fault = await expectFault('throttled', 'pan115.limited', provider.open(item, ctx));
  expect(fault.retryAfterMs).toBe(600_000);
  const sent = rig.fake.log.length;
  await expectFault('throttled', 'pan115.limited', provider.check(ctx));
  await expectFault('throttled', 'pan115.limited', provider.open(item, ctx));
  expect(rig.fake.log).toHaveLength(sent);
});

test('a transfer asks 115 no faster than an account bears', async () => {
  await using rig = await pan115Rig('open', { requestsPerSecond: 2 });
  const provider = rig.provider();
  await deliver({ ...rig, provider: () => provider }, PART + 5, { folder: '/a/b/c' });
  expect(rig.files()).toHaveLength(1);
});
