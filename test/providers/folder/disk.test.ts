import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, type TestContext } from 'vitest';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx, deliver, finish, inspect, itemOf, open, put, putAll, sha256 } from '../../contract/push-rig.ts';
import { mounted, skip } from './mount.ts';
import { connectFolder, type FolderRig, folderRig, tempOf } from './rig.ts';

const MIB = 1024 * 1024;

describe('folder: a full disk', () => {
  it('is told before a byte is sent when the file cannot fit', async (context) => {
    await using disk = await mounted(context, 2 * MIB);
    const rig = await folderRig('rename', disk.path);
    const provider = rig.provider();
    const fault = await expectFault(
      'rejected',
      'folder.disk_full',
      provider.open(await itemOf(provider, bytesOf(3 * MIB)), ctx),
    );
    expect(fault.message).toMatch(/free some space, then press retry/);
    expect(await rig.listFarSide()).toEqual([]);
  });

  it('in the middle of a file costs no part that has a receipt: with space freed, the same session goes on', async (context) => {
    await using disk = await mounted(context, 3 * MIB);
    const rig = await folderRig('rename', disk.path);
    const opened = await open(rig, 2 * MIB);
    const first = await put(opened, 1);
    await writeFile(join(disk.path, 'filler'), bytesOf((await freeBytes(disk.path)) - 100_000));
    await expectFault('rejected', 'folder.disk_full', put(opened, 2));
    await expectFault('rejected', 'folder.disk_full', put(opened, 3));
    expect(await inspect(opened)).toMatchObject({ kind: 'partial' });
    expect(await rig.readBack(opened.item)).toBeNull();
    await rm(join(disk.path, 'filler'));
    const rest = await putAll(
      opened,
      Array.from({ length: opened.partCount - 1 }, (_, n) => n + 2),
    );
    await finish(opened, [first, ...rest]);
    expect(sha256((await rig.readBack(opened.item)) ?? new Uint8Array())).toBe(sha256(opened.content));
  });

  it('does not refuse to open again a file whose bytes are mostly there', async (context) => {
    await using disk = await mounted(context, 3 * MIB);
    const rig = await folderRig('rename', disk.path);
    const opened = await open(rig, 2 * MIB);
    await putAll(opened);
    expect(await rig.provider().open(opened.item, ctx)).toMatchObject({ kind: 'ready' });
  });

  it('is reported by check in free bytes', async (context) => {
    await using disk = await mounted(context, 3 * MIB);
    const report = await connectFolder({ root: disk.path }).check(ctx);
    expect(report.freeBytes).toBe(3 * MIB);
    await writeFile(join(disk.path, 'filler'), bytesOf(3 * MIB));
    await expectFault('rejected', 'folder.disk_full', connectFolder({ root: disk.path }).check(ctx));
    expect(await (await folderRig('rename', disk.path)).listFarSide()).toEqual(['filler']);
  });
});

describe('folder: a disk that may not be written to', () => {
  it('is Fault auth folder.not_writable in check, open and put, and the finished part stays', async (context) => {
    await using disk = await mounted(context, 3 * MIB);
    const rig = await folderRig('rename', disk.path);
    const opened = await open(rig, MIB);
    await put(opened, 1);
    await disk.makeReadOnly();
    const provider = rig.provider();
    await expectFault('auth', 'folder.not_writable', provider.check(ctx));
    await expectFault('auth', 'folder.not_writable', provider.open(await itemOf(provider, bytesOf(100)), ctx));
    await expectFault('auth', 'folder.not_writable', put(opened, 2));
    await expectFault('auth', 'folder.not_writable', provider.discard(opened.session, opened.item, ctx));
    expect(await inspect(opened)).toMatchObject({ kind: 'partial' });
  });

  it('a root of another user is Fault auth folder.not_writable', async (context) => {
    await using rig = await openToAll(context);
    await chmod(rig.root, 0o755);
    expect(await asNobody(rig, null)).toEqual({ kind: 'auth', code: 'folder.not_writable' });
    await chmod(rig.root, 0o777);
    expect(await asNobody(rig, null)).toMatchObject({ freeBytes: expect.any(Number) });
  });
});

describe('folder: a disk that goes away', () => {
  it('unmounted, is Fault transient folder.root_missing everywhere, nothing is made in its place, and it goes on when it is back', async (context) => {
    await using disk = await mounted(context, 3 * MIB);
    const rig = await folderRig('rename', disk.path);
    const opened = await open(rig, MIB, { folder: '/a' });
    const { provider, session, item } = opened;
    await disk.unmount();
    const next = await itemOf(provider, bytesOf(100));
    await expectFault('transient', 'folder.root_missing', put(opened, 1));
    await expectFault('transient', 'folder.root_missing', provider.finish(session, item, [], ctx));
    await expectFault('transient', 'folder.root_missing', provider.inspect(session, item, { from: 1, to: 1 }, ctx));
    await expectFault('transient', 'folder.root_missing', provider.discard(session, item, ctx));
    await expectFault('transient', 'folder.root_missing', provider.open(next, ctx));
    await expectFault('transient', 'folder.root_missing', provider.check(ctx));
    expect(await rig.listFarSide()).toEqual([]);
    await disk.mountAgain();
    await expectFault('gone', 'folder.session_gone', put(opened, 1));
    expect(await provider.open(next, ctx)).toMatchObject({ kind: 'ready' });
  });

  it('a root below the mount point is not made again either', async (context) => {
    await using disk = await mounted(context, 3 * MIB);
    const root = join(disk.path, 'films');
    const provider = connectFolder({ root });
    const item = await itemOf(provider, bytesOf(100));
    await provider.open(item, ctx);
    await disk.unmount();
    await expectFault('transient', 'folder.root_missing', provider.open(item, ctx));
    await expectFault('transient', 'folder.root_missing', provider.check(ctx));
    await disk.mountAgain();
    await mkdir(root);
    expect(await provider.open(item, ctx)).toMatchObject({ kind: 'ready' });
  });

  it('a root that was never there is made by open and by check, and by nothing else', async () => {
    await using rig = await folderRig();
    const provider = (name: string) => connectFolder({ root: join(rig.root, name, 'deep', 'root') });
    const item = await itemOf(provider('a'), bytesOf(100));
    const session = { v: 1, inode: '1' };
    await expectFault('transient', 'folder.root_missing', provider('a').finish(session, item, [], ctx));
    await expectFault(
      'transient',
      'folder.root_missing',
      provider('a').inspect(session, item, { from: 1, to: 1 }, ctx),
    );
    await expectFault('transient', 'folder.root_missing', provider('a').discard(session, item, ctx));
    expect(await provider('a').open(item, ctx)).toMatchObject({ kind: 'ready' });
    expect(await provider('b').check(ctx)).toMatchObject({ freeBytes: expect.any(Number) });
  });
});

