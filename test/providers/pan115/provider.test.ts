/** Names, conflicts and logins of the destination `pan115`. */
import { expect, test } from 'vitest';
import type { PushProvider } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, finish, itemOf, openFor, putAll } from '../../contract/push-rig.ts';
import { pan115Rig } from './rig.ts';

const PART = 102_400;

async function send(provider: PushProvider, seed: number, named: { name?: string; folder?: string } = {}) {
  const content = bytesOf(100, seed);
  const opened = await openFor(provider, await itemOf(provider, content, named), content, PART);
  return (await finish(opened, await putAll(opened))).receipt;
}

test('signs that 115 refuses become their full-width twins, and the receipt says so', async () => {
  await using rig = await pan115Rig('open');
  const { location } = await send(rig.provider(), 1, { name: 'a "b" <c>.mp4', folder: '/x"y' });
  expect(location).toBe('115:/备份/x＂y/a ＂b＂ ＜c＞.mp4');
  expect(rig.files().map(({ name }) => name)).toEqual(['a ＂b＂ ＜c＞.mp4']);
});

test('a name that 115 would cut is refused before anything is asked', async () => {
  await using rig = await pan115Rig('open');
  const provider = rig.provider();
  const item = await itemOf(provider, bytesOf(1), { name: `${'影'.repeat(85)}.mp4` });
  await expectFault('rejected', 'pan115.name_refused', provider.open(item, ctx));
  expect(rig.fake.log).toEqual([]);
});

test('of one name, both stay, or the later one is numbered, or it is refused', async () => {
  await using rig = await pan115Rig('open');
  await send(rig.provider(), 1);
  await send(rig.provider(), 2);
  const { location } = await send(rig.connect({ onConflict: 'rename' }), 3);
  expect(location).toBe('115:/备份/film (2).mp4');
  expect(rig.files().map(({ name }) => name)).toEqual(['film.mp4', 'film.mp4', 'film (2).mp4']);
  await expectFault('rejected', 'pan115.exists', send(rig.connect({ onConflict: 'fail' }), 4));
});

test('the same bytes under the same name are done already', async () => {
  await using rig = await pan115Rig('open');
  const receipt = await send(rig.provider(), 1);
  for (const onConflict of ['both', 'rename', 'fail']) {
    const provider = rig.connect({ onConflict });
    const opening = await provider.open(await itemOf(provider, bytesOf(100, 1)), ctx);
    expect(opening).toEqual({ kind: 'done', receipt });
  }
  expect(rig.files()).toHaveLength(1);
});

test('a file goes to the root where no folder is set', async () => {
  await using rig = await pan115Rig('open');
  expect((await send(rig.connect({ prefix: '' }), 1)).location).toBe('115:/film.mp4');
  expect(rig.files()[0]?.parentId).toBe('0');
});

test('an access that has ended is renewed once, and the new pair serves the next process', async () => {
  await using rig = await pan115Rig('open');
  await rig.provider().check(ctx);
  rig.fake.world.access.clear();
  await rig.provider().check(ctx);
  await rig.provider().check(ctx);
  expect(rig.fake.log.filter((name) => name.endsWith('refreshToken'))).toHaveLength(1);
});

test('a cookie is not used unless the settings allow it', async () => {
  await using rig = await pan115Rig('cookie');
  const provider = rig.connect({ allowCookie: false });
  await expectFault('auth', 'pan115.cookie_off', provider.check(ctx));
  expect(rig.fake.log).toEqual([]);
});

test('check tells how much room there is', async () => {
  await using rig = await pan115Rig('open');
  expect((await rig.provider().check(ctx)).freeBytes).toBe(1024 ** 4);
});
