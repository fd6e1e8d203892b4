/** From uploaded bytes to one archive, whatever becomes of answers, logins, words and processes. */
import { expect, it, vi } from 'vitest';
import { Fault, type FaultKind } from '#core/fault.ts';
import type { Item, PartReceipt, Session } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import {
  bytesOf,
  ctx,
  finish,
  inspect,
  itemOf,
  numbersOf,
  type Opened,
  open,
  openFor,
  partOf,
  putAll,
} from '../../contract/push-rig.ts';
import type { Habit } from '../../fakes/bilibili/habits.ts';
import { type BilibiliRig, bilibiliRig } from './rig.ts';

const MINUTE_MS = 60_000;

it.each(['done-but-lost', 'done-but-504'] as const)(
  'a submission that is %s is found and not made again',
  async (habit) => {
    await using rig = await bilibiliRig();
    const uploaded = await upload(rig);
    rig.fake.misbehave('add', habit);
    const { receipt } = await finish(uploaded, uploaded.receipts);
    expect(rig.archives().map(({ bvid }) => bvid)).toEqual([receipt.remoteId]);
    expect(rig.count('add')).toBe(1);
  },
);

it('a lost submission that the list does not show yet is waited for, and not made again', async () => {
  await using rig = await bilibiliRig({ listLagMs: MINUTE_MS });
  const uploaded = await upload(rig);
  rig.fake.misbehave('add', 'done-but-lost');
  const unclear = await expectFault('transient', 'bilibili.submit_unclear', finish(uploaded, uploaded.receipts));
  await expectFault('transient', 'bilibili.submit_unclear', finish(again(rig, uploaded), uploaded.receipts));
  rig.pass(unclear.retryAfterMs ?? 0);
  const { receipt } = await finish(again(rig, uploaded), uploaded.receipts);
  expect(rig.archives().map(({ bvid }) => bvid)).toEqual([receipt.remoteId]);
});

it('a submission that never arrived is made once it is known', async () => {
  await using rig = await bilibiliRig();
  const uploaded = await upload(rig);
  rig.fake.misbehave('add', '502');
  const { retryAfterMs = 0 } = await expectFault(
    'transient',
    'bilibili.submit_unclear',
    finish(uploaded, uploaded.receipts),
  );
  rig.pass(retryAfterMs);
  await finish(again(rig, uploaded), uploaded.receipts);
  expect(rig.archives()).toHaveLength(1);
});

it('a lost submission is found also when its title has been changed since', async () => {
  await using rig = await bilibiliRig({ listLagMs: MINUTE_MS });
  const uploaded = await upload(rig);
  rig.fake.misbehave('add', 'done-but-lost');
  await expectFault('transient', 'bilibili.submit_unclear', finish(uploaded, uploaded.receipts));
  rig.pass(10 * MINUTE_MS);
  const renamed = { ...uploaded, provider: rig.connect({ title: 'another one: {name}' }) };
  await finish(renamed, uploaded.receipts);
  expect(rig.archives()).toHaveLength(1);
});

it('an archive of the same title that is made of another upload is not taken for ours', async () => {
  await using rig = await bilibiliRig();
  const first = await upload(rig);
  const one = await finish(first, first.receipts);
  const second = await upload(rig, 2);
  const two = await finish(second, second.receipts);
  expect(two.receipt.remoteId).not.toBe(one.receipt.remoteId);
  expect(rig.archives()).toHaveLength(2);
});

const WORDS: readonly (readonly [Habit, string])[] = [
  ['code 21005', 'bilibili.tags_refused'],
  ['code 21103', 'bilibili.title_refused'],
  ['code 21021', 'bilibili.source_missing'],
  ['code 21001', 'bilibili.metadata_refused'],
  ['code 10009', 'bilibili.duplicate'],
  ['code 29999', 'bilibili.submit_refused'],
];

