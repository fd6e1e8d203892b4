/** What happens before a byte moves: refusals, the account's pace, its rests, lines and servers. */
import { expect, it } from 'vitest';
import type { FaultKind } from '#core/fault.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, deliver, itemOf, open, put } from '../../contract/push-rig.ts';
import type { Habit } from '../../fakes/bilibili/habits.ts';
import { bilibiliRig } from './rig.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const CONTENT = bytesOf(100);

it.each([
  ['an empty file', 'film.mp4', 0, 'bilibili.empty'],
  ['a file that is no video', 'notes.txt', 100, 'bilibili.no_video'],
  ['a file without an extension', 'README', 100, 'bilibili.no_video'],
  ['a hidden file that is all extension', '.mp4', 100, 'bilibili.no_video'],
  ['a name without anything for a title', '  .mp4', 100, 'bilibili.title_empty'],
])('%s is refused without a question to Bilibili', async (_what, name, sizeBytes, code) => {
  await using rig = await bilibiliRig();
  const item = { ...(await itemOf(rig.provider(), CONTENT, { name })), sizeBytes };
  await expectFault('rejected', code, rig.provider().open(item, ctx));
  expect(rig.fake.asked).toEqual([]);
});

const REFUSALS: readonly (readonly [Habit, FaultKind, string])[] = [
  ['throttled-601-voucher', 'risk', 'bilibili.needs_person'],
  ['code -352', 'risk', 'bilibili.needs_person'],
  ['throttled-406', 'throttled', 'bilibili.limited'],
  ['406-empty', 'throttled', 'bilibili.limited'],
  ['code -412', 'throttled', 'bilibili.limited'],
  ['403-html', 'risk', 'bilibili.forbidden'],
  ['403-empty', 'risk', 'bilibili.forbidden'],
  ['200-html', 'transient', 'bilibili.unavailable'],
  ['garbage', 'transient', 'bilibili.unavailable'],
  ['502', 'transient', 'bilibili.unavailable'],
  ['cut', 'transient', 'bilibili.unavailable'],
  ['ok-zero-in-200', 'transient', 'bilibili.refused'],
  ['code -101', 'auth', 'bilibili.login_ended'],
];

it.each(REFUSALS)('a pre-upload that meets %s is Fault %s %s', async (habit, kind, code) => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('preupload', habit);
  const fault = await expectFault(kind, code, begin(rig.provider()));
  expect(fault.message).not.toContain(rig.fake.session.csrf);
  expect(fault.message).not.toMatch(/voucher_/);
});

it('files of one account begin at a distance, in whatever process', async () => {
  await using rig = await bilibiliRig();
  const paced = { spacingSeconds: 60 };
  await begin(rig.connect(paced));
  const fault = await expectFault('throttled', 'bilibili.paced', begin(rig.connect(paced)));
  expect(fault.retryAfterMs).toBe(MINUTE_MS);
  expect(rig.count('preupload')).toBe(1);
  rig.pass(MINUTE_MS);
  await begin(rig.connect(paced));
  expect(rig.count('preupload')).toBe(2);
});

it('no more files begin in an hour than the settings allow, lost answers included', async () => {
  await using rig = await bilibiliRig();
  const paced = { submissionsPerHour: 3 };
  rig.fake.misbehave('preupload', 'done-but-lost');
  await expectFault('transient', null, begin(rig.connect(paced)));
  for (let n = 2; n <= 3; n++) {
    rig.pass(10 * MINUTE_MS);
    await begin(rig.connect(paced));
  }
  const fault = await expectFault('throttled', 'bilibili.paced', begin(rig.connect(paced)));
  expect(fault.retryAfterMs).toBe(40 * MINUTE_MS);
  rig.pass(40 * MINUTE_MS);
  await begin(rig.connect(paced));
  expect(rig.count('preupload')).toBe(4);
});

it('of racing processes one begins, and the others wait without asking Bilibili', async () => {
  await using rig = await bilibiliRig();
  const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => begin(rig.connect({ spacingSeconds: 60 }))));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(rig.count('preupload')).toBe(1);
});

