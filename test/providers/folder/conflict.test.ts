import { link, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PartReceipt } from '#core/ports/provider.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import {
  bytesOf,
  ctx,
  deliver,
  finish,
  inspect,
  itemOf,
  type Opened,
  open,
  putAll,
  sha256,
} from '../../contract/push-rig.ts';
import { type FolderRig, folderRig, tempOf } from './rig.ts';

const LONG = `${'n'.repeat(251)}.mp4`;
const LONG_CHINESE = `${'影'.repeat(83)}.mp4`;

/** All parts put, nothing finished. */
async function ready(rig: FolderRig, named: Parameters<typeof open>[2] = {}) {
  const opened = await open(rig, 100, named);
  return { opened, receipts: await putAll(opened) };
}

async function locationOf(rig: FolderRig, named: Parameters<typeof open>[2] = {}): Promise<string> {
  return (await deliver(rig, 100, named)).receipt.location;
}

async function finishAgain(opened: Opened, receipts: readonly PartReceipt[]): Promise<string> {
  return (await finish(opened, receipts)).receipt.location;
}

describe('folder: on conflict rename', () => {
  it.each([
    ['film.mp4', 'film (2).mp4', 'film (3).mp4'],
    ['no extension', 'no extension (2)', 'no extension (3)'],
    ['.hidden', '.hidden (2)', '.hidden (3)'],
    ['.hidden.txt', '.hidden (2).txt', '.hidden (3).txt'],
    ['a.tar.gz', 'a.tar (2).gz', 'a.tar (3).gz'],
    ['dot.', 'dot (2).', 'dot (3).'],
    ['film (2).mp4', 'film (2) (2).mp4', 'film (2) (3).mp4'],
    [`v1. ${'long story '.repeat(4)}`, `v1. ${'long story '.repeat(4)} (2)`, `v1. ${'long story '.repeat(4)} (3)`],
    [LONG, `${'n'.repeat(247)} (2).mp4`, `${'n'.repeat(247)} (3).mp4`],
    [LONG_CHINESE, `${'影'.repeat(82)} (2).mp4`, `${'影'.repeat(82)} (3).mp4`],
  ])('%j is followed by %j and %j', async (...names) => {
    await using rig = await folderRig();
    for (const [seed, name] of names.entries()) {
      const delivered = await deliver(rig, 100, { name: names[0], folder: '/a', seed: seed + 1 });
      expect(delivered.receipt.location).toBe(`/a/${name}`);
    }
    for (const [seed, name] of names.entries()) {
      expect(sha256((await rig.read(`a/${name}`)) ?? new Uint8Array())).toBe(sha256(bytesOf(100, seed + 1)));
    }
  });

  it('a free name between taken ones is used', async () => {
    await using rig = await folderRig();
    for (const name of ['film.mp4', 'film (2).mp4', 'film (4).mp4']) await writeFile(join(rig.root, name), 'old');
    expect(await locationOf(rig)).toBe('/film (3).mp4');
  });

  it('a directory of the wanted name is stepped aside from', async () => {
    await using rig = await folderRig();
    await mkdir(join(rig.root, 'film.mp4'));
    expect(await locationOf(rig)).toBe('/film (2).mp4');
  });

  it('twenty transfers of one name that finish at once get twenty names and lose nothing', async () => {
    await using rig = await folderRig();
    const all = await Promise.all(Array.from({ length: 20 }, (_, seed) => ready(rig, { name: LONG, seed: seed + 1 })));
    const delivered = await Promise.all(all.map(({ opened, receipts }) => finish(opened, receipts)));
    expect(new Set(delivered.map(({ receipt }) => receipt.location)).size).toBe(20);
    for (const { content, receipt } of delivered) {
      expect(sha256((await rig.read(receipt.location)) ?? new Uint8Array())).toBe(sha256(content));
    }
    expect(await rig.listFarSide()).toHaveLength(20);
  });
});

describe('folder: on conflict fail', () => {
  it('a taken name is refused before a byte is sent', async () => {
    await using rig = await folderRig('fail');
    await writeFile(join(rig.root, 'film.mp4'), 'old');
    const provider = rig.provider();
    await expectFault('rejected', 'folder.exists', provider.open(await itemOf(provider, bytesOf(100)), ctx));
    expect(await rig.listFarSide()).toEqual(['film.mp4']);
  });

  it('a name taken meanwhile is refused at the end, and a later finish succeeds once it is free', async () => {
    await using rig = await folderRig('fail');
    const { opened, receipts } = await ready(rig);
    await writeFile(join(rig.root, 'film.mp4'), 'old');
    const { provider, session, item } = opened;
    await expectFault('rejected', 'folder.exists', provider.finish(session, item, receipts, ctx));
    expect(Buffer.from((await rig.read('film.mp4')) ?? [])).toEqual(Buffer.from('old'));
    await rm(join(rig.root, 'film.mp4'));
    expect(await finishAgain(opened, receipts)).toBe('/film.mp4');
  });
});

