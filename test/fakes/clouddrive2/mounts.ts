/** Mount points: entries with a place on the server's machine, mounted or not; some of them real folders of this machine. */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
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

export interface Mounts {
  readonly handlers: Handlers<Names>;
  /** What was written into real folders is seen, as the server would see it. Folders of the tree stand there at once. */
  sync(): void;
  /** A folder of this machine; `told` is where the server says that it is, as one in a container would. */
  mountAt(place: string, source: string, access?: 'writable' | 'read-only', told?: string): void;
}

export function mounts(world: World, serve: Serve): Mounts {
  const mounts = new Map<string, MountPoint>();
  const places = new Map<string, string>();
  /** Files that came through mounts, not by another door. */
  const written = new Set<string>();
  world.events.on('folder', (path: string) => {
    for (const { mountPoint, sourceDir } of real()) {
      if (isBelow(path, sourceDir)) mkdirSync(join(mountPoint, path.slice(sourceDir.length)), { recursive: true });
    }
  });

  /** Those that are folders of this machine. */
  function real(): readonly { readonly mountPoint: string; readonly sourceDir: string }[] {
    return [...mounts.values()].flatMap(({ mountPoint = '', sourceDir = '', isMounted }) => {
      const place = places.get(mountPoint) ?? mountPoint;
      const isHere = isMounted === true && statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
      return isHere ? [{ mountPoint: place, sourceDir: sourceDir === '/' ? '' : sourceDir }] : [];
    });
  }

  function sync(): void {
    for (const { mountPoint, sourceDir } of real()) {
      const seen = new Set<string>();
      for (const entry of readdirSync(mountPoint, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const local = join(entry.parentPath, entry.name);
        const path = `${sourceDir}/${relative(mountPoint, local)}`;
        seen.add(path);
        const content = readFileSync(local);
        const known = world.backlog.find(path) ?? world.tree.find(path);
        if (known?.content?.equals(content) === true) continue;
        world.backlog.put(path, content);
        written.add(path);
      }
      for (const path of world.backlog.paths()) {
        if (isBelow(path, sourceDir) && !seen.has(path) && written.delete(path)) world.backlog.remove(path);
      }
    }
  }

  const failed = (failReason: string) => ({ success: false, failReason });
  const done = { success: true, failReason: '' };

  function change(key: string, how: (one: MountPoint) => MountPoint) {
    const one = mounts.get(key);
    if (one === undefined) return failed(`mount point ${key} not found`);
    mounts.set(key, how(one));
    return done;
  }

  const handlers: Handlers<Names> = {
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
    Mount: serve.unary('Mount', ({ MountPoint: key }) => {
      const result = change(key, (one) => ({ ...one, isMounted: true }));
      for (const path of world.tree.folders()) world.events.emit('folder', path);
      return result;
    }),
    Unmount: serve.unary('Unmount', ({ MountPoint: key }) => change(key, (one) => ({ ...one, isMounted: false }))),
    UpdateMountPoint: serve.unary('UpdateMountPoint', ({ mountPoint, newMountOption }) =>
      change(mountPoint, (one) => ({ ...one, ...newMountOption })),
    ),
  };
  return {
    handlers,
    sync,
    mountAt: (place, source, access = 'writable', told = place) => {
      const readOnly = access === 'read-only';
      mounts.clear();
      mounts.set(told, { mountPoint: told, sourceDir: source, isMounted: true, readOnly, failReason: '' });
      places.set(told, place);
      for (const path of world.tree.folders()) world.events.emit('folder', path);
    },
  };
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}