it('a limit lets all processes rest, twice as long each time, until an answer is good', async () => {
  await using rig = await bilibiliRig();
  for (const restMs of [HOUR_MS / 2, HOUR_MS, 2 * HOUR_MS]) {
    rig.fake.misbehave('preupload', 'throttled-406');
    const limited = await expectFault('throttled', 'bilibili.limited', begin(rig.provider()));
    expect(limited.retryAfterMs).toBe(restMs);
    const asked = rig.fake.asked.length;
    rig.pass(restMs - 1);
    const resting = await expectFault('throttled', 'bilibili.resting', begin(rig.provider()));
    expect(resting.retryAfterMs).toBe(1);
    await expectFault('throttled', 'bilibili.resting', rig.provider().check(ctx));
    expect(rig.fake.asked).toHaveLength(asked);
    rig.pass(1);
  }
  await begin(rig.provider());
  rig.fake.misbehave('preupload', 'throttled-406');
  const again = await expectFault('throttled', 'bilibili.limited', begin(rig.provider()));
  expect(again.retryAfterMs).toBe(HOUR_MS / 2);
});

it('the file that met a limit rests like all others, and refusals at the same time count as one', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('preupload', 'throttled-406', 2);
  const items = [await itemOf(rig.provider(), CONTENT), await itemOf(rig.provider(), CONTENT)];
  const openAll = () => items.map((item) => rig.provider().open(item, ctx));
  await Promise.all(openAll().map((opening) => expectFault('throttled', 'bilibili.limited', opening)));
  await Promise.all(openAll().map((opening) => expectFault('throttled', 'bilibili.resting', opening)));
  rig.pass(HOUR_MS / 2);
  rig.fake.misbehave('preupload', 'throttled-406');
  const next = await expectFault('throttled', 'bilibili.limited', begin(rig.provider()));
  expect(next.retryAfterMs).toBe(HOUR_MS);
});

it('no rest is longer than a day', async () => {
  await using rig = await bilibiliRig();
  let longestMs = 0;
  for (let n = 0; n < 8; n++) {
    rig.fake.misbehave('preupload', '406-empty');
    const { retryAfterMs = 0 } = await expectFault('throttled', 'bilibili.limited', begin(rig.provider()));
    longestMs = Math.max(longestMs, retryAfterMs);
    rig.pass(retryAfterMs);
  }
  expect(longestMs).toBe(24 * HOUR_MS);
});

it('after a rest one file makes the trial, and the others wait for what becomes of it', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('preupload', 'throttled-406');
  await expectFault('throttled', 'bilibili.limited', begin(rig.provider()));
  rig.pass(HOUR_MS / 2);
  rig.fake.misbehave('preupload', 'stalled');
  const trial = begin(rig.provider());
  await rig.fake.stalled();
  await expectFault('throttled', 'bilibili.resting', begin(rig.provider()));
  rig.fake.release();
  await trial;
  await begin(rig.provider());
});

it('where Bilibili wants a person, one file says so and goes ahead when it is retried; the others rest', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('preupload', 'throttled-601-voucher');
  const item = await itemOf(rig.provider(), CONTENT);
  await expectFault('risk', 'bilibili.needs_person', rig.provider().open(item, ctx));
  const waiting = await expectFault('throttled', 'bilibili.resting', begin(rig.provider()));
  expect(waiting.message).toContain('person');
  expect(rig.count('preupload')).toBe(1);
  await rig.provider().open(item, ctx);
  await begin(rig.provider());
  expect(rig.count('preupload')).toBe(3);
});

it('a file that met a check may go ahead after its retry, though others were refused since', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('preupload', 'throttled-601-voucher', 2);
  rig.fake.misbehave('preupload', 'throttled-406');
  const items = [await itemOf(rig.provider(), CONTENT), await itemOf(rig.provider(), CONTENT)] as const;
  const [first, second] = items;
  await Promise.all(items.map((item) => expectFault('risk', 'bilibili.needs_person', rig.provider().open(item, ctx))));
  await expectFault('throttled', 'bilibili.limited', rig.provider().open(second, ctx));
  await expectFault('throttled', 'bilibili.resting', begin(rig.provider()));
  await rig.provider().open(first, ctx);
});

it('a check of the destination that meets a check for a person puts nothing to rest', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('nav', 'code -352');
  await expectFault('risk', 'bilibili.needs_person', rig.provider().check(ctx));
  await begin(rig.provider());
});

