/** What a transfer to CloudDrive2 needs to remember: the way that was chosen for it, which it keeps. */
import * as z from 'zod';
import { WayName } from './settings.ts';

const common = {
  v: z.literal(1),
  /** Under which the file stands in the end; its folder follows from the item and the settings. */
  name: z.string().min(1).max(255),
  /** The file of this name that was there at the beginning, and gives way in the end. */
  replaces: z.object({ sizeBytes: z.int().min(0), modifiedAtMs: z.number().nullable() }).nullable(),
  /** Why the ways before this one were not taken. */
  passed: z.array(z.strictObject({ way: WayName, code: z.string().max(64) })).max(3),
};

export type RemoteSession = z.infer<typeof RemoteSession>;
const RemoteSession = z.object({ ...common, way: z.literal('remote'), uploadId: z.string().min(1).max(240) });

export type MountSession = z.infer<typeof MountSession>;
const MountSession = z.object({
  ...common,
  way: z.literal('mount'),
  id: z.string().max(64),
  /** The virtual folder that the mount shows, and where it stands on this machine. */
  source: z.string().max(1024),
  here: z.string().max(1100),
});

export type WebdavSession = z.infer<typeof WebdavSession>;
const WebdavSession = z.object({
  ...common,
  way: z.literal('webdav'),
  id: z.string().max(64),
  /** The virtual folder that its user sees as `/`. */
  root: z.string().max(512),
});

export type CloudDrive2Session = z.infer<typeof CloudDrive2Session>;
export const CloudDrive2Session = z.discriminatedUnion('way', [RemoteSession, MountSession, WebdavSession]);

/** What every way adds its own to. */
export type Begun = Pick<CloudDrive2Session, 'v' | 'name' | 'replaces' | 'passed'>;

export function remoteIdOf(session: CloudDrive2Session): string {
  return `${session.way}:${session.way === 'remote' ? session.uploadId : session.id}`;
}

/** The way and its own id in a remote id; null for an id of somebody else. */
export function partsOfRemoteId(remoteId: string): { readonly way: WayName; readonly id: string } | null {
  const at = remoteId.indexOf(':');
  const way = WayName.safeParse(remoteId.slice(0, at));
  return at < 0 || !way.success ? null : { way: way.data, id: remoteId.slice(at + 1) };
}