it.each(WORDS)(
  'a submission that is refused with %s stays uploaded, and mended words submit it',
  async (habit, code) => {
    await using rig = await bilibiliRig();
    const uploaded = await upload(rig);
    rig.fake.misbehave('add', habit);
    await expectFault('rejected', code, finish(uploaded, uploaded.receipts));
    expect(await inspect(again(rig, uploaded))).toMatchObject({ kind: 'partial' });
    const mended = { ...uploaded, provider: rig.connect({ tags: ['别的'], title: '别的 {name}' }) };
    await finish(mended, uploaded.receipts);
    expect(rig.archives().map(({ title }) => title)).toEqual(['别的 film']);
    expect([rig.count('preupload'), rig.count('part'), rig.count('complete')]).toEqual([1, uploaded.partCount, 1]);
  },
);

const REFUSALS: readonly (readonly [Habit, FaultKind, string])[] = [
  ['code 21566', 'throttled', 'bilibili.limited'],
  ['code 137022', 'throttled', 'bilibili.limited'],
  ['code 21564', 'throttled', 'bilibili.limited'],
  ['code 601', 'risk', 'bilibili.needs_person'],
  ['code -101', 'auth', 'bilibili.login_ended'],
  ['code -111', 'auth', 'bilibili.csrf_refused'],
];

it.each(REFUSALS)(
  'a submission that meets %s is Fault %s %s, and a later one is made once',
  async (habit, kind, code) => {
    await using rig = await bilibiliRig();
    const uploaded = await upload(rig);
    rig.fake.misbehave('add', habit);
    const fault = await expectFault(kind, code, finish(uploaded, uploaded.receipts));
    rig.pass(fault.retryAfterMs ?? 0);
    await finish(again(rig, uploaded), uploaded.receipts);
    expect(rig.archives()).toHaveLength(1);
  },
);

it('a submission that is limited lets the account rest in all processes: nothing is submitted and nothing begun', async () => {
  await using rig = await bilibiliRig();
  const [one, two] = [await upload(rig), await upload(rig, 2)];
  rig.fake.misbehave('add', 'code 21564');
  const { retryAfterMs } = await expectFault('throttled', 'bilibili.limited', finish(one, one.receipts));
  expect(retryAfterMs).toBe(24 * 60 * MINUTE_MS);
  await expectFault('throttled', 'bilibili.resting', finish(again(rig, two), two.receipts));
  await expectFault('throttled', 'bilibili.resting', open(rig, 100));
  expect([rig.count('add'), rig.count('archives'), rig.count('preupload')]).toEqual([1, 1, 2]);
});

it('two submissions keep their distance, in whatever process, and what waits is not put together again', async () => {
  await using rig = await bilibiliRig({ completedAgain: 'unknown upload' });
  const [one, two] = [await upload(rig), await upload(rig, 2)];
  const paced = (opened: Opened) => ({ ...opened, provider: rig.connect({ spacingSeconds: 60 }) });
  await finish(paced(one), one.receipts);
  const { retryAfterMs = 0 } = await expectFault('throttled', 'bilibili.paced', finish(paced(two), two.receipts));
  expect(retryAfterMs).toBe(MINUTE_MS / 2);
  expect(rig.count('archives')).toBe(1);
  rig.pass(retryAfterMs);
  await finish(paced(two), two.receipts);
  expect(rig.archives()).toHaveLength(2);
});

it('what was submitted is known to be, also while the list does not show it', async () => {
  await using rig = await bilibiliRig({ listLagMs: 60 * MINUTE_MS });
  const uploaded = await upload(rig);
  const { receipt } = await finish(uploaded, uploaded.receipts);
  expect(await inspect(again(rig, uploaded))).toEqual({ kind: 'complete', receipt });
  expect((await finish(again(rig, uploaded), uploaded.receipts)).receipt).toEqual(receipt);
  expect(rig.archives()).toHaveLength(1);
});

