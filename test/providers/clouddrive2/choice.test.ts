import { rename } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { ServeProvider } from '#core/ports/provider.ts';
import { CloudDrive2Settings } from '#providers/clouddrive2/settings.ts';
import { expectFault } from '../../contract/expect-fault.ts';
import { bytesOf, ctx } from '../../contract/push-rig.ts';
import { openFor, serve, serveItem, settled } from '../../contract/serve-rig.ts';
import { ACCOUNT, API_TOKEN } from '../../fakes/clouddrive2/server.ts';
import { cloudDrive2Rig } from './rig.ts';

const ALL = ['mount', 'remote', 'webdav'] as const;
const content = bytesOf(1000);

describe('the choice of a way to CloudDrive2', () => {
  it('is the first in the order that is open, and the transfer tells which', async () => {
    await using it = await cloudDrive2Rig(ALL);
    expect(await notesOf(it.provider())).toEqual(['way.mount']);
    expect(await notesOf(it.connect({ order: ['webdav', 'mount'] }))).toEqual(['way.webdav']);
  });

  it('passes by what is closed, and tells why', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const provider = it.connect({ order: ['mount', 'remote', 'webdav'] });
    expect(await notesOf(provider)).toEqual(['passed.mount.no_mount', 'way.remote']);
    it.fake.habits.add('old server');
    await it.fake.time.advance(6 * 60_000);
    expect(await notesOf(provider)).toEqual(['passed.mount.no_mount', 'passed.remote.old_server', 'way.webdav']);
  });

  it('goes on to the next way when the first refuses this path, which is never taken for a server that is down', async () => {
    await using it = await cloudDrive2Rig(['remote', 'webdav']);
    it.fake.habits.add('no remote uploads here');
    expect(await notesOf(it.provider())).toEqual(['passed.remote.unsupported_here', 'way.webdav']);
    await expectFault('rejected', 'clouddrive2.unsupported_here', notesOf(it.connect({ order: ['remote'] })));
  });

  it('does not pass by what is the matter with the file', async () => {
    await using it = await cloudDrive2Rig(ALL);
    const provider = it.connect({ onConflict: 'fail' });
    it.fake.tree.addFile({ path: it.pathOf({ folder: '/', name: 'film.mp4' }), sizeBytes: 1, hashes: {} });
    await expectFault('rejected', 'clouddrive2.exists', notesOf(provider));
  });

  it('is looked at again after 5 s, and not before', async () => {
    await using it = await cloudDrive2Rig(ALL);
    const provider = it.provider();
    await notesOf(provider);
    const before = it.fake.countOf('GetSystemInfo');
    await rename(it.mountPoint, `${it.mountPoint}-away`);
    await notesOf(provider);
    expect(it.fake.countOf('GetSystemInfo')).toBe(before);
    await it.fake.time.advance(5_000);
    expect(await notesOf(provider)).toEqual(['passed.mount.mount_not_here', 'way.remote']);
    await rename(`${it.mountPoint}-away`, it.mountPoint);
  });

  it('holds for a running upload, whatever opens or closes meanwhile', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const provider = it.connect({ order: [...ALL] });
    const opened = await openFor(provider, serveItem(content), content);
    it.fake.mountAt(it.mountPoint, '/');
    await it.fake.time.advance(5_000);
    expect(await notesOf(provider)).toEqual(['way.mount']);
    await serve([opened]).ended;
    expect(await settled(it, opened)).toMatchObject({ kind: 'complete', receipt: { remoteId: /^remote:/ } });
  });

  it('takes a mount only where it shows the folder, may be written to and is really here', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    const provider = it.connect({ order: ['mount'] });
    const refused = async (code: string) => {
      await it.fake.time.advance(5_000);
      await expectFault('rejected', `clouddrive2.${code}`, notesOf(provider));
    };
    await refused('no_mount');
    it.fake.mountAt(it.mountPoint, '/115/elsewhere');
    await refused('no_mount');
    it.fake.mountAt(it.mountPoint, '/115', 'read-only');
    await refused('mount_read_only');
    it.fake.mountAt('/CloudNAS/115', '/115');
    // A folder of this machine that has the name of the mount, and is none.
    await using other = await cloudDrive2Rig(['remote']);
    const mistaken = it.connect({ order: ['mount'], mountRoot: { there: '/CloudNAS/115', here: other.mountPoint } });
    await expectFault('rejected', 'clouddrive2.mount_not_here', notesOf(mistaken));
  });

  it('finds the mount of a container where this machine has it', async () => {
    await using it = await cloudDrive2Rig(['mount']);
    it.fake.mountAt(it.mountPoint, '/', 'writable', '/CloudNAS');
    expect(await notesOf(it.connect({ mountRoot: { there: '/CloudNAS', here: it.mountPoint } }))).toEqual([
      'way.mount',
    ]);
  });

  it('is one clear error when nothing is open: every way, and what is the matter with it', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    it.fake.habits.add('WebDAV is off');
    it.fake.habits.add('old server');
    const provider = it.connect({ order: [...ALL] });
    const fault = await expectFault('rejected', 'clouddrive2.no_way', notesOf(provider));
    expect(fault.message).toMatch(/mount: no mount shows.*remote: .*webdav: /);
    expect(fault.message.length).toBeLessThanOrEqual(400);
    await expectFault('rejected', 'clouddrive2.no_way', provider.check(ctx));
  });

  it('says of a server that is not running that it is down, and lets WebDAV try all the same', async () => {
    await using it = await cloudDrive2Rig(['remote', 'webdav']);
    it.fake.stop();
    expect(await notesOf(it.provider())).toEqual(['passed.remote.down', 'way.webdav']);
    await expectFault('transient', 'clouddrive2.down', notesOf(it.connect({ order: ['mount', 'remote'] })));
  });

  it('tells a wrong token from a server that is away', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    await expectFault('auth', 'clouddrive2.auth', notesOf(it.connect({}, { apiToken: 'another' })));
  });

  it('needs a login of its own for WebDAV, and takes that of the account', async () => {
    await using it = await cloudDrive2Rig(['webdav']);
    await expectFault('auth', 'clouddrive2.dav_no_login', notesOf(it.connect({}, { apiToken: API_TOKEN })));
    const { userName, password } = ACCOUNT;
    expect(await notesOf(it.connect({}, { userName, password }))).toEqual(['way.webdav']);
  });

  it('sends no password where WebDAV redirects to', async () => {
    await using it = await cloudDrive2Rig(['webdav']);
    it.fake.habits.add('WebDAV redirects');
    await expectFault('rejected', 'clouddrive2.dav_redirect', notesOf(it.provider()));
  });

  it('respects what a user of WebDAV sees, and may do', async () => {
    await using it = await cloudDrive2Rig(['webdav']);
    const [account] = it.fake.davUsers;
    const user = { userName: 'guest', password: 'g', root: '/115', isReadOnly: false };
    it.fake.davUsers.push(user);
    const login = { apiToken: API_TOKEN, webdavUserName: 'guest', webdavPassword: 'g' };
    expect(await notesOf(it.connect({}, login))).toEqual(['way.webdav']);
    it.fake.davUsers.splice(1, 1, { ...user, root: '/elsewhere' });
    await expectFault('rejected', 'clouddrive2.dav_other_root', notesOf(it.connect({}, login)));
    it.fake.davUsers.splice(1, 1, { ...user, isReadOnly: true });
    await expectFault('auth', 'clouddrive2.dav_read_only', notesOf(it.connect({}, login)));
    expect(account?.root).toBe('/');
  });
});

