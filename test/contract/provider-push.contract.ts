/** The laws of PushProvider, for every destination that we send parts to. See core/ports/provider.ts. */
import { expect } from 'vitest';
import type { CallContext, Session } from '#core/ports/provider.ts';
import { Receipt } from '#core/wire/transfer.ts';
import { expectFault } from './expect-fault.ts';
import {
  bytesOf,
  ctx,
  deliver,
  finish,
  inspect,
  itemOf,
  numbersOf,
  type Opened,
  open,
  openFor,
  type PushRig,
  partOf,
  put,
  putAll,
  sha256,
  stalledPart,
} from './push-rig.ts';
import { type ContractRun, contract, type Laws } from './suite.ts';

export function pushProviderContract(run: ContractRun<PushRig>): void {
  contract('push provider', laws, run);
}

const SIZES: Readonly<Record<string, (partBytes: number) => number>> = {
  'no bytes': () => 0,
  'one byte': () => 1,
  'one byte less than a part': (partBytes) => partBytes - 1,
  'exactly one part': (partBytes) => partBytes,
  'one byte more than a part': (partBytes) => partBytes + 1,
  'one byte less than three parts': (partBytes) => 3 * partBytes - 1,
  'exactly three parts': (partBytes) => 3 * partBytes,
  'one byte more than three parts': (partBytes) => 3 * partBytes + 1,
};

const NAMES: Readonly<Record<string, string>> = {
  'in Chinese': '测试 影片·第1集.mp4',
  'with emoji of several code points': '👨‍👩‍👧‍👦 家庭 🎬.mp4',
  'with spaces, + and %': '100% a+b  c%2Fd%20e.mp4',
  'with # ? & and ;': 'a#b?c&d;e=f.mp4',
  'with quotes': `it's "quoted" \`here\`.mp4`,
  'with a backslash': 'back\\slash.mp4',
  'with decomposed accents': 'Cafe\u0301 A\u030a.mp4',
  'in Arabic': 'فيلم ٢٠٢٥.mp4',
  'with a leading dot': '.hidden',
  'with a trailing dot': 'dots..',
  'with a trailing space': 'space ',
  'with a leading space': ' space',
  'without an extension': 'README',
  'of 255 bytes of ASCII': `${'n'.repeat(251)}.mp4`,
  'of 255 bytes of Chinese': `${'影'.repeat(83)}ab.mp4`,
};

const sizeLaws: Laws<PushRig> = Object.fromEntries(
  Object.entries(SIZES).map(([size, sizeBytes]) => [
    `a file of ${size} arrives byte for byte`,
    async (rig) => {
      const delivered = await deliver(rig, sizeBytes(rig.partBytes));
      expect(delivered.plan.partBytes, 'partBytes of the rig').toBe(rig.partBytes);
      await expectArrived(rig, delivered);
    },
  ]),
);

const nameLaws: Laws<PushRig> = Object.fromEntries(
  Object.entries(NAMES).map(([kind, name]) => [
    `a name ${kind} arrives unchanged`,
    async (rig) => expectArrived(rig, await deliver(rig, 100, { name, folder: '/名 前' })),
  ]),
);

