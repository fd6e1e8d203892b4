/** A folder destination in a temporary directory, and a look at its far side that does not go through the driver. */
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { systemClock } from '#adapters/system/clock.ts';
import type { Item, PushProvider } from '#core/ports/provider.ts';
import { folderKind } from '#providers/folder/provider.ts';
import type { PushRig } from '../../contract/push-rig.ts';
import { NO_STORE } from '../../support/no-store.ts';

export interface FolderRig extends PushRig, AsyncDisposable {
  readonly root: string;
  /** What stands at a path below the root, or null. */
  read(path: string): Promise<Uint8Array | null>;
}

/** On the given directory, which then stays, or on a new one, which is removed in the end. */
export async function folderRig(
  onConflict: 'rename' | 'replace' | 'fail' = 'rename',
  given?: string,
): Promise<FolderRig> {
  const root = given ?? (await realpath(await mkdtemp(join(tmpdir(), 'entrepot-folder-'))));
  const read = (path: string) => readOrNull(join(root, path));
  return {
    root,
    read,
    provider: () => connectFolder({ root, onConflict }),
    partBytes: 200_000,
    sameName: onConflict === 'replace' ? 'last' : 'both',
    readBack: (item) => read(join(item.folder, item.name)),
    readReceipt: (_item, receipt) => read(receipt.location),
    listFarSide: () => listFiles(root),
    expireSession: (_session, item) => rm(join(root, item.folder, tempOf(item))),
    failing: async () => {
      await writeFile(join(root, 'a file'), '');
      return { provider: connectFolder({ root: join(root, 'a file') }), kind: 'rejected' };
    },
    [Symbol.asyncDispose]: async () => {
      if (given === undefined) await rm(root, { recursive: true, force: true });
    },
  };
}

export function connectFolder(settings: unknown): PushProvider {
  const none = () => Promise.reject(new Error('a folder has no credentials'));
  const credentials = { read: none, rotate: none };
  const provider = folderKind.connect({
    destinationId: 'nas',
    deviceId: '00112233445566778899aabbccddeeff',
    settings,
    credentials,
    clock: systemClock(),
    staging: NO_STORE,
  });
  if (provider.mode !== 'push') throw new Error('a folder is pushed to');
  return provider;
}

export function tempOf(item: Item): string {
  return `.entrepot-${item.transferId}.part`;
}

/** Everything below a directory that is no directory itself, sorted. */
export async function listFiles(root: string): Promise<readonly string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => relative(root, join(entry.parentPath, entry.name))).sort();
}

async function readOrNull(path: string): Promise<Uint8Array | null> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
}