it('the retry of a person goes ahead once', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('preupload', 'throttled-601-voucher');
  rig.fake.misbehave('preupload', '502');
  const item = await itemOf(rig.provider(), CONTENT);
  await expectFault('risk', 'bilibili.needs_person', rig.provider().open(item, ctx));
  await expectFault('transient', 'bilibili.unavailable', rig.provider().open(item, ctx));
  await expectFault('throttled', 'bilibili.resting', rig.provider().open(item, ctx));
});

it('the line that was asked for is taken where Bilibili names it second', async () => {
  await using rig = await bilibiliRig({ lines: ['bda2', 'txa'] });
  rig.fake.misbehave('line ok at bda2', '502');
  rig.fake.misbehave('preupload', 'other-endpoint');
  const opened = await begin(rig.provider());
  expect(`http:${opened.session.endpoint}`).toBe(rig.fake.lines['txa']);
  expect(rig.count('init')).toBe(1);
});

it('a line named in the settings is asked for without a probe', async () => {
  await using rig = await bilibiliRig();
  const opened = await begin(rig.connect({ line: 'bldsa' }));
  expect(rig.count('probe')).toBe(0);
  expect(opened.notes).toEqual(['line.bldsa']);
  expect(`http:${opened.session.endpoint}`).toBe(rig.fake.lines['bldsa']);
});

it('a process tries the lines once in ten minutes', async () => {
  await using rig = await bilibiliRig();
  const provider = rig.provider();
  await begin(provider);
  rig.pass(10 * MINUTE_MS - 1);
  await begin(provider);
  expect(rig.count('probe')).toBe(1);
  rig.pass(1);
  await begin(provider);
  expect(rig.count('probe')).toBe(2);
});

it.each(['502', 'cut', '403-html'] as const)(
  'a server that answers the beginning with %s is left for the next one, where all parts go then',
  async (habit) => {
    await using rig = await bilibiliRig();
    rig.fake.misbehave('init', habit);
    await deliver(rig, 3 * rig.partBytes);
    const [first, ...rest] = rig.fake.asked.filter(({ host, operation }) => host === 'line' && operation !== 'line ok');
    expect(new Set(rest.map(({ line }) => line)).size).toBe(1);
    expect(rest[0]?.line).not.toBe(first?.line);
    expect(rig.count('preupload')).toBe(1);
  },
);

it('where no server begins the upload it is tried again later', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('init', '502', 3);
  await expectFault('transient', 'bilibili.unavailable', begin(rig.provider()));
});

it.each([
  ['502', 'transient', 'bilibili.unavailable'],
  ['reset-midway', 'transient', 'bilibili.unavailable'],
  ['cut', 'transient', 'bilibili.unavailable'],
  ['200-html', 'transient', 'bilibili.part_unconfirmed'],
  ['403-empty', 'gone', 'bilibili.session_gone'],
] as const)('a part that meets %s is Fault %s %s, and others go on', async (habit, kind, code) => {
  await using rig = await bilibiliRig();
  const opened = await open(rig, 2 * rig.partBytes);
  rig.fake.misbehave('part', habit);
  await expectFault(kind, code, put(opened, 1));
  await put(opened, 2);
  await put(opened, 1);
});

it('cookies go to no server of uploads, and nothing secret into an address', async () => {
  await using rig = await bilibiliRig();
  await rig.provider().check(ctx);
  await deliver(rig, 2 * rig.partBytes + 1);
  expect(rig.fake.leaks).toEqual([]);
  const upos = rig.fake.asked.filter(({ host }) => host === 'line');
  expect(upos.length).toBeGreaterThan(4);
  expect(upos.every(({ hasCookies }) => !hasCookies)).toBe(true);
});

it('a check tells whose login it is', async () => {
  await using rig = await bilibiliRig();
  expect((await rig.provider().check(ctx)).message).toBe('logged in to Bilibili as 测试账号; partition 生活');
});

async function begin(provider: PushProvider) {
  const item = await itemOf(provider, CONTENT);
  const opening = await provider.open(item, ctx);
  if (opening.kind !== 'ready') throw new Error(`expected ready, got ${opening.kind}`);
  const { endpoint } = opening.session as { readonly endpoint: string };
  return { ...opening, session: { endpoint } };
}
