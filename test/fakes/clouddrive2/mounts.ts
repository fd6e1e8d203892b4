/** Mount points: entries with a place on the server's machine, mounted or not. */
import type { MountPoint } from '#proto/generated/clouddrive/MountPoint.ts';
import type { Handlers } from './proto.ts';
import type { Serve } from './serve.ts';
import type { World } from './world.ts';

type Names =
  | 'GetMountPoints'
  | 'AddMountPoint'
  | 'RemoveMountPoint'
  | 'Mount'
  | 'Unmount'
  | 'UpdateMountPoint'
  | 'CanAddMoreMountPoints';

const MOUNTS_MAX = 3;

export function mountHandlers(world: World, serve: Serve): Handlers<Names> {
  const mounts = new Map<string, MountPoint>();
  const failed = (failReason: string) => ({ success: false, failReason });
  const done = { success: true, failReason: '' };

  function change(key: string, how: (one: MountPoint) => MountPoint) {
    const one = mounts.get(key);
    if (one === undefined) return failed(`mount point ${key} not found`);
    mounts.set(key, how(one));
    return done;
  }

  return {
    GetMountPoints: serve.unary('GetMountPoints', () => ({ mountPoints: [...mounts.values()] })),
    CanAddMoreMountPoints: serve.unary('CanAddMoreMountPoints', () => ({ success: mounts.size < MOUNTS_MAX })),
    AddMountPoint: serve.unary('AddMountPoint', (option) => {
      if (mounts.has(option.mountPoint)) return failed('the mount point exists');
      if (mounts.size >= MOUNTS_MAX) return failed('no more mount points');
      if (world.tree.find(option.sourceDir) === undefined) return failed(`${option.sourceDir} not found`);
      mounts.set(option.mountPoint, { ...option, isMounted: false, failReason: '' });
      return done;
    }),
    RemoveMountPoint: serve.unary('RemoveMountPoint', ({ MountPoint: key }) =>
      mounts.delete(key) ? done : failed(`mount point ${key} not found`),
    ),
    Mount: serve.unary('Mount', ({ MountPoint: key }) => change(key, (one) => ({ ...one, isMounted: true }))),
    Unmount: serve.unary('Unmount', ({ MountPoint: key }) => change(key, (one) => ({ ...one, isMounted: false }))),
    UpdateMountPoint: serve.unary('UpdateMountPoint', ({ mountPoint, newMountOption }) =>
      change(mountPoint, (one) => ({ ...one, ...newMountOption })),
    ),
  };
}
