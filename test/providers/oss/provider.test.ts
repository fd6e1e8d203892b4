/** The destination `oss` against an OSS that loses replies, lies, throttles and refuses. The laws it keeps are in test/contract. */
import { inspect as print } from 'node:util';
import { createCRC64 } from 'hash-wasm';
import { afterEach, describe, expect, it } from 'vitest';
import type { Item, PushProvider } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import {
  bytesOf,
  ctx,
  finish,
  inspect,
  itemOf,
  type Opened,
  open,
  openFor,
  put,
  putAll,
} from '../../contract/push-rig.ts';
import type { Key } from '../../fakes/oss/signature.ts';
import { KEYS, type OssRig, ossRig, type Rule } from './rig.ts';

const PART = 102_400;
const rigs: OssRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});

describe('a reply that was lost', () => {
  it.each(['InitiateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'] as const)(
    'of %s does not lose or double the file',
    async (operation) => {
      const rig = await rigOf('rename');
      // The sockets are warm, as they are for all but the first request of a process.
      await rig.provider().check(ctx);
      rig.fake.misbehave(operation, 'lost reply');
      const opened = await open(rig, 2 * PART + 5);
      const { receipt, content } = await finish(opened, await putAll(opened));
      expect(receipt).toMatchObject({ evidence: 'A', checkedBy: 'crc64' });
      expect(await rig.readReceipt(opened.item, receipt)).toEqual(Buffer.from(content));
      expect(rig.fake.store.objects.size).toBe(1);
    },
  );

  it('of Complete is made good by a process that knows nothing of it', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, 2 * PART + 5);
    const receipts = await putAll(opened);
    rig.fake.misbehave('CompleteMultipartUpload', 'lost reply', 2);
    await expectFault('transient', 'oss.unavailable', finish(opened, receipts));
    const delivered = await finish({ ...opened, provider: rig.provider() }, receipts);
    expect(await inspect(delivered)).toEqual({ kind: 'complete', receipt: delivered.receipt });
  });
});

describe('sums', () => {
  it('of a part that differ give no receipt, and the part can be put again', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, PART);
    rig.fake.misbehave('UploadPart', 'wrong crc');
    await expectFault('transient', 'oss.part_damaged', put(opened, 1));
    rig.fake.misbehave('UploadPart', 'no crc');
    await expectFault('transient', 'oss.part_damaged', put(opened, 1));
    await finish(opened, await putAll(opened));
  });

  it('of the whole that differ take the object away, and it is sent again', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, 2 * PART);
    const receipts = await putAll(opened);
    rig.fake.misbehave('CompleteMultipartUpload', 'wrong crc');
    await expectFault('gone', 'oss.content_differs', finish(opened, receipts));
    expect(await rig.listFarSide()).toEqual([]);
    expect(await inspect(opened)).toEqual({ kind: 'gone' });
  });

  it('of the whole are asked for when the answer does not have them', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, 2 * PART);
    const receipts = await putAll(opened);
    rig.fake.misbehave('CompleteMultipartUpload', 'no crc');
    expect(await finish(opened, receipts)).toMatchObject({ receipt: { evidence: 'A' } });
    expect(rig.fake.log.at(-1)).toBe('HeadObject');
  });

  it('that the client announced must be those of what arrived', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, 2 * PART);
    const item = { ...opened.item, digests: { crc64: '0123456789abcdef' } };
    await expectFault('rejected', 'oss.digest_mismatch', finish({ ...opened, item }, await putAll(opened)));
    expect(rig.fake.store.objects.size).toBe(0);
  });

  it('of receipts that are not all of the file are a bug of ours', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, 2 * PART);
    await expectFault('bug', 'oss.receipts', finish(opened, await putAll(opened, [1])));
  });
});