it('a submission that was answered holds, though neither cookies nor the ledger can be written then', async () => {
  await using rig = await bilibiliRig();
  const uploaded = await upload(rig);
  rig.fake.misbehave('add', 'csrf-rotates');
  using _ = atTheEndOf('/add/v3', async () => {
    vi.spyOn(rig.stored, 'rotate').mockRejectedValue(new Error('the vault is away'));
    vi.spyOn(rig.shared, 'swap').mockRejectedValue(new Error('the table is away'));
  });
  const { receipt } = await finish(uploaded, uploaded.receipts);
  expect(rig.archives().map(({ bvid }) => bvid)).toEqual([receipt.remoteId]);
  expect(rig.count('add')).toBe(1);
});

it('cookies that a former login is given do not come into a new one', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('nav', 'csrf-rotates');
  const fresh = { cookies: { SESSDATA: 'another', bili_jct: 'theirs' } };
  using _ = atTheEndOf('/nav', async () => void (await rig.stored.rotate(async () => fresh)));
  await rig.provider().check(ctx);
  expect(rig.login()).toEqual(fresh);
});

it('the quiet after a submission without an answer counts from where it ended', async () => {
  await using rig = await bilibiliRig({ listLagMs: 60 * MINUTE_MS });
  const uploaded = await upload(rig);
  rig.fake.misbehave('add', 'done-but-lost');
  using _ = atTheEndOf('/add/v3', async () => rig.pass(MINUTE_MS));
  const lost = finish(uploaded, uploaded.receipts);
  const { retryAfterMs = 0 } = await expectFault('transient', 'bilibili.submit_unclear', lost);
  rig.pass(retryAfterMs - 1);
  await expectFault('transient', 'bilibili.submit_unclear', finish(again(rig, uploaded), uploaded.receipts));
  expect(rig.count('add')).toBe(1);
});

it.each(['code 21012', 'code 10009', 'code 21015', 'code -101'] as const)(
  'a second submission that is refused with %s does not make the first one forgotten',
  async (habit) => {
    await using rig = await bilibiliRig({ listLagMs: 5 * MINUTE_MS });
    const uploaded = await upload(rig);
    rig.fake.misbehave('add', 'done-but-lost');
    await expectFault('transient', 'bilibili.submit_unclear', finish(uploaded, uploaded.receipts));
    rig.pass(3 * MINUTE_MS);
    rig.fake.misbehave('add', habit);
    await finish(again(rig, uploaded), uploaded.receipts).catch(() => undefined);
    rig.pass(3 * MINUTE_MS);
    const renamed = { ...uploaded, provider: rig.connect({ title: 'another one: {name}' }) };
    const { receipt } = await finish(renamed, uploaded.receipts);
    expect(rig.archives().map(({ bvid }) => bvid)).toEqual([receipt.remoteId]);
    expect(rig.count('add')).toBe(2);
  },
);

it('a second submission that is refused looks for the first one again', async () => {
  await using rig = await bilibiliRig({ listLagMs: 5 * MINUTE_MS });
  const uploaded = await upload(rig);
  rig.fake.misbehave('add', 'done-but-lost');
  await expectFault('transient', 'bilibili.submit_unclear', finish(uploaded, uploaded.receipts));
  rig.pass(3 * MINUTE_MS);
  rig.fake.misbehave('add', 'code 21012');
  using _ = atTheEndOf('/add/v3', async () => rig.pass(3 * MINUTE_MS));
  const { receipt } = await finish(again(rig, uploaded), uploaded.receipts);
  expect(rig.archives().map(({ bvid }) => bvid)).toEqual([receipt.remoteId]);
});

it.each(['code -404', 'code -403'] as const)(
  'an archive that Bilibili refuses to show with %s is not ours, and stops nothing',
  async (habit) => {
    await using rig = await bilibiliRig();
    const first = await upload(rig);
    await finish(first, first.receipts);
    rig.fake.misbehave('view', habit);
    const second = await upload(rig, 2);
    await finish(second, second.receipts);
    expect(rig.archives()).toHaveLength(2);
  },
);

it.each(['502', '403-html', 'code -101', 'code -352'] as const)(
  'an archive that cannot be looked into for %s stops a submission',
  async (habit) => {
    await using rig = await bilibiliRig();
    const first = await upload(rig);
    await finish(first, first.receipts);
    rig.fake.misbehave('view', habit);
    const second = await upload(rig, 2);
    await expect(finish(second, second.receipts)).rejects.toBeInstanceOf(Fault);
    expect(rig.count('add')).toBe(1);
  },
);