const deliveryLaws: Laws<PushRig> = {
  'the plan is the same each time, within bounds, and at most 10,000 parts also for the largest file': async (rig) => {
    const { provider, session, plan } = await open(rig, 3 * rig.partBytes);
    expect(provider.plan(session, 3 * rig.partBytes, rig.partBytes)).toEqual(plan);
    expect(plan.inFlightMax).toBeGreaterThanOrEqual(1);
    expect(plan.inFlightMax).toBeLessThanOrEqual(64);
    const largest = 48 * 1024 ** 3;
    const { partBytes } = provider.plan(session, largest, 10 * 1024 ** 2);
    expect(Math.ceil(largest / partBytes)).toBeLessThanOrEqual(10_000);
  },

  'a folder that is not there is made, however deep': async (rig) => {
    const delivered = await deliver(rig, 100, { folder: '/影视/2025/第 1 季/a/b' });
    await expectArrived(rig, delivered);
  },

  'a folder that is there takes another file': async (rig) => {
    const first = await deliver(rig, 100, { folder: '/a/b', name: 'one' });
    const second = await deliver(rig, 100, { folder: '/a/b', name: 'two', seed: 2 });
    await expectFarSide(rig, first, second);
  },

  'parts arrive in any order that the plan allows': async (rig) => {
    const opened = await open(rig, 4 * rig.partBytes + 5);
    const numbers = opened.plan.order === 'any' ? [4, 1, 5, 3, 2] : numbersOf(opened);
    await expectArrived(rig, await finish(opened, await putAll(opened, numbers)));
  },

  'as many parts as the plan allows may be under way at once': async (rig) => {
    const opened = await open(rig, 6 * rig.partBytes + 5);
    const receipts = await Promise.all(
      numbersOf(opened)
        .slice(0, opened.plan.inFlightMax)
        .map((n) => put(opened, n)),
    );
    for (const number of numbersOf(opened).slice(opened.plan.inFlightMax)) receipts.push(await put(opened, number));
    await expectArrived(rig, await finish(opened, receipts));
  },

  'the same part put twice has the same receipt, and the file is as if it had been put once': async (rig) => {
    const opened = await open(rig, 2 * rig.partBytes + 5);
    const first = await put(opened, 1);
    expect(await put(opened, 1)).toEqual(first);
    const rest = await putAll(opened, [2, 3]);
    await expectArrived(rig, await finish(opened, [first, ...rest]));
  },

  'an opening whose answer was lost is repeated without harm': async (rig) => {
    const lost = await open(rig, 2 * rig.partBytes + 5);
    const again = await openFor(rig.provider(), lost.item, lost.content, rig.partBytes);
    const delivered = await finish(again, await putAll(again));
    expect(sha256(await bytesAt(rig, delivered))).toBe(sha256(delivered.content));
  },

  'a transfer is carried on by a new process that has the session and the receipts as JSON': async (rig) => {
    const before = await open(rig, 2 * rig.partBytes + 5);
    const first = await put(before, 1);
    const after = overJson({ ...before, provider: rig.provider() });
    const second = await put(after, 2);
    const last = { ...after, provider: rig.provider() };
    const third = await put(last, 3);
    const delivered = await finish(
      { ...last, provider: rig.provider() },
      JSON.parse(JSON.stringify([first, second, third])),
    );
    await expectArrived(rig, delivered);
    expect(await inspect({ ...delivered, provider: rig.provider() })).toMatchObject({ kind: 'complete' });
  },

  'a session is at most 2 KiB of JSON and a receipt at most 80 bytes, also for the longest path': async (rig) => {
    const name = 'n'.repeat(255);
    const longest = `/${Array.from({ length: 4 }, (_, i) => `${i}`.repeat(240)).join('/')}`;
    const folder = longest.slice(0, (rig.pathBytesMax ?? Number.POSITIVE_INFINITY) - name.length - 1);
    const opened = await open(rig, rig.partBytes + 1, { folder, name });
    expect(Buffer.byteLength(JSON.stringify(opened.session))).toBeLessThanOrEqual(2048);
    for (const { tag } of await putAll(opened)) expect(Buffer.byteLength(tag)).toBeLessThanOrEqual(80);
  },

  'two transfers of one name at once both arrive whole, as the rule for conflicts has it': async (rig) => {
    const one = await open(rig, rig.partBytes + 5, { folder: '/same' });
    const two = await open(rig, rig.partBytes + 9, { folder: '/same', seed: 2 });
    const receipts = await Promise.all([putAll(one), putAll(two)]);
    const first = await finish(one, receipts[0]);
    const last = await finish(two, receipts[1]);
    expect(sha256(await bytesAt(rig, last))).toBe(sha256(last.content));
    if (rig.sameName === 'both') expect(sha256(await bytesAt(rig, first))).toBe(sha256(first.content));
    expect(await rig.listFarSide()).toHaveLength(rig.sameName === 'both' ? 2 : 1);
  },

  'the receipt is valid and tells the size': async (rig) => {
    const { receipt } = await deliver(rig, rig.partBytes + 5, { folder: '/影视' });
    expect(Receipt.parse(receipt)).toEqual(receipt);
    expect(receipt.sizeBytes).toBe(rig.partBytes + 5);
  },
};