describe('carrying on', () => {
  it('takes the parts that OSS lists, page by page, when the CRC of the whole is known', async () => {
    const rig = await rigOf('replace', { pageMax: 2 });
    const opened = await open(rig, 6 * PART + 5);
    const item = await withCrc(opened.item, opened.content);
    const lost = await putAll(opened, [1, 2, 3, 5]);
    const after = { ...opened, item, provider: rig.provider() };
    const holding = await inspect(after);
    expect(holding).toEqual({ kind: 'partial', held: lost.map((receipt) => ({ ...receipt, sizeBytes: PART })) });
    const rest = await putAll(after, [4, 6, 7]);
    const receipts = [...lost, ...rest].sort((a, b) => a.number - b.number);
    expect(await finish(after, receipts)).toMatchObject({ receipt: { evidence: 'A' } });
  });

  it('lists only what it is asked for', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, 6 * PART);
    const item = await withCrc(opened.item, opened.content);
    await putAll(opened);
    const holding = await opened.provider.inspect(opened.session, item, { from: 3, to: 4 }, ctx);
    expect(holding.kind === 'partial' && holding.held.map(({ number }) => number)).toEqual([3, 4]);
  });

  it('sends again what nobody has compared', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, 2 * PART);
    await putAll(opened);
    expect(await inspect(opened)).toEqual({ kind: 'partial', held: [] });
  });

  it('with a receipt for a part that OSS no longer has is gone', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, 2 * PART);
    const receipts = await putAll(opened);
    for (const { parts } of rig.fake.store.uploads.values()) parts.delete(2);
    await expectFault('gone', 'oss.session_gone', finish(opened, receipts));
  });
});

describe('names that are taken', () => {
  it('with fail are refused before a byte is sent, and when they were taken since', async () => {
    const rig = await rigOf('fail');
    const [late, first] = [await open(rig, PART, { seed: 2 }), await open(rig, PART)];
    await finish(first, await putAll(first));
    await expectFault('rejected', 'oss.exists', open(rig, PART, { seed: 3 }));
    const receipts = await putAll(late);
    await expectFault('rejected', 'oss.exists', finish(late, receipts));
    expect(await rig.readBack(first.item)).toEqual(Buffer.from(first.content));
    await expectFault('rejected', 'oss.exists', finish(await openEmpty(rig), []));
  });

  it('with rename lead to the next free one', async () => {
    const rig = await rigOf('rename');
    for (const n of [1, 2, 3]) {
      const opened = await open(rig, PART, { seed: n });
      await finish(opened, await putAll(opened));
    }
    expect([...rig.fake.store.objects.keys()]).toEqual(
      ['film.mp4', 'film (2).mp4', 'film (3).mp4'].map((name) => `备份/a/${name}`),
    );
  });

  it('by a stranger while the file is sent lead to another name, and leave no upload', async () => {
    const rig = await rigOf('rename');
    const opened = await open(rig, PART);
    const receipts = await putAll(opened);
    const stranger = { bytes: Buffer.from('theirs'), etag: '', contentType: '', meta: {} };
    rig.fake.store.write('备份/a/film.mp4', stranger, 'allowed');
    await expectFault('gone', 'oss.name_taken', finish(opened, receipts));
    expect(rig.fake.store.uploads.size).toBe(0);
    const again = await openFor(rig.provider(), opened.item, opened.content, PART);
    const { receipt } = await finish(again, await putAll(again));
    expect(receipt.location).toBe('oss://archive/备份/a/film (2).mp4');
    expect(String(await rig.readBack(opened.item))).toBe('theirs');
  });

  it('by empty files lead to the next free one too, which inspect finds', async () => {
    const rig = await rigOf('rename');
    const [one, two] = [await open(rig, 0), await open(rig, 0)];
    const [first, second] = [await finish(one, []), await finish(two, [])];
    expect([first, second].map(({ receipt }) => receipt.location)).toEqual([
      'oss://archive/备份/a/film.mp4',
      'oss://archive/备份/a/film (2).mp4',
    ]);
    expect(await inspect(second)).toEqual({ kind: 'complete', receipt: second.receipt });
    expect((await finish(two, [])).receipt).toEqual(second.receipt);
  });

  it('by this very transfer mean that it is done', async () => {
    const rig = await rigOf('rename');
    const opened = await open(rig, PART);
    const { receipt } = await finish(opened, await putAll(opened));
    expect(await rig.provider().open(opened.item, ctx)).toEqual({ kind: 'done', receipt });
  });

  it('that are too long for a key, or begin with a backslash, are refused', async () => {
    const rig = await rigOf('replace');
    const folder = `/${['f', 'g', 'h', 'i'].map((name) => name.repeat(240)).join('/')}`;
    await expectFault('rejected', 'oss.key_too_long', open(rig, 1, { folder, name: 'n'.repeat(255) }));
    const atRoot = rig.connect({ settings: { prefix: '' } });
    const item = await itemOf(atRoot, bytesOf(1), { name: '\\a' });
    await expectFault('rejected', 'oss.name_refused', atRoot.open(item, ctx));
  });
});