describe('the check of a CloudDrive2', () => {
  it('tells the version, the free space, and each way: open, or why not', async () => {
    await using it = await cloudDrive2Rig(['remote']);
    it.fake.habits.add('WebDAV is off');
    const report = await it.connect({ order: [...ALL] }).check(ctx);
    expect(report.freeBytes).toBe(2 ** 40);
    expect(report.message).toMatch(
      /^CloudDrive2 1\.0\.13 takes files by remote upload; not by mount: .*; not by WebDAV: /,
    );
  });
});

describe('the settings of a CloudDrive2', () => {
  it.each(['http://nas.lan', 'nas.lan/x', 'a b', 'user@nas.lan'])('the address %s is refused', (address) => {
    expect(CloudDrive2Settings.safeParse({ address }).success).toBe(false);
  });

  it('have defaults for all but the address', () => {
    expect(CloudDrive2Settings.parse({ address: 'nas.lan' })).toEqual({
      address: 'nas.lan',
      tls: false,
      prefix: '/',
      order: ['mount', 'remote', 'webdav'],
      onConflict: 'rename',
    });
  });
});

async function notesOf(provider: ServeProvider): Promise<readonly string[] | undefined> {
  const opening = await provider.open(serveItem(content), ctx);
  return opening.kind === 'ready' ? opening.notes : undefined;
}
