import { describe, expect, it } from 'vitest';
import { faultOf, rig } from './rig.ts';

describe('files of CloudDrive2', () => {
  it('a listing gathers the entries of all replies, with sizes, times and hashes', async () => {
    await using it = await rig({ listBatch: 2 });
    it.fake.tree.addFolder('/115/电影');
    for (const name of ['一.mp4', 'b', 'c', 'd']) {
      it.fake.tree.addFile({ path: `/115/电影/${name}`, sizeBytes: 5, hashes: { 2: 'ab'.repeat(20) } });
    }
    const entries = await Array.fromAsync(it.client.fsList('/115/电影', 'fresh', it.signal));
    expect(entries.map(({ name }) => name)).toEqual(['一.mp4', 'b', 'c', 'd']);
    expect(entries[0]).toMatchObject({
      path: '/115/电影/一.mp4',
      isFolder: false,
      sizeBytes: 5,
      modifiedAtMs: it.fake.time.now(),
      hashes: { sha1: 'ab'.repeat(20) },
      cloud: '115',
    });
    expect(it.fake.calls[0]?.request).toMatchObject({ forceRefresh: true });
  });

  it('an empty folder has no entries, and a missing one is a refusal', async () => {
    await using it = await rig();
    expect(await Array.fromAsync(it.client.fsList('/115', 'cached', it.signal))).toEqual([]);
    const missing = Array.fromAsync(it.client.fsList('/115/none', 'cached', it.signal));
    expect(await faultOf(missing)).toMatchObject({ kind: 'rejected', code: 'clouddrive2.not_found' });
  });

  it('a slow reader of a listing holds the server back', async () => {
    await using it = await rig({ listBatch: 1 });
    const name = 'n'.repeat(4000);
    for (let index = 0; index < 1500; index += 1) {
      it.fake.tree.addFile({ path: `/115/${index}-${name}`, sizeBytes: 0, hashes: {} });
    }
    let written = 0;
    it.fake.events.on('batch', () => {
      written += 1;
    });
    const blocked = new Promise((resolve) => it.fake.events.once('blocked', resolve));
    const entries = it.client.fsList('/115', 'cached', it.signal);
    await entries.next();
    await blocked;
    expect(written).toBeLessThan(200);
    expect((await Array.fromAsync(entries)).length).toBe(1499);
  });

  it('leaving a listing early ends the call', async () => {
    await using it = await rig({ listBatch: 1 });
    for (let index = 0; index < 50; index += 1) {
      it.fake.tree.addFile({ path: `/115/${index}-${'n'.repeat(60_000)}`, sizeBytes: 0, hashes: {} });
    }
    const left = new Promise((resolve) => it.fake.events.once('left', resolve));
    for await (const entry of it.client.fsList('/115', 'cached', it.signal)) {
      expect(entry.sizeBytes).toBe(0);
      break;
    }
    await left;
    expect(await it.client.fsStat('/115', it.signal)).toMatchObject({ isFolder: true });
  });

  it.each([false, true])('what is not there is null, also as an entry of nothing: %s', async (isEmptyEntry) => {
    await using it = await rig();
    if (isEmptyEntry) it.fake.habits.add('a missing path is an empty entry');
    expect(await it.client.fsStat('/115/none', it.signal)).toBeNull();
  });

  it('a folder is made with all above it, and may exist', async () => {
    await using it = await rig();
    await it.client.fsMkdir('/115/a/b/c', it.signal);
    expect(it.fake.tree.find('/115/a/b/c')?.kind).toBe('folder');
    await it.client.fsMkdir('/115/a/b/c', it.signal);
    expect(it.fake.countOf('CreateFolder')).toBe(3);
  });

  it.each([false, true])(
    'a folder that somebody else makes meanwhile is fine, as an error of the call: %s',
    async (isError) => {
      await using it = await rig();
      if (isError) it.fake.habits.add('an existing folder is an error of the call');
      const hold = it.fake.hold('CreateFolder');
      const made = it.client.fsMkdir('/115/a', it.signal);
      await hold.waiting(1);
      it.fake.tree.addFolder('/115/a');
      hold.letGo();
      await made;
    },
  );

  it('no folder is made beside the clouds, under a file, or by a path of another system', async () => {
    await using it = await rig();
    it.fake.tree.addFile({ path: '/115/file', sizeBytes: 0, hashes: {} });
    expect(await faultOf(it.client.fsMkdir('/new/a', it.signal))).toMatchObject({ code: 'clouddrive2.no_cloud' });
    expect(await faultOf(it.client.fsMkdir('/115/file/a', it.signal))).toMatchObject({
      code: 'clouddrive2.not_a_folder',
    });
    expect(await faultOf(it.client.fsMkdir('\\115\\a', it.signal))).toMatchObject({ code: 'clouddrive2.bad_path' });
    expect(await faultOf(it.client.fsMkdir('/115/../a', it.signal))).toMatchObject({ code: 'clouddrive2.bad_path' });
    expect(it.fake.countOf('CreateFolder')).toBe(0);
  });

  it('entries are renamed, moved, copied and deleted', async () => {
    await using it = await rig();
    const { client, signal, fake } = it;
    fake.tree.addFolder('/115/to');
    fake.tree.addFile({ path: '/115/a', sizeBytes: 3, hashes: {} });
    await client.fsRename('/115/a', 'b', signal);
    await client.fsCopy(['/115/b'], '/115/to', 'Skip', signal);
    expect([fake.tree.find('/115/b')?.sizeBytes, fake.tree.find('/115/to/b')?.sizeBytes]).toEqual([3, 3]);
    await client.fsMove(['/115/b'], '/115/to', 'Rename', signal);
    expect(fake.tree.children('/115/to').map(({ path }) => path)).toEqual(['/115/to/b', '/115/to/b (1)']);
    await client.fsDelete('/115/to/b', 'recycle', signal);
    await client.fsDelete('/115/to/b', 'for-good', signal);
    expect(fake.tree.find('/115/to/b')).toBeUndefined();
  });

  it('a failure inside an answer that is OK is a refusal', async () => {
    await using it = await rig();
    it.fake.tree.addFile({ path: '/115/a', sizeBytes: 3, hashes: {} });
    it.fake.tree.addFile({ path: '/115/b', sizeBytes: 3, hashes: {} });
    const clash = await faultOf(it.client.fsRename('/115/a', 'b', it.signal));
    expect(clash).toMatchObject({ kind: 'rejected', code: 'clouddrive2.exists' });
    const missing = await faultOf(it.client.fsMove(['/115/a'], '/115/none', 'Skip', it.signal));
    expect(missing).toMatchObject({ kind: 'rejected', code: 'clouddrive2.not_found' });
  });

  it('space is that of the cloud', async () => {
    await using it = await rig({ clouds: [{ name: 'x', path: '/x', totalBytes: 100 }] });
    it.fake.tree.addFile({ path: '/x/a', sizeBytes: 30, hashes: {} });
    const space = await it.client.fsSpace('/x', it.signal);
    expect(space).toEqual({ totalBytes: 100, usedBytes: 30, freeBytes: 70 });
  });

  it("a download has the server's address filled in, or is the cloud's own with its headers", async () => {
    await using it = await rig();
    it.fake.tree.addFile({ path: '/115/a', sizeBytes: 3, hashes: {} });
    const host = `${it.fake.host}:${it.fake.port}`;
    const through = await it.client.fsDownloadUrl('/115/a', 'through-server', it.signal);
    expect(through).toEqual({
      url: `http://${host}/static/http/${host}/false/?path=%2F115%2Fa`,
      headers: {},
      ttlSeconds: 3600,
    });
    const direct = await it.client.fsDownloadUrl('/115/a', 'direct', it.signal);
    expect(direct).toMatchObject({ url: 'https://cdn.example/f?sign=s', headers: { 'user-agent': 'cd2' } });
  });

  it("a token's root is the root of every path", async () => {
    const clouds = [{ name: '115', path: '/115', totalBytes: 100 }];
    const apiTokens = [{ token: 't', rootDir: '/115/own', rights: 'all' as const }];
    await using it = await rig({ clouds, apiTokens, credentials: { kind: 'token', token: 't' } });
    it.fake.tree.addFolder('/115/own');
    it.fake.tree.addFolder('/115/own/in');
    expect(await it.client.fsStat('/in', it.signal)).toMatchObject({ path: '/in' });
    expect(await it.client.fsStat('/115/own/in', it.signal)).toBeNull();
  });
});
