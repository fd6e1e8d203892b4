/** The folders of the drive below the prefix, through the open platform: two requests a page, in the account's own time. */
import { nameAt115 } from '#clients/pan115/names.ts';
import { Fault } from '#core/fault.ts';
import { type Browser, browserKind, folderUnknown, offsetOf } from '#core/ports/browser.ts';
import type { Connection } from '#core/ports/connection.ts';
import type { Folders } from './drive.ts';
import { drives } from './login.ts';
import { Pan115Login, Pan115Settings } from './settings.ts';

export const pan115BrowserKind = browserKind<Pan115Settings, Pan115Login>({
  id: 'pan115',
  settings: Pan115Settings,
  credentials: Pan115Login,
  connect: pan115Browser,
});

function pan115Browser(connection: Connection<Pan115Settings, Pan115Login>): Browser {
  const drive = drives(connection);
  const { prefix } = connection.settings;
  return {
    folders: {
      list: async (path, cursor, { signal }) => {
        const offset = offsetOf(cursor);
        const folders = withFolders((await drive()).folders);
        const folderId = await folders.find(placeOf(prefix, path), signal);
        // The prefix is made with the first file.
        if (folderId === null && path === '/') return { items: [], next: null };
        if (folderId === null) throw folderUnknown();
        const { names, next } = await folders.list({ folderId, offset }, signal);
        const items = [...new Set(names)].map((name) => ({ name, isReadOnly: false }));
        return { items, next: next === null ? null : String(next) };
      },
      make: async (path, { signal }) => {
        const found = await drive();
        withFolders(found.folders);
        await found.ensureFolder(placeOf(prefix, path), signal);
      },
    },
    server: null,
  };
}

function withFolders(folders: Folders | null): Folders {
  if (folders !== null) return folders;
  const text = 'folders of 115 are shown after a login by QR code only, not with a cookie';
  throw new Fault('rejected', 'destination.no_browse', text);
}

function placeOf(prefix: string, path: string): string {
  const steps = `${prefix}/${path}`.split('/').filter((step) => step !== '');
  return `/${steps.map(nameAt115).join('/')}`;
}
