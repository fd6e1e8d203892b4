/** The way over HTTP, for where gRPC does not come through: put beside the target, and moved there. */
import type { DavConfig } from '#clients/clouddrive2/server.ts';
import { Fault } from '#core/fault.ts';
import type { Item, ServeHolding } from '#core/ports/provider.ts';
import { AREA } from './faults.ts';
import { folderOf, joined, temporaryName } from './link.ts';
import type { LocalNeeds } from './mount.ts';
import { chooseName } from './names.ts';
import { remoteIdOf, type WebdavSession } from './session.ts';
import { LOOK_AGAIN_MS, standing } from './standing.ts';
import type { Way } from './way.ts';
import { isOld, webdavSink } from './webdav-sink.ts';

/** A server whose gRPC cannot be asked may come back: nothing is done until it has said so. */
const BLIND_LOOK_MS = 15_000;

export function webdavWay({ link, taken, waiting, pulls }: LocalNeeds): Way<WebdavSession> {
  /** What the server tells of its WebDAV; null when gRPC does not come through. */
  async function config(signal: AbortSignal): Promise<DavConfig | null> {
    try {
      await link.mustBeFine(signal);
      return await link.call((client) => client.davConfig(signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      // A token without the right to ask, a server that is too old to tell, and a gRPC that does not come through.
      if (error instanceof Fault) return null;
      throw error;
    }
  }

  /** The folder that our user sees as `/`; null when nobody tells. Throws the Fault that closes this way. */
  async function rootTold(signal: AbortSignal): Promise<string | null> {
    const told = await config(signal);
    if (told === null) return null;
    if (!told.isEnabled) throw new Fault('rejected', `${AREA}.dav_off`, 'WebDAV is switched off in CloudDrive2');
    return rootOf(told, (await link.dav()).userName);
  }

  const folder = (item: Item) => folderOf(link, item);
  const target = (session: WebdavSession, item: Item) => joined(folder(item), session.name);
  const temporary = ({ root }: WebdavSession, item: Item) => below(root, joined(folder(item), temporaryName(item)));

  return {
    name: 'webdav',
    probe: async (signal) => {
      const root = await rootTold(signal);
      below(root ?? '/', link.settings.prefix);
      await (await link.dav()).client.probe(signal);
    },
    begin: async (item, passed, signal) => {
      const told = await rootTold(signal);
      const root = told ?? '/';
      const { client } = await link.dav();
      await client.makeFolders(below(root, folder(item)), signal);
      // An API token, or a WebDAV user, may have another root than is told.
      if (told !== null && (await link.call((grpc) => grpc.fsStat(folder(item), signal), signal)) === null) {
        throw new Fault('rejected', `${AREA}.dav_other_root`, 'WebDAV and gRPC show different trees');
      }
      const chosen = await chooseName(link, item, taken, (path) => client.stat(below(root, path), signal));
      return { v: 1, way: 'webdav', ...chosen, passed, id: item.transferId, root };
    },
    attach: async (session, item, signal) => {
      signal.throwIfAborted();
      taken.take(target(session, item), item.transferId);
      const { client } = await link.dav();
      const places = { temporary: temporary(session, item), target: below(session.root, target(session, item)) };
      const sink = webdavSink(client, places, session, item);
      await pulls.attach(remoteIdOf(session), item, sink, signal);
    },
    detach: (session) => void pulls.detach(remoteIdOf(session)),
    answer: (ask, answer, signal) => pulls.answer(ask, answer, signal),
    hold: async (session, what, signal) => {
      signal.throwIfAborted();
      pulls.hold(remoteIdOf(session), what);
    },
    inspect: async (session, item, signal) => {
      signal.throwIfAborted();
      const heldBytes = pulls.heldBytes(remoteIdOf(session));
      if (heldBytes !== null) return { kind: 'partial', heldBytes };
      const { client } = await link.dav();
      const put = async (): Promise<ServeHolding | null> => {
        const there = await client.stat(temporary(session, item), signal);
        return there && { kind: 'partial', heldBytes: there.sizeBytes === item.sizeBytes ? item.sizeBytes : 0 };
      };
      const before = await put();
      if (before !== null) return before;
      const seen = await standing(link, session, item, waiting, signal).catch((error: unknown) => {
        if (error instanceof Fault && error.kind === 'transient') return null;
        throw error;
      });
      // The task may be that of a put which has ended in between, and was not moved yet.
      if (seen?.kind === 'settling') return (await put()) ?? seen;
      if (seen?.kind === 'complete') taken.release(target(session, item));
      if (seen !== null && seen.kind !== 'absent') return seen;
      const there = await client.stat(below(session.root, target(session, item)), signal);
      if (there?.sizeBytes === item.sizeBytes && !isOld(session, there)) {
        return { kind: 'settling', lookAgainMs: seen === null ? BLIND_LOOK_MS : LOOK_AGAIN_MS };
      }
      // A put leaves nothing behind before its end, so there is nothing that could be gone.
      return { kind: 'partial', heldBytes: 0 };
    },
    discard: async (session, item, signal) => {
      signal.throwIfAborted();
      await pulls.detach(remoteIdOf(session));
      const { client } = await link.dav();
      await client.remove(temporary(session, item), signal);
      taken.release(target(session, item));
    },
  };
}

/** Throws Fault for a user who may not write, and for one that the server does not tell of. */
function rootOf({ account, users }: DavConfig, userName: string): string {
  const access = users.find((one) => one.userName === userName) ?? account;
  if (access === null) {
    throw new Fault('auth', `${AREA}.dav_no_login`, 'CloudDrive2 lets no such user in by WebDAV: add one there');
  }
  if (access.isReadOnly) throw new Fault('auth', `${AREA}.dav_read_only`, 'this user may only read by WebDAV');
  return access.root;
}

function below(root: string, virtual: string): string {
  if (root === '/') return virtual;
  if (virtual === root) return '/';
  if (virtual.startsWith(`${root}/`)) return virtual.slice(root.length);
  throw new Fault('rejected', `${AREA}.dav_other_root`, 'the user of WebDAV does not see this folder');
}
