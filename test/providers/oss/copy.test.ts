/** Parts that OSS copies by itself, because they are staged in the same store. */
import { createCRC64 } from 'hash-wasm';
import { afterEach, describe, expect, it } from 'vitest';
import type { StagingPlace } from '#core/ports/connection.ts';
import type { Item, PartBody, PushProvider } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import {
  bytesOf,
  ctx,
  finish,
  inspect,
  itemOf,
  numbersOf,
  type Opened,
  openFor,
  partOf,
} from '../../contract/push-rig.ts';
import { md5 } from '../../fakes/oss/store.ts';
import { type OssRig, ossRig } from './rig.ts';

const PART = 102_400;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

describe('what is staged in the same OSS', () => {
  it('is copied without a byte of it coming to us, and is evidence C', async () => {
    const { rig, opened } = await staged();
    const receipts = await putAll(rig, opened);
    const { receipt, content } = await finish(opened, receipts);
    expect(await rig.readBack(opened.item)).toEqual(Buffer.from(content));
    expect(receipt).toMatchObject({ evidence: 'C', checkedBy: 'size' });
    expect(rig.fake.log.filter((operation) => operation === 'UploadPart')).toEqual([]);
    expect(await inspect({ ...opened, provider: connect(rig) })).toEqual({ kind: 'complete', receipt });
  });

  it('is evidence A when the client told its CRC-64, and is refused when it told another', async () => {
    const { rig, opened } = await staged();
    const receipts = await putAll(rig, opened);
    const other = { ...opened.item, digests: { crc64: '0123456789abcdef' } };
    await expectFault('rejected', 'oss.digest_mismatch', finish({ ...opened, item: other }, receipts));
    const item = await withCrc(opened.item, opened.content);
    expect(await finish({ ...opened, item }, receipts)).toMatchObject({
      receipt: { evidence: 'A', checkedBy: 'crc64' },
    });
  });

  it('is carried on with the parts that OSS lists', async () => {
    const { rig, opened } = await staged();
    const lost = await putAll(rig, opened, [1, 2]);
    const holding = await inspect(opened);
    expect(holding).toEqual({ kind: 'partial', held: lost.map((receipt) => ({ ...receipt, sizeBytes: PART })) });
    await finish(opened, [...lost, ...(await putAll(rig, opened, [3]))]);
  });

  it('is finished by a process that knows nothing of a reply that was lost', async () => {
    const { rig, opened } = await staged();
    const receipts = await putAll(rig, opened);
    const { receipt } = await finish(opened, receipts);
    expect((await finish({ ...opened, provider: connect(rig) }, receipts)).receipt).toEqual(receipt);
  });

  it('is sent again when OSS has lost a part', async () => {
    const { rig, opened } = await staged();
    const receipts = await putAll(rig, opened);
    for (const { parts } of rig.fake.store.uploads.values()) parts.delete(2);
    await expectFault('gone', 'oss.session_gone', finish(opened, receipts));
  });

  it('is not copied when it has been replaced since: the stream says so', async () => {
    const { rig, opened } = await staged();
    const bytes = Buffer.from(bytesOf(PART, 9));
    rig.fake.store.write(stagedKey(opened, 1), { bytes, etag: md5(bytes), contentType: '', meta: {} }, 'allowed');
    const part = { ...stagedPart(rig, opened, 1), open: () => Promise.reject(new Error('replaced')) };
    await expect(opened.provider.put(opened.session, opened.item, part, ctx)).rejects.toMatchObject({
      cause: { message: 'replaced' },
    });
    const again = await opened.provider.put(opened.session, opened.item, stagedPart(rig, opened, 2), ctx);
    expect(again.number).toBe(2);
    expect(rig.fake.log.filter((operation) => operation === 'UploadPartCopy')).toHaveLength(2);
  });

  it('is streamed when a part lies in two objects', async () => {
    const { rig, opened } = await staged();
    const part = partOf(opened, 1);
    const spans = [...part.spans, ...part.spans];
    const streamed = await opened.provider.put(opened.session, opened.item, { ...part, spans }, ctx);
    await finish(opened, [streamed, ...(await putAll(rig, opened, [2, 3]))]);
    expect(rig.fake.log.filter((operation) => operation === 'UploadPart')).toHaveLength(1);
  });
});

describe('is streamed, with evidence A,', () => {
  it.each([
    ['when the settings want it', { settings: { copy: 'stream' } }],
    ['when it is staged in another store', { place: { service: 's3' } }],
    ['when it is staged in another region', { place: { endpoint: 'https://oss-cn-beijing.aliyuncs.com' } }],
    ['when these keys cannot see the staging bucket', { place: { bucket: 'elsewhere' } }],
  ] as const)('%s', async (_, { settings = {}, place = {} }: Choice) => {
    const { rig, opened } = await staged({ settings, place });
    const { receipt } = await finish(opened, await putAll(rig, opened));
    expect(receipt.evidence).toBe('A');
    expect(rig.fake.log).not.toContain('UploadPartCopy');
  });
});

interface Choice {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly place?: Partial<StagingPlace>;
}

/** Two parts and a bit, each staged as an object of its own in the same bucket. */
async function staged({
  settings = {},
  place = {},
}: Choice = {}): Promise<{ readonly rig: OssRig; readonly opened: Opened }> {
  const rig = await ossRig('replace');
  cleanups.push(async () => rig[Symbol.asyncDispose]());
  const provider = connect(rig, { settings, place });
  const content = bytesOf(2 * PART + 5);
  const opened = await openFor(provider, await itemOf(provider, content), content, PART);
  for (const number of numbersOf(opened)) {
    const bytes = Buffer.from(content.subarray((number - 1) * PART, number * PART));
    rig.fake.store.write(stagedKey(opened, number), { bytes, etag: md5(bytes), contentType: '', meta: {} }, 'allowed');
  }
  return { rig, opened };
}

function connect(rig: OssRig, { settings = {}, place = {} }: Choice = {}): PushProvider {
  const { endpoint, bucket } = rig.fake;
  return rig.connect({ settings, staging: { service: 'oss', endpoint: `${endpoint}/`, bucket, ...place } });
}

async function putAll(rig: OssRig, opened: Opened, numbers = numbersOf(opened)) {
  const parts = numbers.map((number) => stagedPart(rig, opened, number));
  return Promise.all(parts.map((part) => opened.provider.put(opened.session, opened.item, part, ctx)));
}

function stagedPart(rig: OssRig, opened: Opened, number: number): PartBody {
  const part = partOf(opened, number);
  const key = stagedKey(opened, number);
  const version = md5(opened.content.subarray(part.range.start, part.range.end));
  expect(rig.fake.store.objects.has(key)).toBe(true);
  return { ...part, spans: [{ key, version, range: { start: 0, end: part.sizeBytes } }] };
}

function stagedKey({ item }: Opened, number: number): string {
  return `staging/${item.transferId}/影 ${number}`;
}

async function withCrc(item: Item, content: Uint8Array): Promise<Item> {
  return { ...item, digests: { crc64: (await createCRC64()).update(content).digest('hex') } };
}