const inspectLaws: Laws<PushRig> = {
  'inspect of a session without parts says partial and holds none': async (rig) => {
    expect(await inspect(await open(rig, 2 * rig.partBytes))).toEqual({ kind: 'partial', held: [] });
  },

  'inspect of a session with parts says partial, and what it lists is what was put': async (rig) => {
    const opened = await open(rig, 3 * rig.partBytes);
    const receipts = await putAll(opened, [1, 2]);
    const holding = await inspect(opened);
    if (holding.kind !== 'partial') throw new Error(`expected partial, got ${holding.kind}`);
    const put = receipts.map((receipt) => ({ ...receipt, sizeBytes: rig.partBytes }));
    for (const held of holding.held) expect(put).toContainEqual(held);
  },

  'inspect after finish says complete with the receipt, as often as it is asked': async (rig) => {
    const delivered = await deliver(rig, rig.partBytes + 5, { folder: '/a' });
    for (const provider of [delivered.provider, rig.provider()]) {
      const holding = await inspect({ ...delivered, provider });
      expect(holding).toEqual({ kind: 'complete', receipt: delivered.receipt });
    }
  },

  'inspect of an empty file says partial before finish and complete after it': async (rig) => {
    const opened = await open(rig, 0);
    expect(await inspect(opened)).toEqual({ kind: 'partial', held: [] });
    expect(await inspect(await finish(opened, []))).toMatchObject({ kind: 'complete' });
  },

  'inspect does not take an older file of the same name and size for ours': async (rig) => {
    await deliver(rig, 100, { seed: 1 });
    const opened = await open(rig, 100, { seed: 2 });
    expect(await inspect(opened)).toMatchObject({ kind: 'partial' });
    await putAll(opened);
    await rig.expireSession(opened.session, opened.item);
    expect(await inspect(opened)).toEqual({ kind: 'gone' });
  },

  'inspect of an expired session says gone': async (rig) => {
    expect(await inspect(await expired(rig))).toEqual({ kind: 'gone' });
  },

  'put into an expired session is Fault gone': async (rig) => {
    const opened = await expired(rig);
    await expectFault('gone', null, put(opened, 2));
  },

  'finish of an expired session is Fault gone': async (rig) => {
    const opened = await expired(rig);
    await expectFault('gone', null, opened.provider.finish(opened.session, opened.item, opened.receipts, ctx));
  },

  'after an expired session the same transfer is opened anew and arrives': async (rig) => {
    const { item, content } = await expired(rig);
    const opened = await openFor(rig.provider(), item, content, rig.partBytes);
    await expectArrived(rig, await finish(opened, await putAll(opened)));
  },

  'a session that is not ours is Fault gone': async (rig) => {
    const opened = { ...(await open(rig, 100)), session: { of: 'another deploy' } };
    await expectFault('gone', null, put(opened, 1));
  },
};

const discardLaws: Laws<PushRig> = {
  'discard leaves nothing behind, and repeating it is fine': async (rig) => {
    const opened = await open(rig, 2 * rig.partBytes);
    await put(opened, 1);
    await discard(opened);
    await discard({ ...opened, provider: rig.provider() });
    expect(await rig.listFarSide()).toEqual([]);
  },

  'after discard inspect says gone, and put is Fault gone': async (rig) => {
    const opened = await open(rig, 2 * rig.partBytes);
    await put(opened, 1);
    await discard(opened);
    expect(await inspect(opened)).toEqual({ kind: 'gone' });
    await expectFault('gone', null, put(opened, 1));
  },

  'discard of an expired session is fine': async (rig) => {
    await discard(await expired(rig));
  },

  'discard after finish keeps the finished file': async (rig) => {
    const delivered = await deliver(rig, rig.partBytes + 5);
    await discard(delivered);
    await expectArrived(rig, delivered);
  },

  'nothing but the finished file is left after finish': async (rig) => {
    await expectFarSide(rig, await deliver(rig, 2 * rig.partBytes + 5, { folder: '/a/b' }));
  },
};

