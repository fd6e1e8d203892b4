import { createServer } from 'node:net';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { originOf } from '#clients/clouddrive2/channel.ts';
import { createCloudDrive2Client } from '#clients/clouddrive2/client.ts';
import { faultOf, hasty, rig } from './rig.ts';

describe('the connection to CloudDrive2', () => {
  it.each([
    ['nas.lan', 'http', 'nas.lan:19798'],
    ['nas.lan:80', 'http', 'nas.lan:80'],
    ['http://nas.lan:29798/', 'http', 'nas.lan:29798'],
    ['https://nas.lan:443', 'https', 'nas.lan:443'],
    ['https://nas.lan', 'https', 'nas.lan:19798'],
    ['http://[::1]:19798', 'http', '[::1]:19798'],
  ])('%s is %s at %s', (url, scheme, host) => {
    expect(originOf(url)).toEqual({ scheme, host });
  });

  it.each(['', 'ftp://nas.lan', 'http://', 'a b'])('"%s" is no address', (url) => {
    expect(() => originOf(url)).toThrow(expect.objectContaining({ code: 'clouddrive2.bad_address' }));
  });

  it('a question is asked again when the server cannot be reached, with growing waits', async () => {
    await using it = await rig();
    it.fake.failNext('GetMountPoints', status.UNAVAILABLE, 'try later', 2);
    expect(await it.client.mountList(it.signal)).toEqual([]);
    expect(it.waitsMs).toEqual([150, 300]);
  });

  it('tries have an end', async () => {
    await using it = await rig();
    it.fake.failNext('GetMountPoints', status.UNAVAILABLE, 'try later', 100);
    const fault = await faultOf(it.client.mountList(it.signal));
    expect(fault).toMatchObject({ kind: 'transient', code: 'clouddrive2.unavailable' });
    expect(it.fake.countOf('GetMountPoints')).toBe(3);
  });

  it.each([
    [status.INTERNAL, 'transient'],
    [status.RESOURCE_EXHAUSTED, 'throttled'],
    [status.INVALID_ARGUMENT, 'bug'],
    [status.PERMISSION_DENIED, 'auth'],
  ])('code %i is told as %s and not asked again', async (code, kind) => {
    await using it = await rig();
    it.fake.failNext('GetMountPoints', code, 'no', 100);
    expect(await faultOf(it.client.mountList(it.signal))).toMatchObject({ kind });
    expect(it.fake.countOf('GetMountPoints')).toBe(1);
  });

  it('a change whose answer was lost is not made twice', async () => {
    await using it = await rig();
    it.fake.tree.addFile({ path: '/115/a', sizeBytes: 1, hashes: {} });
    it.fake.failNext('RenameFile', status.UNAVAILABLE, 'reset', 1);
    expect(await faultOf(it.client.fsRename('/115/a', 'b', it.signal))).toMatchObject({ kind: 'transient' });
    expect(it.fake.countOf('RenameFile')).toBe(1);
  });

  it('a server that does not answer is given up at the deadline, each time', async () => {
    await using it = await rig({ deadlineMsMax: 200 });
    it.fake.habits.add('silent');
    expect(await faultOf(it.client.mountList(it.signal))).toMatchObject({
      kind: 'transient',
      code: 'clouddrive2.no_answer',
    });
    expect(it.waitsMs.length).toBe(2);
  });

  it('an abort ends a call and a listing with its own reason', async () => {
    await using it = await rig();
    const hold = it.fake.hold('GetMountPoints');
    const listing = it.fake.hold('GetSubFiles');
    const abort = new AbortController();
    const call = it.client.mountList(abort.signal);
    const entries = Array.fromAsync(it.client.fsList('/115', 'cached', abort.signal));
    await Promise.all([hold.waiting(1), listing.waiting(1)]);
    abort.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await expect(entries).rejects.toThrow('enough');
    await expect(it.client.mountList(abort.signal)).rejects.toThrow('enough');
  });

  it('answers far over the 4 MiB that the library takes by itself arrive, and over 100 MB they do not', async () => {
    await using it = await rig();
    it.fake.tree.addFile({ path: `/115/${'n'.repeat(20_000_000)}`, sizeBytes: 1, hashes: {} });
    const [entry] = await Array.fromAsync(it.client.fsList('/115', 'cached', it.signal));
    expect(entry?.name.length).toBe(20_000_000);
    it.fake.tree.addFile({ path: `/115/${'m'.repeat(20_000_000)}`, sizeBytes: 1, hashes: {} });
    const fault = await faultOf(Array.fromAsync(it.client.fsList('/115', 'cached', it.signal)));
    expect(fault).toMatchObject({ kind: 'bug', code: 'clouddrive2.message_too_large' });
  });

  it('texts of the server are told without tokens and addresses', async () => {
    await using it = await rig();
    it.fake.failNext('GetMountPoints', status.INTERNAL, 'Bearer abc at https://u:p@h/x?sign=1 with eyJhbGci.x-y');
    const { message } = await faultOf(it.client.mountList(it.signal));
    expect(message).toContain('[token] at [address] with [token]');
    expect(message).not.toMatch(/abc|sign|eyJ/);
  });

  it('the limit of a plan is told as that', async () => {
    await using it = await rig();
    it.fake.habits.add('plan limit');
    expect(await faultOf(it.client.fsMkdir('/115/a', it.signal))).toMatchObject({ code: 'clouddrive2.plan' });
  });
});

