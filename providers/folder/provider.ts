/** A folder of this machine, or one that is mounted here. README.md says what it promises and what it cannot. */
import { providerKind } from '#core/ports/connection.ts';
import { type CheckReport, type PushProvider, pushProvider } from '#core/ports/provider.ts';
import { sharedDirectorySyncs } from './directory-syncs.ts';
import { syncDirectory } from './durable.ts';
import { finish, inspect } from './finish.ts';
import { planParts } from './plan.ts';
import { pour } from './pour.ts';
import { FolderSession, find, locate, openSession } from './session.ts';
import { FolderSettings } from './settings.ts';
import { sharedFiles } from './shared-files.ts';
import { freeBytes, probe } from './space.ts';
import { removeTemp } from './temp-file.ts';
import { type Tree, tree } from './tree.ts';
import { untilAborted } from './until-aborted.ts';

export const folderKind = providerKind<FolderSettings, never>({
  id: 'folder',
  settings: FolderSettings,
  credentials: null,
  siteSettings: ['root'],
  connect: ({ settings }) => pushProvider(FolderSession, folderDriver(settings)),
});

function folderDriver(settings: FolderSettings): Omit<PushProvider<FolderSession>, 'mode'> {
  const folders = tree(settings.root);
  const synced = sharedDirectorySyncs(syncDirectory);
  const files = sharedFiles(synced);
  return {
    id: 'folder',
    needs: [],
    instant: 'never',
    plan: (_session, sizeBytes, chunkBytes) => planParts(sizeBytes, chunkBytes),
    open: (item, { signal }) =>
      untilAborted(signal, async () => ({ kind: 'ready', session: await openSession(folders, settings, item) })),
    put: (session, item, part, { signal }) =>
      untilAborted(signal, async () => {
        const { temp } = await locate(folders, item);
        await files.use(temp, session.inode, async (file) => {
          await pour(part, file, signal);
          await file.sync();
          // A power cut that takes the only part with its name costs that part; of a larger file nothing may go that has a receipt.
          if (part.sizeBytes < item.sizeBytes) await file.named();
        });
        return { number: part.number, tag: '' };
      }),
    finish: (session, item, _parts, { signal }) =>
      untilAborted(signal, () => finish(folders, settings, session, item, { signal, syncDirectory: synced })),
    inspect: (session, item, _parts, { signal }) => untilAborted(signal, () => inspect(folders, session, item, synced)),
    discard: (session, item, { signal }) =>
      untilAborted(signal, async () => {
        const found = await find(folders, item);
        if (found !== null) await removeTemp(found.temp, session.inode);
      }),
    check: ({ signal }) => untilAborted(signal, () => check(folders)),
  };
}

async function check(folders: Tree): Promise<CheckReport> {
  const root = await folders.root();
  await probe(root);
  const free = await freeBytes(root);
  if (!Number.isFinite(free)) return { message: 'the folder takes files' };
  return { message: `the folder takes files, ${(free / 1024 ** 3).toFixed(1)} GiB are free`, freeBytes: free };
}