describe('refusals', () => {
  it.each([
    ['throttled', 'throttled', 'oss.slow_down'],
    ['busy', 'transient', 'oss.unavailable'],
    ['internal error', 'transient', 'oss.unavailable'],
    ['html', 'transient', 'oss.unavailable'],
  ] as const)('that are %s are Fault %s %s', async (habit, kind, code) => {
    const rig = await rigOf('replace');
    const opened = await open(rig, PART);
    rig.fake.misbehave('UploadPart', habit);
    await expectFault(kind, code, put(opened, 1));
    await finish(opened, await putAll(opened));
  });

  it('of a bucket that is not there, and of a clock that is wrong, say so', async () => {
    const rig = await rigOf('rename');
    const elsewhere = rig.connect({ settings: { bucket: 'elsewhere' } });
    await expectFault('auth', 'oss.no_bucket', elsewhere.check(ctx));
    const late = await rigOf('rename', { now: () => Date.now() + 3_600_000 });
    await expectFault('auth', 'oss.clock_skewed', late.provider().check(ctx));
  });

  it('hold no key, no signature and no address, however deep one looks', async () => {
    const rig = await rigOf('replace');
    const opened = await open(rig, PART);
    const provider = rig.connect({ keys: () => ({ ...KEYS, accessKeySecret: 'another secret' }) });
    const fault = await expectFault('auth', 'oss.denied', put({ ...opened, provider }, 1));
    const printed = print(fault, { depth: 10, showHidden: true });
    expect(printed).not.toMatch(/another secret|Signature=|OSS4-HMAC|127\.0\.0\.1|LTAI/);
    expect(fault.message).toMatch(/SignatureDoesNotMatch, HTTP 403, request [0-9A-F]{24}/);
  });
});

describe('temporary keys', () => {
  const before: Key = { accessKeyId: 'STS.1', accessKeySecret: 'one', stsToken: 'CAIS1' };
  const after: Key = { accessKeyId: 'STS.2', accessKeySecret: 'two', stsToken: 'CAIS2' };

  it.each(['expired', 'forgotten'] as const)(
    'that are %s in the middle of a file are asked for again',
    async (state) => {
      const rig = await rigOf('replace', { keys: [before, after] });
      const given: Key[] = [];
      let next: readonly Key[] = [before];
      const provider = rig.connect({
        keys: () => {
          const key = next[0] ?? after;
          if (next.length > 1) next = next.slice(1);
          given.push(key);
          return key;
        },
      });
      const opened = await openWith(provider);
      const first = await put(opened, 1);
      rig.fake.keys.set(before.accessKeyId, { ...before, state });
      next = [before, after];
      const second = await put(opened, 2);
      expect(given.slice(-2)).toEqual([before, after]);
      expect(await finish(opened, [first, second])).toMatchObject({ receipt: { evidence: 'A' } });
    },
  );

  it('for which there are no newer ones stop the transfer until a person gives some', async () => {
    const rig = await rigOf('replace', { keys: [before] });
    const opened = await openWith(rig.connect({ keys: () => before }));
    rig.fake.keys.set(before.accessKeyId, { ...before, state: 'expired' });
    await expectFault('auth', 'oss.token_expired', put(opened, 1));
  });

  async function openWith(provider: PushProvider): Promise<Opened> {
    const content = bytesOf(2 * PART);
    return openFor(provider, await itemOf(provider, content), content, PART);
  }
});

async function rigOf(rule: Rule, options: Parameters<typeof ossRig>[1] = {}): Promise<OssRig> {
  const rig = await ossRig(rule, options);
  rigs.push(rig);
  return rig;
}

async function openEmpty(rig: OssRig): Promise<Opened> {
  const taken = await open(rig, 0, { name: 'other' });
  return { ...taken, item: { ...taken.item, name: 'film.mp4' } };
}

async function withCrc(item: Item, content: Uint8Array): Promise<Item> {
  return { ...item, digests: { crc64: (await createCRC64()).update(content).digest('hex') } };
}