it('the repeated cookie that Bilibili changes is taken over and stored', async () => {
  await using rig = await bilibiliRig();
  const before = rig.fake.session.csrf;
  rig.fake.misbehave('archives', 'csrf-rotates');
  const uploaded = await upload(rig);
  await finish(uploaded, uploaded.receipts);
  expect(rig.fake.session.csrf).not.toBe(before);
  expect(rig.login()).toMatchObject({ cookies: { bili_jct: rig.fake.session.csrf } });
});

it('a submission that goes out while another process is given new cookies is made again with them', async () => {
  await using rig = await bilibiliRig();
  const uploaded = await upload(rig);
  rig.fake.misbehave('add', 'stalled');
  rig.fake.misbehave('nav', 'csrf-rotates');
  const refused = expectFault('transient', 'bilibili.login_renewed', finish(uploaded, uploaded.receipts));
  await rig.fake.stalled();
  await rig.provider().check(ctx);
  rig.fake.release();
  await refused;
  await finish(again(rig, uploaded), uploaded.receipts);
  expect(rig.archives()).toHaveLength(1);
});

it('an unclear completion is made again and does not make two', async () => {
  await using rig = await bilibiliRig();
  const uploaded = await upload(rig);
  rig.fake.misbehave('complete', 'done-but-504');
  await expectFault('transient', 'bilibili.unavailable', finish(uploaded, uploaded.receipts));
  await finish(again(rig, uploaded), uploaded.receipts);
  expect(rig.archives()).toHaveLength(1);
});

it.each(['part-count', '403-empty'] as const)(
  'a completion that meets %s sends the file again, as another object',
  async (habit) => {
    await using rig = await bilibiliRig();
    const uploaded = await upload(rig);
    rig.fake.misbehave('complete', habit);
    await expectFault('gone', null, finish(uploaded, uploaded.receipts));
    const next = await openFor(rig.provider(), uploaded.item, uploaded.content, rig.partBytes);
    const { receipt } = await finish(next, await putAll(next));
    expect(await rig.readReceipt(uploaded.item, receipt)).toEqual(new Uint8Array(uploaded.content));
  },
);

it('a part that Bilibili forgot is noticed at the completion', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('part', 'forgotten');
  const uploaded = await upload(rig);
  await expectFault('gone', 'bilibili.parts_missing', finish(uploaded, uploaded.receipts));
});

it('what is only uploaded is not submitted, and its receipt names the object and its cid', async () => {
  await using rig = await bilibiliRig();
  const provider = rig.connect({ publish: 'upload-only' });
  const uploaded = { ...(await upload(rig)), provider };
  const { receipt } = await finish(uploaded, uploaded.receipts);
  const [object] = rig.fake.world.objects.values();
  expect(receipt).toMatchObject({ location: `bilibili:${object?.filename}`, remoteId: `cid ${object?.bizId}` });
  expect(await inspect({ ...uploaded, provider: rig.connect({ publish: 'upload-only' }) })).toEqual({
    kind: 'complete',
    receipt,
  });
  expect(rig.archives()).toEqual([]);
});

it('what is said of a video arrives as it was set', async () => {
  await using rig = await bilibiliRig();
  const provider = rig.connect({
    copyright: 2,
    source: 'https://example.com',
    tags: 'a, b，c',
    title: '【{name}】',
    desc: '说明: {folder}',
    cover: 'https://i0.hdslb.com/bfs/archive/a.jpg',
    onlySelf: true,
    noReprint: true,
  });
  const name = `${'👨‍👩‍👧‍👦'.repeat(8)}.mkv`;
  const item = await itemOf(provider, bytesOf(10), { name });
  const opened = await openFor(provider, item, bytesOf(10), rig.partBytes);
  await finish(opened, await putAll(opened));
  expect(rig.archives()[0]?.submission).toMatchObject({
    copyright: 2,
    source: 'https://example.com',
    tag: 'a,b,c',
    // Seven families of 11 UTF-16 units each: an eighth would be cut in two.
    title: `【${'👨‍👩‍👧‍👦'.repeat(7)}`,
    desc: '说明: ',
    cover: 'https://i0.hdslb.com/bfs/archive/a.jpg',
    is_only_self: 1,
    no_reprint: 1,
  });
});

