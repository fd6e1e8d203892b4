import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectFault } from '../../contract/expect-fault.ts';
import { ctx, deliver, finish, inspect, open, openFor, put, putAll, sha256 } from '../../contract/push-rig.ts';
import { type BadStore, badStore, type Deed, type Habit, NONE, type Operation } from './habits.ts';
import { type OwnBucket, ownBucket } from './own-bucket.ts';
import { type S3Rig, s3Rig } from './rig.ts';

let store: OwnBucket;
let between: BadStore;
beforeAll(async () => {
  store = await ownBucket();
  between = await badStore(store.endpoint);
});
afterAll(async () => {
  await between[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

function rigWith(habit: Habit, settings: object = {}): S3Rig {
  between.habit = habit;
  return s3Rig(store, { endpoint: between.url, settings: { ...settings } });
}

/** The operation's next `times` calls meet this. */
function next(operation: Operation, deed: Deed, times = 1): Habit {
  let left = times;
  return (call) => (call.operation === operation && left-- > 0 ? deed : null);
}

function refusal(status: number, code: string): Deed {
  return { kind: 'refuse', status, code };
}

async function expectArrived(rig: S3Rig, { item, content }: Awaited<ReturnType<typeof deliver>>): Promise<void> {
  expect(sha256((await rig.readBack(item)) ?? new Uint8Array())).toBe(sha256(content));
}

describe('s3: the end of an upload', () => {
  it('an error in an answer of 200 is a failure, and nothing is claimed', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, 100);
    const receipts = await putAll(opened);
    const body = () => '<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>try again</Message></Error>';
    between.habit = (call) =>
      call.operation === 'complete' ? { kind: 'edit', body, header: (_, value) => value } : null;
    const { provider, session, item } = opened;
    // The store has done it all the same; the driver is told otherwise and asks what stands there.
    const receipt = await provider.finish(session, item, receipts, ctx);
    expect(receipt).toMatchObject({ evidence: 'A' });
    const refused = await open(rig, 100, { name: 'other', seed: 2 });
    const others = await putAll(refused);
    between.habit = (call) => (call.operation === 'complete' ? refusal(200, 'InternalError') : null);
    await expectFault('transient', 's3.unavailable', provider.finish(refused.session, refused.item, others, ctx));
    expect(await rig.readBack(refused.item)).toBeNull();
    between.habit = NONE;
    await expectArrived(rig, await finish(refused, others));
  });

  it('a lost reply is settled by a look at the object, with the evidence that the reply would have given', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, rig.partBytes + 5);
    const receipts = await putAll(opened);
    between.habit = next('complete', { kind: 'lose', side: 'after' });
    const delivered = await finish(opened, receipts);
    expect(delivered.receipt).toMatchObject({ evidence: 'A', checkedBy: 'crc64nvme' });
    expect(await inspect(delivered)).toEqual({ kind: 'complete', receipt: delivered.receipt });
  });

  it.each(['rename', 'fail'])('a lost reply is no conflict with ourselves, with %s', async (onConflict) => {
    using rig = rigWith(NONE, { onConflict });
    const opened = await open(rig, 100);
    const receipts = await putAll(opened);
    between.habit = next('complete', { kind: 'lose', side: 'after' });
    await expectArrived(rig, await finish(opened, receipts));
  });

  it('a part that the store has under another name is named as the store does', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, rig.partBytes + 5);
    const [first, last] = await putAll(opened);
    if (first === undefined || last === undefined) throw new Error('two parts');
    const renamed = { ...first, tag: first.tag.replace(/^[^;]*/, '0'.repeat(32)) };
    await expectArrived(rig, await finish(opened, [renamed, last]));
  });

  it('a part that the store lists and yet does not find is waited for', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, 100);
    const receipts = await putAll(opened);
    between.habit = next('complete', refusal(400, 'InvalidPart'));
    const { provider, session, item } = opened;
    await expectFault('transient', 's3.parts_settling', provider.finish(session, item, receipts, ctx));
    expect(await inspect(opened)).toMatchObject({ kind: 'partial' });
    await expectArrived(rig, await finish(opened, receipts));
  });

  it('a part that the store has lost, or holds with other bytes, is Fault gone', async () => {
    using rig = rigWith(NONE);
    const lost = await open(rig, rig.partBytes + 5);
    const receipts = [await put(lost, 1), { number: 2, tag: `${'0'.repeat(32)};5;AAAAAAAAAAA=` }];
    await expectFault('gone', 's3.session_gone', lost.provider.finish(lost.session, lost.item, receipts, ctx));
    const other = await open(rig, 100, { name: 'other' });
    await put(other, 1);
    const wrong = [{ number: 1, tag: `${'0'.repeat(32)};${(100).toString(36)};AAAAAAAAAAA=` }];
    await expectFault('gone', 's3.session_gone', other.provider.finish(other.session, other.item, wrong, ctx));
  });

  it('a whole that differs from what was sent is refused by the store, and nothing gets the name', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, 100);
    const [receipt] = await putAll(opened);
    const wrong = [{ number: 1, tag: `${receipt?.tag.replace(/[^;]*$/, 'AAAAAAAAAAA=')}` }];
    await expectFault('gone', 's3.content_differs', opened.provider.finish(opened.session, opened.item, wrong, ctx));
    expect(await rig.readBack(opened.item)).toBeNull();
  });

  it('a whole that the store says is another is removed', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, 100);
    const receipts = await putAll(opened);
    const body = (text: string) => text.replace(/(<ChecksumCRC64NVME>)[^<]*/, '$1AAAAAAAAAAA=');
    between.habit = next('complete', { kind: 'edit', body });
    const { provider, session, item } = opened;
    await expectFault('gone', 's3.content_differs', provider.finish(session, item, receipts, ctx));
    expect(await rig.listFarSide()).toEqual([]);
  });

  it('a whole of another size is removed where nothing but the size is compared', async () => {
    const wrongSize = () =>
      ({ kind: 'edit', header: (name: string, value: string) => (name === 'content-length' ? '99' : value) }) as const;
    using rig = rigWith(opaqueEtags);
    const opened = await open(rig, 100);
    const receipts = await putAll(opened);
    between.habit = (call) => (call.operation === 'head' ? wrongSize() : null);
    const { provider, session, item } = opened;
    await expectFault('gone', 's3.content_differs', provider.finish(session, item, receipts, ctx));
    expect(await rig.listFarSide()).toEqual([]);
  });

  it('a store that refuses conditions is looked at instead', async () => {
    using rig = rigWith(NONE, { onConflict: 'rename' });
    const refuse: Habit = ({ operation, headers }) =>
      operation === 'complete' && 'if-none-match' in headers ? refusal(501, 'NotImplemented') : null;
    between.habit = refuse;
    await expectArrived(rig, await deliver(rig, 100));
    expect((await deliver(rig, 100, { seed: 2 })).receipt.location).toMatch(/film \(2\)\.mp4$/);
  });
});