describe('code 12 of CloudDrive2', () => {
  const upload = { path: '/115/a', sizeBytes: 1, hashes: {}, hashing: 'by-us' } as const;

  it('of an old server names its version', async () => {
    await using it = await rig();
    it.fake.habits.add('old server');
    const fault = await faultOf(it.client.startRemoteUpload(upload, it.signal));
    expect(fault).toMatchObject({ kind: 'rejected', code: 'clouddrive2.old_server' });
    expect(fault.message).toContain('0.8.5');
    await expect(it.client.mustKnowRemoteUpload(it.signal)).rejects.toThrow('0.8.5');
  });

  it('of a path that cannot do it blames the path', async () => {
    await using it = await rig();
    it.fake.habits.add('no remote uploads here');
    const fault = await faultOf(it.client.startRemoteUpload(upload, it.signal));
    expect(fault).toMatchObject({ kind: 'rejected', code: 'clouddrive2.unsupported_here' });
    await it.client.mustKnowRemoteUpload(it.signal);
  });

  it('without a text and a version is neither', async () => {
    const apiTokens = [{ token: 't', rootDir: '/', rights: ['allow_write' as const] }];
    await using it = await rig({ apiTokens, credentials: { kind: 'token', token: 't' } });
    it.fake.habits.add('old server');
    const fault = await faultOf(it.client.startRemoteUpload(upload, it.signal));
    expect(fault).toMatchObject({ kind: 'rejected', code: 'clouddrive2.unimplemented' });
  });
});

describe('the diagnosis of CloudDrive2', () => {
  it('is fine when it answers and knows the token', async () => {
    await using it = await rig();
    expect(await it.client.diagnose(it.signal)).toMatchObject({ kind: 'fine' });
    expect(await it.client.getServerInfo(it.signal)).toEqual({ isReady: true, isSignedIn: true, message: '' });
    const asked = it.fake.countOf('GetRuntimeInfo');
    for (const _ of [1, 2]) expect(await it.client.serverVersion(it.signal)).toBe('1.0.13');
    expect(it.fake.countOf('GetRuntimeInfo')).toBe(asked + 1);
    expect(await it.client.cloudList(it.signal)).toEqual([{ name: '115', path: '/115', isReadOnly: false }]);
  });

  it('tells a refused token from a silent server, and both from one that is down', async () => {
    await using refusing = await rig({ credentials: { kind: 'token', token: 'revoked' } });
    expect(await refusing.client.diagnose(refusing.signal)).toMatchObject({ kind: 'auth' });
    await using it = await rig({ deadlineMsMax: 1000 });
    it.fake.habits.add('silent');
    expect(await it.client.diagnose(it.signal)).toMatchObject({ kind: 'silent' });
    it.fake.stop();
    const nobody = createCloudDrive2Client({
      address: { url: `127.0.0.1:${it.fake.port}` },
      credentials: { kind: 'token', token: 't' },
      time: hasty(it.fake.time),
    });
    expect(await nobody.diagnose(it.signal)).toMatchObject({ kind: 'down' });
    nobody.close();
  });

  it('an address where something else listens is unreachable', async () => {
    const other = createServer((socket) => socket.end('SSH-2.0-x\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await using it = await rig();
    const wrong = createCloudDrive2Client({
      address: { url: `127.0.0.1:${port}` },
      credentials: { kind: 'token', token: 't' },
      time: hasty(it.fake.time),
      deadlineMsMax: 2000,
    });
    expect(await wrong.diagnose(it.signal)).toMatchObject({ kind: 'unreachable' });
    wrong.close();
    other.close();
  });
});
