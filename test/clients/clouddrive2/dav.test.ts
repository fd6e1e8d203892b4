import { describe, expect, it } from 'vitest';
import { type DavClient, davClient } from '#clients/clouddrive2/dav.ts';
import { ACCOUNT, fakeCloudDrive2 } from '../../fakes/clouddrive2/server.ts';
import { faultOf } from './rig.ts';

const content = Buffer.alloc(3_000_007, 'entrepot');
const { signal } = new AbortController();

describe('the WebDAV of CloudDrive2', () => {
  it('takes a file in a folder that was not there, and gives it another name', async () => {
    await using it = await opened();
    await it.client.makeFolders('/115/影视/a b', signal);
    await it.client.makeFolders('/115/影视/a b', signal);
    await it.client.put('/115/影视/a b/50% #1?.part', bodyOf(content), signal);
    await it.client.move('/115/影视/a b/50% #1?.part', '/115/影视/a b/片.mp4', 'keep', signal);
    expect(await it.client.stat('/115/影视/a b/片.mp4', signal)).toMatchObject({ sizeBytes: content.length });
    expect(await it.client.stat('/115/影视/a b/50% #1?.part', signal)).toBeNull();
    it.fake.flushWrites();
    expect(it.fake.tree.find('/115/影视/a b/片.mp4')?.content?.equals(content)).toBe(true);
  });

  it('tells folders from files, and refuses a file where a folder is needed', async () => {
    await using it = await opened();
    await it.client.put('/115/f', bodyOf(Buffer.from('x')), signal);
    expect(await it.client.stat('/115', signal)).toMatchObject({ isFolder: true });
    expect(await it.client.stat('/115/f', signal)).toMatchObject({ isFolder: false, sizeBytes: 1 });
    expect(await faultOf(it.client.makeFolders('/115/f/g', signal))).toMatchObject({
      code: 'clouddrive2.not_a_folder',
    });
  });

  it('keeps or replaces what has the name, as it is told', async () => {
    await using it = await opened();
    await it.client.put('/115/old', bodyOf(Buffer.from('old')), signal);
    await it.client.put('/115/new', bodyOf(Buffer.from('new')), signal);
    const kept = await faultOf(it.client.move('/115/new', '/115/old', 'keep', signal));
    expect(kept).toMatchObject({ kind: 'rejected', code: 'clouddrive2.exists' });
    await it.client.move('/115/new', '/115/old', 'replace', signal);
    it.fake.flushWrites();
    expect(it.fake.tree.find('/115/old')?.content?.toString()).toBe('new');
  });

  it('removes, also what is not there', async () => {
    await using it = await opened();
    await it.client.put('/115/f', bodyOf(Buffer.from('x')), signal);
    await it.client.remove('/115/f', signal);
    await it.client.remove('/115/f', signal);
    expect(await it.client.stat('/115/f', signal)).toBeNull();
  });

  it.each([
    ['shorter', content.length + 1],
    ['longer', content.length - 1],
  ])('a source that is %s than it was told to be leaves no file', async (_, sizeBytes) => {
    await using it = await opened();
    const put = it.client.put('/115/f', { ...bodyOf(content), sizeBytes }, signal);
    expect(await faultOf(put)).toMatchObject({ kind: 'transient', code: 'clouddrive2.source_length' });
    expect(await it.client.stat('/115/f', signal)).toBeNull();
  });

  it('is left at once when the signal aborts, and the source is let go', async () => {
    await using it = await opened();
    const stop = new AbortController();
    const reason = new Error('the lease is about to be lost');
    const letGo = Promise.withResolvers<void>();
    async function* stalling(): AsyncGenerator<Uint8Array> {
      try {
        yield content.subarray(0, 70_000);
        stop.abort(reason);
        yield content.subarray(70_000);
      } finally {
        letGo.resolve();
      }
    }
    const put = it.client.put('/115/f', { sizeBytes: 10 * content.length, source: stalling() }, stop.signal);
    await expect(put).rejects.toBe(reason);
    await letGo.promise;
  });

  it('reads no more of the source than the server takes', async () => {
    await using it = await opened();
    let readBytes = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; readBytes < 1e9; readBytes += 65_536) yield content.subarray(0, 65_536);
    }
    it.dav.failNext('PUT', 507);
    const put = it.client.put('/115/f', { sizeBytes: 1e9, source: endless() }, signal);
    expect(await faultOf(put)).toMatchObject({ kind: 'rejected', code: 'clouddrive2.full' });
    expect(readBytes).toBeLessThan(50_000_000);
  });

  it.each([
    [401, 'auth', 'dav_login'],
    [403, 'auth', 'dav_no_right'],
    [409, 'rejected', 'dav_no_folder'],
    [423, 'transient', 'dav_locked'],
    [429, 'throttled', 'slow_down'],
    [502, 'transient', 'dav_failed'],
    [418, 'rejected', 'dav_refused'],
  ] as const)('%i is told as %s', async (status, kind, code) => {
    await using it = await opened();
    it.dav.failNext('MKCOL', status);
    const fault = await faultOf(it.client.makeFolders('/115/f', signal));
    expect(fault).toMatchObject({ kind, code: `clouddrive2.${code}` });
    expect(fault.message).not.toMatch(/127\.0\.0\.1|correct horse/);
  });

  it('that is not there is told without its address', async () => {
    const client = davClient({ url: 'http://127.0.0.1:1/dav', ...ACCOUNT });
    const fault = await faultOf(client.probe(signal));
    expect(fault).toMatchObject({ kind: 'transient', code: 'clouddrive2.dav_unreachable' });
    expect(fault.message).not.toMatch(/127/);
  });
});

async function opened() {
  const fake = await fakeCloudDrive2();
  const dav = await fake.openDav();
  const client: DavClient = davClient({ url: dav.url, ...ACCOUNT });
  return { fake, dav, client, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}

function bodyOf(bytes: Buffer) {
  return { sizeBytes: bytes.length, source: inChunks(bytes) };
}

async function* inChunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