describe('s3: parts', () => {
  it('a lost reply is Fault transient, and inspect then shows the part with the receipt that was lost', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, rig.partBytes + 5);
    between.habit = (call) => (call.operation === 'part' ? { kind: 'lose', side: 'after' } : null);
    await expectFault('transient', 's3.unavailable', put(opened, 1));
    between.habit = NONE;
    const holding = await inspect(opened);
    if (holding.kind !== 'partial') throw new Error('expected partial');
    const [held] = holding.held;
    expect(held?.sizeBytes).toBe(rig.partBytes);
    await expectArrived(rig, await finish(opened, [{ number: 1, tag: held?.tag ?? '' }, await put(opened, 2)]));
  });

  it('a connection that is cut once is used anew at once', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, 100);
    between.habit = next('part', { kind: 'lose', side: 'before' });
    await expectArrived(rig, await finish(opened, await putAll(opened)));
  });

  it('an answer that speaks of other bytes is Fault transient, and the part is put again', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, 100);
    const header = (name: string, value: string) => (name === 'x-amz-checksum-crc64nvme' ? 'AAAAAAAAAAA=' : value);
    between.habit = next('part', { kind: 'edit', header });
    await expectFault('transient', 's3.part_damaged', put(opened, 1));
    await expectArrived(rig, await finish(opened, await putAll(opened)));
  });

  it('where ETags are MD5s, an ETag of other bytes is Fault transient', async () => {
    using rig = rigWith((call) => (isWishForChecksums(call) ? refusal(400, 'InvalidArgument') : null));
    const opened = await open(rig, 100);
    const habit = between.habit;
    const header = (name: string, value: string) => (name === 'etag' ? `"${'0'.repeat(32)}"` : value);
    const wrong = next('part', { kind: 'edit', header });
    between.habit = (call) => wrong(call) ?? habit(call);
    await expectFault('transient', 's3.part_damaged', put(opened, 1));
    const delivered = await finish(opened, await putAll(opened));
    expect(delivered.receipt).toMatchObject({ evidence: 'B', checkedBy: 'etag' });
    await expectArrived(rig, delivered);
  });

  it('a part that nobody compared is not taken for sent where MD5s are all there is', async () => {
    using rig = rigWith((call) => (isWishForChecksums(call) ? refusal(400, 'InvalidArgument') : null));
    const opened = await open(rig, 100);
    await putAll(opened);
    expect(await inspect(opened)).toEqual({ kind: 'partial', held: [] });
  });

  it('pages of three parts are all read', async () => {
    using rig = rigWith(NONE);
    const opened = await open(rig, 4 * rig.partBytes + 5);
    const receipts = await putAll(opened);
    between.habit = (call) => (call.operation === 'list' ? { kind: 'edit', body: firstParts(3) } : null);
    const holding = await inspect(opened);
    if (holding.kind !== 'partial') throw new Error('expected partial');
    expect(holding.held.map(({ number, tag }) => ({ number, tag }))).toEqual(receipts);
    const some = await opened.provider.inspect(opened.session, opened.item, { from: 2, to: 3 }, ctx);
    expect(some).toMatchObject({ held: [{ number: 2 }, { number: 3 }] });
  });
});

