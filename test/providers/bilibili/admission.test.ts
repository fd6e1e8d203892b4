/** A file that Bilibili cannot take is refused where it is announced, before there is anything to send. */
import { expect, it } from 'vitest';
import * as z from 'zod';
import { bilibiliKind } from '#providers/bilibili/provider.ts';
import { apiRig } from '../../api/rig.ts';
import { ctx } from '../../contract/push-rig.ts';
import { bilibiliRig } from './rig.ts';

const LONG = { desc: `{name}${'说'.repeat(1990)}` };

it.each([
  ['a file that is no video', { name: 'notes.txt' }, {}, 'bilibili.no_video'],
  ['a file without an extension', { name: 'README' }, {}, 'bilibili.no_video'],
  ['an empty file', { sizeBytes: 0 }, {}, 'bilibili.empty'],
  ['a name without anything for a title', { name: '\u2028.mp4' }, {}, 'bilibili.title_empty'],
  ['a name that makes the description too long', { name: 'eleven-char.mp4' }, LONG, 'bilibili.desc_too_long'],
])('%s is refused at its announcement, and nothing is made of it', async (_what, file, settings, code) => {
  await using home = await homeWith(settings);
  const { status, body } = await home.announce(file);
  expect([status, body]).toMatchObject([400, { error: { code } }]);
  expect(await home.transfers()).toEqual([]);
});

it('a file that it may take is announced, for a second destination too, and refused if one of them cannot take it', async () => {
  await using home = await homeWith({});
  const both = [{ id: 'bili' }, { id: 'folder' }];
  expect((await home.announce({ destinations: both })).status).toBe(201);
  expect((await home.announce({ name: 'notes.txt', destinations: both })).status).toBe(400);
  expect((await home.announce({ name: 'notes.txt', destinations: [{ id: 'folder' }] })).status).toBe(201);
});

it('a name for a title, a description and a folder is taken as it is, whatever is in it', () => {
  const settings = bilibiliKind.settings.parse({ tid: 21, tags: ['a'], title: '{folder}: {name}' });
  const file = { name: '$& {folder} {name}.mp4', folder: '/a/b', sizeBytes: null };
  expect(bilibiliKind.refusal(settings, file)).toBeNull();
});

it.each([
  ['offers', 21, '; partition 生活 · 日常'],
  ['offers as a whole', 160, '; partition 生活'],
  ['has closed', 138, 'does not offer this account a partition 138'],
  ['does not know', 999, 'does not offer this account a partition 999'],
])('a check tells of a partition that Bilibili %s', async (_what, tid, told) => {
  await using rig = await bilibiliRig();
  expect((await rig.connect({ tid }).check(ctx)).message).toContain(told);
});

it('a check goes on where Bilibili does not tell its partitions', async () => {
  await using rig = await bilibiliRig();
  rig.fake.misbehave('pre', '502');
  expect((await rig.provider().check(ctx)).message).toMatch(/^logged in to Bilibili as 测试账号$/);
});

async function homeWith(settings: object) {
  const rig = await apiRig({ kinds: [bilibiliKind] });
  const all = { tid: 21, tags: ['a'], ...settings };
  await rig.call('POST', '/api/v1/destinations', { id: 'bili', provider: 'bilibili', settings: all });
  return {
    announce: (file: object) => {
      const asked = { name: 'film.mp4', sizeBytes: 5, destinations: [{ id: 'bili' }], ...file };
      return rig.call('POST', '/api/v1/uploads', asked);
    },
    transfers: async () =>
      z.object({ items: z.array(z.unknown()) }).parse((await rig.call('GET', '/api/v1/transfers')).body).items,
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}
