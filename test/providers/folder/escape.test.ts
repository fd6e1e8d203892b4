import { execFile } from 'node:child_process';
import { link, mkdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, deliver, finish, itemOf, open, put, putAll } from '../../contract/push-rig.ts';
import { type FolderRig, folderRig, listFiles, tempOf } from './rig.ts';

/** A root with a neighbour that nothing may be written to. */
async function besideVictim() {
  const outer = await folderRig();
  const root = join(outer.root, 'root');
  const victim = join(outer.root, 'victim');
  await mkdir(root);
  await mkdir(victim);
  await writeFile(join(victim, 'precious'), 'precious');
  const expectUntouched = async () => {
    expect(await listFiles(victim)).toEqual(['precious']);
    expect(await readFile(join(victim, 'precious'), 'utf8')).toBe('precious');
  };
  const rig = await folderRig('rename', root);
  return { rig, victim, expectUntouched, [Symbol.asyncDispose]: () => outer[Symbol.asyncDispose]() };
}

async function expectRefused(rig: FolderRig, named: { readonly name?: string; readonly folder?: string }) {
  const provider = rig.provider();
  const item = await itemOf(provider, bytesOf(100), named);
  await expectFault('rejected', 'folder.path_escape', provider.open(item, ctx));
}

describe('folder: nothing is written outside the root', () => {
  it.each(['/..', '/../victim', '/a/../../victim', '/./a', '/a//b', '/a/', 'a', '', '/a\0b', '../victim'])(
    'the folder %j is refused',
    async (folder) => {
      await using place = await besideVictim();
      await expectRefused(place.rig, { folder });
      await place.expectUntouched();
      expect(await place.rig.listFarSide()).toEqual([]);
    },
  );

  it.each(['..', '.', '', '../victim/x', 'a/b', '/etc/x', 'a\0b'])('the name %j is refused', async (name) => {
    await using place = await besideVictim();
    await expectRefused(place.rig, { name });
    await place.expectUntouched();
    expect(await place.rig.listFarSide()).toEqual([]);
  });

  it('a name of our own unfinished files is refused', async () => {
    await using rig = await folderRig();
    const other = await open(rig, 100);
    const provider = rig.provider();
    const item = await itemOf(provider, bytesOf(100), { name: tempOf(other.item) });
    await expectFault('rejected', 'folder.name_reserved', provider.open(item, ctx));
  });

  it.each(['absolute', 'relative', 'chained'] as const)(
    'a folder behind an %s link that leads out is refused',
    async (kind) => {
      await using place = await besideVictim();
      const target = kind === 'absolute' ? place.victim : '../victim';
      await symlink(target, join(place.rig.root, kind === 'chained' ? 'first' : 'out'));
      if (kind === 'chained') await symlink('first', join(place.rig.root, 'out'));
      await expectRefused(place.rig, { folder: '/out' });
      await expectRefused(place.rig, { folder: '/out/deeper/still' });
      await place.expectUntouched();
    },
  );

  it('a link that leads to a neighbour whose name begins like the root is refused', async () => {
    await using place = await besideVictim();
    await mkdir(`${place.rig.root}-2`);
    await symlink('../root-2', join(place.rig.root, 'out'));
    await expectRefused(place.rig, { folder: '/out' });
    expect(await listFiles(`${place.rig.root}-2`)).toEqual([]);
  });

  it('a link that leads nowhere is refused', async () => {
    await using place = await besideVictim();
    await symlink('../victim/new', join(place.rig.root, 'out'));
    await expectRefused(place.rig, { folder: '/out' });
    await place.expectUntouched();
  });

  it('a folder behind a link that stays inside is taken', async () => {
    await using place = await besideVictim();
    await mkdir(join(place.rig.root, 'films'));
    await symlink('films', join(place.rig.root, '影视'));
    const { receipt } = await deliver(place.rig, 100, { folder: '/影视/2025' });
    expect(receipt.location).toBe('/影视/2025/film.mp4');
    expect(await place.rig.read('films/2025/film.mp4')).toHaveLength(100);
  });

  it('a root that is itself behind a link is taken', async () => {
    await using place = await besideVictim();
    const linked = `${place.rig.root}-link`;
    await symlink('root', linked);
    await deliver(await folderRig('rename', linked), 100);
    expect(await place.rig.read('film.mp4')).toHaveLength(100);
  });

  it('a folder that is swapped for a link out between two calls is refused by each of the later ones', async () => {
    await using place = await besideVictim();
    const opened = await open(place.rig, 300_000, { folder: '/a' });
    const receipts = [await put(opened, 1)];
    await rm(join(place.rig.root, 'a'), { recursive: true });
    await symlink('../victim', join(place.rig.root, 'a'));
    const { provider, session, item } = opened;
    await expectFault('rejected', 'folder.path_escape', put(opened, 2));
    await expectFault('rejected', 'folder.path_escape', provider.finish(session, item, receipts, ctx));
    await expectFault('rejected', 'folder.path_escape', provider.inspect(session, item, { from: 1, to: 2 }, ctx));
    await expectFault('rejected', 'folder.path_escape', provider.discard(session, item, ctx));
    await place.expectUntouched();
  });
});

