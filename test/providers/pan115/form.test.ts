/** Small files by cookie, each in one form, which is a file at 115 as soon as it has arrived. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, deliver, finish, inspect, itemOf, open, put, putAll } from '../../contract/push-rig.ts';
import type { Settings } from '../../fakes/pan115/world.ts';
import { type Pan115Rig, pan115Rig } from './rig.ts';

const PART = 102_400;
const FORM = '/';
const forms = ({ fake }: Pan115Rig) => fake.log.filter((name) => name === 'POST /').length;

/** A small file that is announced, and whose form meets something. */
async function small(settings: Partial<Settings> = {}) {
  const rig = await pan115Rig('cookie', settings);
  return { rig, opened: await open(rig, PART, { folder: '/a' }) };
}

test('a small file is announced, sent in one form, and looked for; no keys are asked for', async () => {
  await using rig = await pan115Rig('cookie');
  await deliver(rig, 100, { folder: '/a' });
  const before = rig.fake.log.length;
  const provider = rig.provider();
  await deliver({ ...rig, provider: () => provider }, PART, { folder: '/a', name: 'other', seed: 2 });
  expect(rig.fake.log.slice(before)).toEqual([
    // The prefix and the folder in it, and what stands there.
    'GET /files',
    'GET /files',
    'GET /files',
    // Once for all files of a process.
    'GET /app/uploadinfo',
    'POST /4.0/initupload.php',
    'POST /3.0/sampleinitupload.php',
    'POST /',
    'GET /files',
  ]);
  expect(rig.oss.log).toEqual([]);
});

test('a file is sent in parts when it is empty, larger than a form may be, or when more than its SHA-1 was claimed', async () => {
  await using rig = await pan115Rig('cookie');
  const content = bytesOf(PART);
  const provider = rig.provider();
  const item = await itemOf(provider, content);
  const kinds = [];
  for (const [one, by] of [
    [{ ...item, digests: { ...item.digests, md5: createHash('md5').update(content).digest('hex') } }, provider],
    [item, rig.connect({ formBytesMax: PART - 1 })],
    [item, rig.connect({ formBytesMax: 0 })],
    [await itemOf(provider, bytesOf(PART + 1)), provider],
    [await itemOf(provider, bytesOf(0)), provider],
  ] as const) {
    const opening = await by.open(one, ctx);
    kinds.push(opening.kind === 'ready' && opening.session);
  }
  expect(kinds).toMatchObject([...Array(4).fill({ kind: 'parts' }), { kind: 'whole' }]);
});

test('a form holds the whole file, however small the chunks are', async () => {
  const { rig, opened } = await small();
  await using _ = rig;
  expect(opened.provider.plan(opened.session, PART, 1_000).partBytes).toBe(103_000);
});

test('of other bytes than were announced 115 never has a file', async () => {
  const { rig, opened } = await small();
  await using _ = rig;
  await expectFault('rejected', 'pan115.digest_mismatch', put({ ...opened, content: bytesOf(PART, 9) }, 1));
  await expect(put(opened, 1, 'ends early')).rejects.toThrow();
  await expect(put(opened, 1, 'errors')).rejects.toThrow();
  expect(rig.files()).toEqual([]);
  await finish(opened, await putAll(opened));
  expect(rig.files()).toHaveLength(1);
});

test('a form whose answer was lost is settled by what 115 shows, also when that takes seconds', async () => {
  const { rig, opened } = await small({ lagMs: 3_000 });
  await using _ = rig;
  rig.fake.misbehave(FORM, 'lost reply');
  const first = await put(opened, 1);
  expect(await put({ ...opened, provider: rig.provider() }, 1)).toEqual(first);
  expect(forms(rig)).toBe(1);
  const { receipt } = await finish(opened, [first]);
  expect(rig.files().map(({ id }) => id)).toEqual([receipt.remoteId]);
});

test('a process that died with its form leaves a file that the next one finds, also when that takes seconds', async () => {
  const { rig, opened } = await small({ lagMs: 3_000 });
  await using _ = rig;
  // A ticket, the form: nothing goes after that.
  rig.fake.cutFrom(2, 'after it is done');
  await expectFault('transient', 'pan115.unanswered', put(opened, 1));
  expect(rig.fake.mend()).toBe(true);
  const next = { ...opened, provider: rig.provider() };
  expect(await inspect(next)).toMatchObject({ kind: 'complete' });
  await finish(next, await putAll(next));
  expect(forms(rig)).toBe(1);
  expect(rig.files()).toHaveLength(1);
});

test('a form of which 115 says nothing and shows nothing is sent again after ten seconds, and after a look', async () => {
  const { rig, opened } = await small();
  await using _ = rig;
  rig.fake.misbehave(FORM, 'garbage');
  const fault = await expectFault('transient', 'pan115.no_verdict', put(opened, 1));
  expect(fault.retryAfterMs).toBe(10_000);
  expect(await inspect(opened)).toEqual({ kind: 'partial', held: [] });
  const looks = rig.fake.log.length;
  await finish(opened, await putAll(opened));
  expect(rig.fake.log.slice(looks)).toEqual(['GET /files', 'POST /3.0/sampleinitupload.php', 'POST /', 'GET /files']);
  expect(rig.files()).toHaveLength(1);
});

test('a refusal inside of HTTP 200 is a refusal: the file is announced again', async () => {
  const { rig, opened } = await small();
  await using _ = rig;
  rig.fake.misbehave(FORM, 'check fails');
  await expectFault('gone', 'pan115.check_failed', put(opened, 1));
  expect(rig.files()).toEqual([]);
});

test('a ticket that the bucket does not take costs another one and no look for seconds', async () => {
  const { rig, opened } = await small();
  await using _ = rig;
  rig.fake.misbehave(FORM, 'redirect');
  await expectFault('transient', 'pan115.form_refused', put(opened, 1));
  expect(rig.slept).not.toContain(1_000);
  await finish(opened, await putAll(opened));
  expect(rig.files()).toHaveLength(1);
});

test.each(['by another process', 'too late', 'after an inspection'])(
  'a form that is sent %s is sent after a look',
  async (how) => {
    const { rig, opened } = await small();
    await using _ = rig;
    // Another transfer of the same file was faster.
    await deliver(rig, PART, { folder: '/a' });
    const provider = how === 'by another process' ? rig.provider() : opened.provider;
    if (how === 'too late') rig.pass(20_000);
    if (how === 'after an inspection') await inspect(opened);
    await finish({ ...opened, provider }, await putAll({ ...opened, provider }));
    expect(forms(rig)).toBe(1);
    expect(rig.files()).toHaveLength(1);
  },
);

test('an older file of the same name and size is not taken for ours', async () => {
  const { rig, opened } = await small();
  await using _ = rig;
  await finish(opened, await putAll(opened));
  const second = await open(rig, PART, { folder: '/a', seed: 2 });
  expect(await inspect(second)).toEqual({ kind: 'partial', held: [] });
  const { receipt } = await finish(second, await putAll(second));
  expect(
    rig
      .files()
      .map(({ id }) => id)
      .at(-1),
  ).toBe(receipt.remoteId);
  expect(rig.files()).toHaveLength(2);
});

test('where a login has taken the place of the cookie, the file goes its way', async () => {
  const { opened, rig: cookie } = await small();
  await using _ = cookie;
  await using rig = await pan115Rig('open');
  await expectFault('gone', 'pan115.session_gone', put({ ...opened, provider: rig.provider() }, 1));
});