describe('folder: on conflict replace', () => {
  it('a directory of the wanted name is refused', async () => {
    await using rig = await folderRig('replace');
    await mkdir(join(rig.root, 'film.mp4'));
    const { opened, receipts } = await ready(rig);
    const { provider, session, item } = opened;
    await expectFault('rejected', 'folder.exists', provider.finish(session, item, receipts, ctx));
  });

  it('a reader who has the old file open keeps it', async () => {
    await using rig = await folderRig('replace');
    await deliver(rig, 100, { seed: 1 });
    await link(join(rig.root, 'film.mp4'), join(rig.root, 'kept'));
    await deliver(rig, 100, { seed: 2 });
    expect(sha256((await rig.read('kept')) ?? new Uint8Array())).toBe(sha256(bytesOf(100, 1)));
    expect(sha256((await rig.read('film.mp4')) ?? new Uint8Array())).toBe(sha256(bytesOf(100, 2)));
  });
});

describe.each(['rename', 'replace', 'fail'] as const)('folder: finish repeated, on conflict %s', (rule) => {
  it('answers the same and makes no second copy', async () => {
    await using rig = await folderRig(rule);
    const { opened, receipts } = await ready(rig);
    const first = await finishAgain(opened, receipts);
    expect(await finishAgain({ ...opened, provider: rig.provider() }, receipts)).toBe(first);
    expect(await rig.listFarSide()).toEqual(['film.mp4']);
  });

  it('from two processes at once makes one file', async () => {
    await using rig = await folderRig(rule);
    const { opened, receipts } = await ready(rig);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => finishAgain({ ...opened, provider: rig.provider() }, receipts)),
    );
    for (const outcome of outcomes) expect(outcome).toEqual({ status: 'fulfilled', value: '/film.mp4' });
    expect(await rig.listFarSide()).toEqual(['film.mp4']);
  });

  it('after a crash between naming and tidying up ends what was begun', async () => {
    await using rig = await folderRig(rule);
    const { opened, receipts } = await ready(rig);
    await link(join(rig.root, tempOf(opened.item)), join(rig.root, 'film.mp4'));
    expect(await inspect(opened)).toEqual({ kind: 'partial', held: [] });
    expect(await finishAgain(opened, receipts)).toBe('/film.mp4');
    expect(await inspect(opened)).toMatchObject({ kind: 'complete' });
    expect(await rig.listFarSide()).toEqual(['film.mp4']);
  });
});

describe('folder: finish after a crash', () => {
  it('keeps the name that a conflict led to, also when the wanted one has become free', async () => {
    await using rig = await folderRig();
    const { opened, receipts } = await ready(rig);
    await link(join(rig.root, tempOf(opened.item)), join(rig.root, 'film (3).mp4'));
    expect(await finishAgain(opened, receipts)).toBe('/film (3).mp4');
    expect(await inspect(opened)).toMatchObject({ receipt: { location: '/film (3).mp4' } });
    expect(await rig.listFarSide()).toEqual(['film (3).mp4']);
  });

  it('does not take a backup of the unfinished file under another name for the finished one', async () => {
    await using rig = await folderRig();
    const { opened, receipts } = await ready(rig);
    await link(join(rig.root, tempOf(opened.item)), join(rig.root, 'backup'));
    expect(await finishAgain(opened, receipts)).toBe('/film.mp4');
  });

  it('is Fault gone when the unfinished file has lost bytes, and nothing gets the name', async () => {
    await using rig = await folderRig();
    const { opened, receipts } = await ready(rig);
    await writeFile(join(rig.root, tempOf(opened.item)), 'short');
    const { provider, session, item } = opened;
    await expectFault('gone', 'folder.temp_damaged', provider.finish(session, item, receipts, ctx));
    expect(await rig.read('film.mp4')).toBeNull();
  });

  it('is Fault gone when another file stands in for the unfinished one, and discard leaves that alone', async () => {
    await using rig = await folderRig();
    const { opened, receipts } = await ready(rig);
    const temp = join(rig.root, tempOf(opened.item));
    await writeFile(join(rig.root, 'other'), bytesOf(100, 9));
    await rename(join(rig.root, 'other'), temp);
    const { provider, session, item } = opened;
    await expectFault('gone', 'folder.session_gone', provider.finish(session, item, receipts, ctx));
    expect(await inspect(opened)).toEqual({ kind: 'gone' });
    await provider.discard(session, item, ctx);
    expect(await rig.listFarSide()).toEqual([tempOf(item)]);
    await unlink(temp);
  });

  it('a late opening of the same transfer loses no byte that has arrived', async () => {
    await using rig = await folderRig();
    const { opened, receipts } = await ready(rig);
    const again = await rig.provider().open(opened.item, ctx);
    expect(again).toEqual({ kind: 'ready', session: opened.session });
    const delivered = await finish(opened, receipts);
    expect(sha256((await rig.read('film.mp4')) ?? new Uint8Array())).toBe(sha256(delivered.content));
  });
});