describe('folder: what stands where the unfinished file should be', () => {
  it('a link there is refused and not followed', async () => {
    await using place = await besideVictim();
    const provider = place.rig.provider();
    const item = await itemOf(provider, bytesOf(100));
    await symlink(join(place.victim, 'precious'), join(place.rig.root, tempOf(item)));
    await expectFault('rejected', 'folder.path_escape', provider.open(item, ctx));
    await place.expectUntouched();
  });

  it('a link put there after the opening is refused and not followed', async () => {
    await using place = await besideVictim();
    const opened = await open(place.rig, 100);
    const temp = join(place.rig.root, tempOf(opened.item));
    await rm(temp);
    await symlink(join(place.victim, 'precious'), temp);
    await expectFault('rejected', 'folder.path_escape', put(opened, 1));
    await place.expectUntouched();
  });

  it('a second name of a file outside is taken away, and the file stays as it is', async () => {
    await using place = await besideVictim();
    const provider = place.rig.provider();
    const content = bytesOf(100);
    const item = await itemOf(provider, content);
    await link(join(place.victim, 'precious'), join(place.rig.root, tempOf(item)));
    const opening = await provider.open(item, ctx);
    if (opening.kind !== 'ready') throw new Error('expected a session');
    const plan = provider.plan(opening.session, 100, 100);
    const opened = { provider, item, content, session: opening.session, plan, partCount: 1 };
    await finish(opened, await putAll(opened));
    await place.expectUntouched();
  });

  it('a pipe there is refused at once, not waited for', async () => {
    await using place = await besideVictim();
    const provider = place.rig.provider();
    const item = await itemOf(provider, bytesOf(100));
    await promisify(execFile)('mkfifo', [join(place.rig.root, tempOf(item))]);
    await expectFault('rejected', 'folder.path_escape', provider.open(item, ctx));
    const opened = await open(place.rig, 100, { name: 'other' });
    const temp = join(place.rig.root, tempOf(opened.item));
    await rm(temp);
    await promisify(execFile)('mkfifo', [temp]);
    await expectFault('gone', 'folder.session_gone', put(opened, 1));
  });

  it('a directory there is refused', async () => {
    await using place = await besideVictim();
    const provider = place.rig.provider();
    const item = await itemOf(provider, bytesOf(100));
    await mkdir(join(place.rig.root, tempOf(item)));
    await expectFault('rejected', 'folder.path_escape', provider.open(item, ctx));
  });
});

describe('folder: a link under the wanted name', () => {
  it('keeps its name when conflicts are renamed', async () => {
    await using place = await besideVictim();
    await symlink('../victim/precious', join(place.rig.root, 'film.mp4'));
    const { receipt } = await deliver(place.rig, 100);
    expect(receipt.location).toBe('/film (2).mp4');
    expect(await readlink(join(place.rig.root, 'film.mp4'))).toBe('../victim/precious');
    await place.expectUntouched();
  });

  it('is replaced itself, not what it leads to, when conflicts are replaced', async () => {
    await using place = await besideVictim();
    await symlink('../victim/precious', join(place.rig.root, 'film.mp4'));
    await deliver(await folderRig('replace', place.rig.root), 100);
    expect((await stat(join(place.rig.root, 'film.mp4'))).size).toBe(100);
    await place.expectUntouched();
  });
});
