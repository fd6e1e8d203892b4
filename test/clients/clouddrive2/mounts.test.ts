import { describe, expect, it } from 'vitest';
import { faultOf, rig } from './rig.ts';

const mount = { place: '/mnt/115', source: '/115', access: 'read-write', start: 'with-server' } as const;

describe('mounts of CloudDrive2', () => {
  it('are added, started, stopped and removed, and tell their state', async () => {
    await using it = await rig();
    const { client, signal } = it;
    await client.mountAdd(mount, signal);
    expect(await client.mountList(signal)).toEqual([
      { place: '/mnt/115', source: '/115', isMounted: false, isReadOnly: false, isAutomatic: true, failReason: '' },
    ]);
    await client.mountStart('/mnt/115', signal);
    expect(await client.mountInfo('/mnt/115', signal)).toMatchObject({ isMounted: true });
    await client.mountStop('/mnt/115', signal);
    expect(await client.getMountPoints(signal)).toMatchObject([{ isMounted: false }]);
    await client.mountRemove('/mnt/115', signal);
    expect(await client.mountInfo('/mnt/115', signal)).toBeNull();
  });

  it('that fail inside an answer that is OK are refused, with the reason', async () => {
    await using it = await rig();
    await it.client.mountAdd(mount, it.signal);
    expect(await faultOf(it.client.mountAdd(mount, it.signal))).toMatchObject({ code: 'clouddrive2.exists' });
    const missing = await faultOf(it.client.mountStart('/mnt/none', it.signal));
    expect(missing).toMatchObject({ kind: 'rejected', code: 'clouddrive2.not_found' });
    expect(missing.message).toContain('/mnt/none');
    for (const place of ['/a', '/b']) await it.client.mountAdd({ ...mount, place }, it.signal);
    const full = await faultOf(it.client.mountAdd({ ...mount, place: '/c' }, it.signal));
    expect(full).toMatchObject({ kind: 'rejected', code: 'clouddrive2.refused' });
    expect(full.message).toContain('no more mount points');
  });

  it('beyond the plan are told as that', async () => {
    await using it = await rig();
    it.fake.habits.add('plan limit');
    expect(await faultOf(it.client.mountAdd(mount, it.signal))).toMatchObject({ code: 'clouddrive2.plan' });
  });
});