describe('s3: evidence', () => {
  it('a store that keeps CRCs gives A for every size, and for nothing', async () => {
    using rig = rigWith(NONE);
    expect((await deliver(rig, 2 * rig.partBytes + 5)).receipt).toMatchObject({
      evidence: 'A',
      checkedBy: 'crc64nvme',
    });
    expect((await deliver(rig, 0, { name: 'empty' })).receipt).toMatchObject({ evidence: 'A', checkedBy: 'size' });
    expect((await rig.provider().check(ctx)).message).toMatch('CRC64NVME of the whole');
  });

  it('a store whose ETags are no MD5s gives C, and says so when it is checked', async () => {
    using rig = rigWith(opaqueEtags);
    const delivered = await deliver(rig, rig.partBytes + 5);
    expect(delivered.receipt).toMatchObject({ evidence: 'C', checkedBy: 'size' });
    expect(await inspect(delivered)).toEqual({ kind: 'complete', receipt: delivered.receipt });
    expect((await rig.provider().check(ctx)).message).toMatch('size alone');
    await expectArrived(rig, delivered);
  });

  it('a store that takes the wish for CRCs but no part that has one is used without', async () => {
    using rig = rigWith((call) =>
      call.operation === 'part' && 'x-amz-trailer' in call.headers ? refusal(411, 'MissingContentLength') : null,
    );
    expect((await deliver(rig, 100)).receipt).toMatchObject({ evidence: 'B' });
  });
});

describe('s3: requests', () => {
  it('a file of two parts costs four requests once the store is known, an empty one two', async () => {
    using rig = rigWith(NONE);
    const provider = rig.provider();
    await deliver({ ...rig, provider: () => provider }, 100);
    const seen = between.calls.length;
    await deliver({ ...rig, provider: () => provider }, rig.partBytes + 5, { name: 'b' });
    expect(operationsSince(seen)).toEqual(['create', 'part', 'part', 'complete']);
    const then = between.calls.length;
    await deliver({ ...rig, provider: () => provider }, 0, { name: 'c' });
    expect(operationsSince(then)).toEqual(['put', 'head']);
  });

  it('requests that follow each other share one connection, also those with large bodies', async () => {
    using rig = rigWith(NONE);
    const before = between.connections();
    await deliver(rig, 4 * rig.partBytes + 5);
    expect(between.connections() - before).toBe(1);
  });

  it('an opening whose reply was lost leaves an upload behind, and the next one arrives', async () => {
    using rig = rigWith(NONE);
    const provider = rig.provider();
    await provider.check(ctx);
    between.habit = (call) => (call.operation === 'create' ? { kind: 'lose', side: 'after' } : null);
    const { item, content } = await open(s3Rig(store), 100);
    await expectFault('transient', 's3.unavailable', provider.open(item, ctx));
    between.habit = NONE;
    const opened = await openFor(provider, item, content, rig.partBytes);
    await expectArrived(rig, await finish(opened, await putAll(opened)));
  });
});

function operationsSince(index: number): readonly Operation[] {
  return between.calls.slice(index).map(({ operation }) => operation);
}

function isWishForChecksums({ operation, headers }: Parameters<Habit>[0]): boolean {
  return operation === 'create' && 'x-amz-checksum-algorithm' in headers;
}

/** As the driver finds out: by the part of its try. */
const opaqueEtags: Habit = (call) => {
  if (isWishForChecksums(call)) return refusal(501, 'NotImplemented');
  const header = (name: string, value: string) => (name === 'etag' ? '"no digest of anything"' : value);
  return call.operation === 'part' && call.path.endsWith('.entrepot-probe') ? { kind: 'edit', header } : null;
};

/** What a store with small pages answers. */
function firstParts(count: number): (text: string) => string {
  return (text) => {
    const parts = text.match(/<Part>.*?<\/Part>/gs) ?? [];
    const last = /<PartNumber>(\d+)/.exec(parts[count - 1] ?? '')?.[1];
    if (parts.length <= count || last === undefined) return text;
    const shorter = parts.slice(count).reduce((rest, part) => rest.replace(part, ''), text);
    return shorter
      .replace(/<IsTruncated>false/, '<IsTruncated>true')
      .replace(/<NextPartNumberMarker>\d+/, `<NextPartNumberMarker>${last}`);
  };
}