const SIZES = [
  ['one part', 100],
  ['three parts', 2 * 65_536 + 5],
] as const;
const CUTS = SIZES.flatMap(([what, sizeBytes]) =>
  (['before it is done', 'after it is done'] as const).map((done) => [what, done, sizeBytes] as const),
);

it.each(CUTS)('a file of %s arrives once, whichever request the death comes %s', async (_what, done, sizeBytes) => {
  for (let n = 1; ; n++) {
    await using rig = await bilibiliRig({ lines: ['bda2'], listLagMs: 30_000 });
    const content = bytesOf(sizeBytes);
    const item = await itemOf(rig.provider(), content);
    rig.fake.cutFrom(n, done);
    const { receipt, isReached } = await carried(rig, item, content);
    expect(await rig.readReceipt(item, receipt), `death at request ${n}`).toEqual(new Uint8Array(content));
    expect(rig.archives(), `death at request ${n}`).toHaveLength(1);
    if (!isReached) return;
    expect(n).toBeLessThan(30);
  }
});

/** What survives a death. */
interface Journal {
  session: Session | null;
  readonly receipts: Map<number, PartReceipt>;
}

const ROUNDS_MAX = 10;

/** As the engine does: what is committed is not done again, a fault that may pass is waited for, a dead session is left. */
async function carried(rig: BilibiliRig, item: Item, content: Uint8Array<ArrayBuffer>) {
  let isReached = false;
  let journal: Journal = { session: null, receipts: new Map() };
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    try {
      const receipt = await drive(rig, journal, item, content);
      return { receipt, isReached: isReached || rig.fake.mend() };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      isReached ||= rig.fake.mend();
      if (error.kind === 'gone') journal = { session: null, receipts: new Map() };
      else if (error.kind !== 'transient' && error.kind !== 'throttled') throw error;
      rig.pass(error.retryAfterMs ?? 1_000);
    }
  }
  throw new Error(`it did not arrive in ${ROUNDS_MAX} rounds`);
}

async function drive(
  rig: BilibiliRig,
  journal: Journal,
  item: Item,
  content: Uint8Array<ArrayBuffer>,
): Promise<Receipt> {
  const provider = rig.provider();
  const session = journal.session ?? (await openFor(provider, item, content, rig.partBytes)).session;
  journal.session = session;
  const plan = provider.plan(session, item.sizeBytes, rig.partBytes);
  const partCount = Math.ceil(item.sizeBytes / plan.partBytes);
  const opened = { provider, item, content, session, plan, partCount };
  for (const number of numbersOf(opened)) {
    if (journal.receipts.has(number)) continue;
    journal.receipts.set(number, await provider.put(session, item, partOf(opened, number), ctx));
  }
  const holding = await inspect(opened);
  if (holding.kind === 'complete') return holding.receipt;
  const receipts = [...journal.receipts.values()].sort((a, b) => a.number - b.number);
  return provider.finish(session, item, receipts, ctx);
}

async function upload(rig: BilibiliRig, seed = 1) {
  const opened = await open(rig, rig.partBytes + 5, { seed });
  return { ...opened, receipts: await putAll(opened) };
}

/** Does this between the answer to a request, or its loss, and what is made of it. */
function atTheEndOf(path: string, act: () => Promise<void>) {
  const real = globalThis.fetch;
  return vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    try {
      return await real(input, init);
    } finally {
      if (String(input).includes(path)) await act();
    }
  });
}

/** The same, in another process. */
function again<T extends Opened>(rig: BilibiliRig, opened: T): T {
  return { ...opened, provider: rig.provider() };
}
