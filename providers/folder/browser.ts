/** The folders below the root. Links are left out, as are names that no transfer could have in its path. */
import { opendir } from 'node:fs/promises';
import { type Browser, browserKind, folderUnknown, offsetOf } from '#core/ports/browser.ts';
import { FileName } from '#core/wire/upload.ts';
import { fsAsk } from './faults.ts';
import { FolderSettings } from './settings.ts';
import { type Tree, tree } from './tree.ts';
import { untilAborted } from './until-aborted.ts';

const PAGE = 200;
/** A directory that holds more is read as far as this. */
const ENTRIES_MAX = 50_000;

export const folderBrowserKind = browserKind<FolderSettings, null>({
  id: 'folder',
  settings: FolderSettings,
  credentials: null,
  connect: ({ settings }) => folderBrowser(tree(settings.root)),
});

function folderBrowser(folders: Tree): Browser {
  return {
    folders: {
      list: (path, cursor, { signal }) =>
        untilAborted(signal, async () => {
          const offset = offsetOf(cursor);
          const directory = path === '/' ? await folders.root() : await folders.find(path);
          if (directory === null) throw folderUnknown();
          const names = await fsAsk('reading the folder', namesIn(directory, signal), 'ENOENT', 'ENOTDIR');
          if (names === null) throw folderUnknown();
          const items = names.slice(offset, offset + PAGE).map((name) => ({ name, isReadOnly: false }));
          return { items, next: names.length > offset + PAGE ? String(offset + PAGE) : null };
        }),
      make: (path, { signal }) =>
        untilAborted(signal, async () => {
          await folders.make(path);
        }),
    },
    server: null,
  };
}

async function namesIn(directory: string, signal: AbortSignal): Promise<readonly string[]> {
  const names: string[] = [];
  let entries = 0;
  for await (const entry of await opendir(directory)) {
    signal.throwIfAborted();
    entries += 1;
    if (entry.isDirectory() && FileName.safeParse(entry.name).success) names.push(entry.name);
    if (entries === ENTRIES_MAX) break;
  }
  return names.sort();
}
