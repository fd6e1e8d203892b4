/** Places on the server's own machine where its virtual tree can be reached as files. */
import type { MountPoint__Output } from '#proto/generated/clouddrive/MountPoint.ts';
import type { MountPointResult__Output } from '#proto/generated/clouddrive/MountPointResult.ts';
import { type Calls, ONCE, QUICK, SLOW } from './calls.ts';
import { mustSucceed } from './faults.ts';
import { service } from './interface.ts';

export interface Mount {
  /** On the server's machine, or in its container; the name of the mount for every call. */
  readonly place: string;
  /** The virtual path behind it. */
  readonly source: string;
  readonly isMounted: boolean;
  readonly isReadOnly: boolean;
  readonly isAutomatic: boolean;
  /** Why it is not mounted; empty for no reason. */
  readonly failReason: string;
}

export interface NewMount {
  readonly place: string;
  readonly source: string;
  readonly access: 'read-only' | 'read-write';
  readonly start: 'with-server' | 'by-hand';
}

export interface Mounts {
  mountList(signal: AbortSignal): Promise<readonly Mount[]>;
  /** Null: there is none at this place. */
  mountInfo(place: string, signal: AbortSignal): Promise<Mount | null>;
  mountAdd(mount: NewMount, signal: AbortSignal): Promise<void>;
  mountRemove(place: string, signal: AbortSignal): Promise<void>;
  mountStart(place: string, signal: AbortSignal): Promise<void>;
  mountStop(place: string, signal: AbortSignal): Promise<void>;
}

export function mountsOver(calls: Calls): Mounts {
  const mountList = async (signal: AbortSignal): Promise<readonly Mount[]> => {
    const { mountPoints } = await calls.unary(service.GetMountPoints, {}, QUICK, signal);
    return mountPoints.map(mountOf);
  };
  return {
    mountList,
    mountInfo: async (place, signal) => (await mountList(signal)).find((one) => one.place === place) ?? null,
    mountAdd: async ({ place, source, access, start }, signal) => {
      const option = {
        mountPoint: place,
        sourceDir: source,
        readOnly: access === 'read-only',
        autoMount: start === 'with-server',
      };
      await done('AddMountPoint', calls.unary(service.AddMountPoint, option, ONCE, signal));
    },
    mountRemove: (place, signal) =>
      done('RemoveMountPoint', calls.unary(service.RemoveMountPoint, { MountPoint: place }, ONCE, signal)),
    mountStart: (place, signal) => done('Mount', calls.unary(service.Mount, { MountPoint: place }, SLOW, signal)),
    mountStop: (place, signal) => done('Unmount', calls.unary(service.Unmount, { MountPoint: place }, SLOW, signal)),
  };
}

async function done(what: string, work: Promise<MountPointResult__Output>): Promise<void> {
  const result = await work;
  mustSucceed(what, result, result.failReason);
}

function mountOf(point: MountPoint__Output): Mount {
  return {
    place: point.mountPoint,
    source: point.sourceDir,
    isMounted: point.isMounted,
    isReadOnly: point.readOnly,
    isAutomatic: point.autoMount,
    failReason: point.failReason,
  };
}