describe('folder: what stands in the way', () => {
  it('a file where a folder is needed is Fault rejected folder.not_a_directory', async () => {
    await using rig = await folderRig();
    await writeFile(join(rig.root, 'a'), 'old');
    const provider = rig.provider();
    for (const folder of ['/a', '/a/b']) {
      const item = await itemOf(provider, bytesOf(100), { folder });
      await expectFault('rejected', 'folder.not_a_directory', provider.open(item, ctx));
    }
  });

  it('a name that is too long for the file system is told before a byte is sent', async () => {
    await using rig = await folderRig();
    const provider = rig.provider();
    const item = await itemOf(provider, bytesOf(100), { name: 'n'.repeat(256) });
    await expectFault('rejected', 'folder.name_too_long', provider.open(item, ctx));
    expect(await rig.listFarSide()).toEqual([]);
  });

  it('no message of a fault tells a path', async () => {
    await using rig = await folderRig();
    const provider = rig.provider();
    const item = await itemOf(provider, bytesOf(100), { name: 'secret'.repeat(60) });
    const fault = await expectFault('rejected', null, provider.open(item, ctx));
    expect(fault.message).not.toMatch(/secret|\/tmp/);
    expect(fault.cause).toBeInstanceOf(Error);
  });
});

/**
 * Linux refuses to link a set-group-id executable of another user, with the errno of a file system that has no hard links: so
 * the way without them can be gone on any disk.
 */
describe('folder: where hard links are refused', () => {
  it('a free name is taken, and finish repeated answers the same', async (context) => {
    await using rig = await openToAll(context);
    const task = await unlinkable(rig);
    expect(await asNobody(rig, task)).toMatchObject({ location: '/film.mp4' });
    expect(await asNobody(rig, task)).toMatchObject({ location: '/film.mp4' });
    expect(await rig.listFarSide()).toEqual(['film.mp4']);
    expect(sha256((await rig.read('film.mp4')) ?? new Uint8Array())).toBe(sha256(bytesOf(100)));
  });

  it('a taken name is left as it is and the next one is used', async (context) => {
    await using rig = await openToAll(context);
    await deliver(rig, 100, { seed: 2 });
    expect(await asNobody(rig, await unlinkable(rig))).toMatchObject({ location: '/film (2).mp4' });
    expect(sha256((await rig.read('film.mp4')) ?? new Uint8Array())).toBe(sha256(bytesOf(100, 2)));
    expect(sha256((await rig.read('film (2).mp4')) ?? new Uint8Array())).toBe(sha256(bytesOf(100)));
    expect(await rig.listFarSide()).toHaveLength(2);
  });

  it('a placeholder that a crash left is known for our own, and only then', async (context) => {
    await using rig = await openToAll(context);
    const task = await unlinkable(rig);
    await writeFile(join(rig.root, 'film.mp4'), `entrepot is placing ${task.transferId} here\n`);
    expect(await asNobody(rig, task)).toMatchObject({ location: '/film.mp4' });
    const other = await unlinkable(rig);
    await writeFile(join(rig.root, 'film (2).mp4'), `entrepot is placing ${task.transferId} here\n`);
    expect(await asNobody(rig, other)).toMatchObject({ location: '/film (3).mp4' });
  });
});

const NOBODY = 65_534;

/** A root that `nobody` may write to. Needs root, to become somebody else. */
async function openToAll(context: TestContext): Promise<FolderRig> {
  if (process.getuid?.() !== 0) skip(context, 'it needs to become another user');
  const rig = await folderRig();
  await chmod(rig.root, 0o777);
  return rig;
}

/** A transfer with all parts put, whose unfinished file `nobody` may write but not link. */
async function unlinkable(rig: FolderRig) {
  const opened = await open(rig, 100);
  await putAll(opened);
  const temp = join(rig.root, tempOf(opened.item));
  await chown(temp, 0, NOBODY);
  await chmod(temp, 0o2770);
  const { transferId, name, sizeBytes } = opened.item;
  return { session: opened.session, transferId, name, sizeBytes };
}

async function asNobody({ root }: FolderRig, task: unknown): Promise<unknown> {
  const script = join(import.meta.dirname, 'as-user.ts');
  const json = JSON.stringify({ uid: NOBODY, root, onConflict: 'rename', finish: task });
  const { stdout } = await promisify(execFile)(process.execPath, [script, json]);
  return JSON.parse(stdout);
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