const failureLaws: Laws<PushRig> = {
  'a body that ends early gives no receipt and no finished file, and the part can be put again': async (rig) => {
    const opened = await open(rig, 2 * rig.partBytes);
    const receipt = await put(opened, 1);
    await expect(put(opened, 2, 'ends early')).rejects.toThrow();
    expect(await rig.readBack(opened.item)).toBeNull();
    await expectArrived(rig, await finish(opened, [receipt, await put(opened, 2)]));
  },

  'a body that errors gives no receipt and no finished file, and the part can be put again': async (rig) => {
    const opened = await open(rig, 2 * rig.partBytes);
    const receipt = await put(opened, 1);
    await expect(put(opened, 2, 'errors')).rejects.toThrow();
    expect(await rig.readBack(opened.item)).toBeNull();
    await expectArrived(rig, await finish(opened, [receipt, await put(opened, 2)]));
  },

  'an abort ends a put at once with its reason and cancels the body, and the part can be put again': async (rig) => {
    const opened = await open(rig, rig.partBytes);
    const { part, stalled, canceled } = stalledPart(opened, 1);
    const abort = new AbortController();
    const reason = new Error('the lease is about to be lost');
    const putting = opened.provider.put(opened.session, opened.item, part, { signal: abort.signal });
    const refused = expect(putting).rejects.toBe(reason);
    await stalled;
    abort.abort(reason);
    await refused;
    await canceled;
    await expectArrived(rig, await finish(opened, await putAll(opened)));
  },

  'a call whose signal has aborted already does nothing and rejects with the reason': async (rig) => {
    const opened = await open(rig, rig.partBytes);
    const reason = new Error('canceled');
    const aborted: CallContext = { signal: AbortSignal.abort(reason) };
    const { provider, session, item } = opened;
    const other = await itemOf(provider, bytesOf(100, 7), { name: 'other' });
    await expect(provider.open(other, aborted)).rejects.toBe(reason);
    await expect(provider.put(session, item, partOf(opened, 1), aborted)).rejects.toBe(reason);
    await expect(provider.inspect(session, item, { from: 1, to: 1 }, aborted)).rejects.toBe(reason);
    await expect(provider.discard(session, item, aborted)).rejects.toBe(reason);
    await expect(provider.check(aborted)).rejects.toBe(reason);
    const receipts = await putAll(opened);
    await expect(provider.finish(session, item, receipts, aborted)).rejects.toBe(reason);
    await expectFarSide(rig, await finish(opened, receipts));
  },

  'check of a destination that takes files says so and leaves nothing behind': async (rig) => {
    const report = await rig.provider().check(ctx);
    expect(report.message).not.toBe('');
    expect(await rig.listFarSide()).toEqual([]);
  },

  'check of a destination that takes no files throws the Fault that a transfer would meet': async (rig) => {
    const { provider, kind } = await rig.failing();
    const fault = await expectFault(kind, null, provider.check(ctx));
    const item = await itemOf(provider, bytesOf(100));
    await expectFault(kind, fault.code, provider.open(item, ctx));
  },
};

const laws: Laws<PushRig> = {
  ...sizeLaws,
  ...nameLaws,
  ...deliveryLaws,
  ...inspectLaws,
  ...discardLaws,
  ...failureLaws,
};

async function expired(rig: PushRig) {
  const opened = await open(rig, 2 * rig.partBytes, { folder: '/a' });
  const receipts = await putAll(opened);
  await rig.expireSession(opened.session, opened.item);
  return { ...opened, receipts };
}

function discard({ provider, session, item }: Opened): Promise<void> {
  return provider.discard(session, item, ctx);
}

type Placed = Opened & { readonly receipt: Receipt };

async function expectArrived(rig: PushRig, delivered: Placed): Promise<void> {
  const found = await rig.readBack(delivered.item);
  if (found === null) throw new Error('there is no finished file of this name');
  expect(found.byteLength).toBe(delivered.item.sizeBytes);
  expect(sha256(found)).toBe(sha256(delivered.content));
}

/** Each of the files, and nothing else. */
async function expectFarSide(rig: PushRig, ...delivered: readonly Placed[]): Promise<void> {
  for (const one of delivered) await expectArrived(rig, one);
  expect(await rig.listFarSide()).toHaveLength(delivered.length);
}

async function bytesAt(rig: PushRig, { item, receipt }: Placed): Promise<Uint8Array> {
  const found = await rig.readReceipt(item, receipt);
  if (found === null) throw new Error('the receipt names no finished file');
  return found;
}

function overJson<T extends { readonly session: Session }>(opened: T): T {
  return { ...opened, session: JSON.parse(JSON.stringify(opened.session)) };
}
