/** The way over a mount of this server on this machine: files are written into it, and the server sends them on. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount } from '#clients/clouddrive2/mounts.ts';
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';
import { AREA, fsFault } from './faults.ts';
import { folderOf, joined, type Link } from './link.ts';
import { heldIn, mountSink, removeUnfinished, unfinishedIn } from './mount-file.ts';
import { chooseName, type TakenNames } from './names.ts';
import type { Patience } from './patience.ts';
import type { Puller } from './puller.ts';
import { type MountSession, remoteIdOf } from './session.ts';
import type { CloudDrive2Settings } from './settings.ts';
import { LOOK_AGAIN_MS, standing } from './standing.ts';
import type { Way } from './way.ts';

export interface LocalNeeds {
  readonly link: Link;
  readonly taken: TakenNames;
  readonly waiting: Patience;
  readonly pulls: Puller;
}

/** A mount keeps the folders that it has shown for a moment: a new one may take a second look. */
const LOOKS = 5;
const LOOK_MS = 300;

export function mountWay({ link, taken, waiting, pulls }: LocalNeeds): Way<MountSession> {
  const { settings } = link;

  async function mountFor(target: string, signal: AbortSignal): Promise<{ source: string; here: string }> {
    const mounts = await link.call((client) => client.mountList(signal), signal);
    const found = bestFor(mounts, target);
    const here = placeHere(settings, found.place);
    if (!(await isFolder(here))) throw notHere();
    return { source: found.source, here };
  }

  return {
    name: 'mount',
    probe: async (signal) => {
      await link.mustBeFine(signal);
      await mountFor(settings.prefix, signal);
    },
    begin: async (item, passed, signal) => {
      const folder = folderOf(link, item);
      const mount = await mountFor(folder, signal);
      const chosen = await link.call(async (client) => {
        await client.fsMkdir(folder, signal);
        return chooseName(link, item, taken, (path) => client.fsStat(path, signal));
      }, signal);
      const directory = directoryOf(mount, folder);
      // Made by the server, and seen here: so it is this server's mount, and not a folder that happens to have its name.
      for (let look = 1; !(await isFolder(directory)); look++) {
        if (look === LOOKS) throw notHere();
        await link.clock.sleep(LOOK_MS, signal);
      }
      await unfinishedIn(directory, item);
      return { v: 1, way: 'mount', ...chosen, passed, id: item.transferId, ...mount };
    },
    attach: async (session, item, signal) => {
      signal.throwIfAborted();
      const folder = folderOf(link, item);
      taken.take(joined(folder, session.name), item.transferId);
      await pulls.attach(remoteIdOf(session), item, mountSink(directoryOf(session, folder), session, item), signal);
    },
    detach: (session) => void pulls.detach(remoteIdOf(session)),
    answer: (ask, answer, signal) => pulls.answer(ask, answer, signal),
    hold: async (session, what, signal) => {
      signal.throwIfAborted();
      pulls.hold(remoteIdOf(session), what);
    },
    inspect: async (session, item, signal) => {
      signal.throwIfAborted();
      const directory = directoryOf(session, folderOf(link, item));
      const heldBytes = await heldIn(directory, item);
      if (heldBytes !== null) return { kind: 'partial', heldBytes };
      const seen = await standing(link, session, item, waiting, signal);
      if (seen.kind === 'complete') taken.release(joined(folderOf(link, item), session.name));
      if (seen.kind !== 'absent') return seen;
      const isWritten = await hasFile(join(directory, session.name), item);
      return isWritten ? { kind: 'settling', lookAgainMs: LOOK_AGAIN_MS } : { kind: 'gone' };
    },
    discard: async (session, item, signal) => {
      signal.throwIfAborted();
      await pulls.detach(remoteIdOf(session));
      await removeUnfinished(directoryOf(session, folderOf(link, item)), item);
      taken.release(joined(folderOf(link, item), session.name));
    },
  };
}

/** The mount that shows the target, and as little else as possible. Throws Fault `rejected` with what is wrong with the others. */
function bestFor(mounts: readonly Mount[], target: string): Mount {
  const over = mounts
    .filter(({ source }) => source === '/' || target === source || target.startsWith(`${source}/`))
    .toSorted((a, b) => b.source.length - a.source.length);
  const found = over.find(({ isMounted, isReadOnly }) => isMounted && !isReadOnly);
  if (found !== undefined) return found;
  if (over.some(({ isMounted }) => isMounted)) {
    throw new Fault('rejected', `${AREA}.mount_read_only`, 'the mount of this folder is read-only');
  }
  if (over.length > 0) throw new Fault('rejected', `${AREA}.not_mounted`, 'the mount of this folder is not mounted');
  throw new Fault('rejected', `${AREA}.no_mount`, 'no mount shows this folder');
}

function placeHere({ mountRoot }: CloudDrive2Settings, place: string): string {
  if (mountRoot === undefined) return place;
  const { there, here } = mountRoot;
  if (place === there) return here;
  return place.startsWith(`${there}/`) ? `${here}${place.slice(there.length)}` : place;
}

function directoryOf({ source, here }: Pick<MountSession, 'source' | 'here'>, folder: string): string {
  return join(here, source === '/' ? folder : folder.slice(source.length));
}

function notHere(): Fault {
  const text = 'the mount is not visible on this machine: share it with us, or say in mountRoot where it is';
  return new Fault('rejected', `${AREA}.mount_not_here`, text);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

async function hasFile(path: string, { sizeBytes }: Item): Promise<boolean> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size === sizeBytes;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw fsFault(error, 'looking for the file');
  }
}
