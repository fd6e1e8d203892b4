import { describe, expect, it } from 'vitest';
import type { PushEvent } from '#clients/clouddrive2/push.ts';
import { faultOf, rig } from './rig.ts';

describe('messages that CloudDrive2 pushes', () => {
  it('tell of uploads, files, mounts and the end of the server; others pass as other', async () => {
    await using it = await rig();
    const events = it.client.pushMessages(it.signal);
    expect(await eventOf(events)).toEqual({ kind: 'connected' });
    const file = { changeType: 'RENAME', path: '/a', newPath: '/b', isDirectory: false } as const;
    it.fake.push({ messageType: 'FILE_SYSTEM_CHANGE', data: 'fileSystemChange', fileSystemChange: file });
    const mount = { actionType: 'UNMOUNT', mountPoint: '/mnt', success: false, failReason: 'busy' } as const;
    it.fake.push({ messageType: 'MOUNT_POINT_CHANGE', data: 'mountPointChange', mountPointChange: mount });
    const exit = { exitReason: 'RESTART', message: '' } as const;
    it.fake.push({ messageType: 'FORCE_EXIT', data: 'exitedMessage', exitedMessage: exit });
    it.fake.push({ messageType: 'LOG_MESSAGE', data: 'logMessage', logMessage: { message: 'hello' } });
    expect(await eventOf(events)).toEqual({ kind: 'file', change: 'renamed', path: '/a', newPath: '/b' });
    expect(await eventOf(events)).toEqual({ kind: 'mount', place: '/mnt', action: 'unmount', failReason: 'busy' });
    expect(await eventOf(events)).toEqual({ kind: 'exit', reason: 'RESTART' });
    expect(await eventOf(events)).toEqual({ kind: 'other' });
    const start = { path: '/115/f', sizeBytes: 1, hashes: {}, hashing: 'by-us' } as const;
    await it.client.startRemoteUpload(start, it.signal);
    expect(await eventOf(events)).toMatchObject({ kind: 'uploads', tasks: [{ path: '/115/f', state: 'waiting' }] });
  });

  it('go on after a break, which is told', async () => {
    await using it = await rig();
    const events = it.client.pushMessages(it.signal);
    await eventOf(events);
    it.fake.dropListeners();
    expect(await eventOf(events)).toEqual({ kind: 'connected' });
    it.fake.stop();
    await it.fake.start();
    expect(await eventOf(events)).toEqual({ kind: 'connected' });
  });

  it('end where the token lacks the right', async () => {
    const apiTokens = [{ token: 't', rootDir: '/', rights: [] }];
    await using it = await rig({ apiTokens, credentials: { kind: 'token', token: 't' } });
    expect(await faultOf(it.client.pushMessages(it.signal).next())).toMatchObject({ code: 'clouddrive2.no_right' });
    expect(it.fake.countOf('PushMessage')).toBe(1);
  });

  it('that nobody takes are held back at the server, not piled up here', async () => {
    await using it = await rig();
    const events = it.client.pushMessages(it.signal);
    await eventOf(events);
    const message = 'm'.repeat(100_000);
    const sent = Array.from({ length: 100 }, () =>
      it.fake.push({ messageType: 'LOG_MESSAGE', data: 'logMessage', logMessage: { message } }),
    );
    await eventOf(events);
    expect(it.fake.unsentMessages()).toBeGreaterThan(sent.length / 2);
    for (let left = sent.length - 1; left > 0; left -= 1) await eventOf(events);
    expect(it.fake.unsentMessages()).toBe(0);
  });
});

async function eventOf(events: AsyncGenerator<PushEvent, never>): Promise<PushEvent> {
  return (await events.next()).value;
}
