/** The virtual tree below the prefix, and what the server sends to its clouds. A connection lives as long as one question. */
import type { CloudDrive2Client } from '#clients/clouddrive2/client.ts';
import { Fault } from '#core/fault.ts';
import { type Browser, browserKind, folderUnknown, offsetOf, type Page } from '#core/ports/browser.ts';
import type { Connection } from '#core/ports/connection.ts';
import { CloudDrive2Login, CloudDrive2Settings } from './settings.ts';

const FOLDERS_PAGE = 200;
const TASKS_PAGE = 50;
const MOUNTS_MAX = 200;

export const cloudDrive2BrowserKind = browserKind<CloudDrive2Settings, CloudDrive2Login>({
  id: 'clouddrive2',
  settings: CloudDrive2Settings,
  credentials: CloudDrive2Login,
  connect: cloudDrive2Browser,
});

function cloudDrive2Browser(link: Connection<CloudDrive2Settings, CloudDrive2Login>): Browser {
  return {
    folders: {
      list: (path, cursor, { signal }) => {
        const offset = offsetOf(cursor);
        return asking(link, async (client, placeOf) => {
          try {
            return await pageOf(foldersIn(client, placeOf(path), signal), offset, FOLDERS_PAGE);
          } catch (error) {
            if (error instanceof Fault && error.code === 'clouddrive2.not_found') throw folderUnknown();
            throw error;
          }
        });
      },
      make: (path, { signal }) => asking(link, (client, placeOf) => client.fsMkdir(placeOf(path), signal)),
    },
    server: {
      tasks: (cursor, { signal }) => {
        const offset = offsetOf(cursor);
        return asking(link, (client) => pageOf(tasksOf(client, signal), offset, TASKS_PAGE));
      },
      mounts: ({ signal }) =>
        asking(link, async (client) =>
          (await client.mountList(signal))
            .slice(0, MOUNTS_MAX)
            .map(({ place, source, isMounted, isReadOnly, failReason }) => ({
              place,
              source,
              isMounted,
              isReadOnly,
              failReason,
            })),
        ),
    },
  };
}

async function* foldersIn(client: CloudDrive2Client, path: string, signal: AbortSignal) {
  for await (const { isFolder, name, isReadOnly } of client.fsList(path, 'cached', signal)) {
    if (isFolder) yield { name, isReadOnly };
  }
}

async function* tasksOf(client: CloudDrive2Client, signal: AbortSignal) {
  for await (const task of client.taskList({}, signal)) {
    const { key, path, sizeBytes, transferredBytes, state, errorMessage } = task;
    yield { key, path, sizeBytes, transferredBytes, state, errorMessage };
  }
}

/** Ends the list as soon as it is known whether there is more. */
async function pageOf<T>(list: AsyncIterable<T>, offset: number, limit: number): Promise<Page<T>> {
  const items: T[] = [];
  let passed = 0;
  for await (const item of list) {
    if (items.length === limit) return { items, next: String(offset + limit) };
    if (passed >= offset) items.push(item);
    passed += 1;
  }
  return { items, next: null };
}

async function asking<T>(
  { settings, credentials, clock }: Connection<CloudDrive2Settings, CloudDrive2Login>,
  ask: (client: CloudDrive2Client, placeOf: (path: string) => string) => Promise<T>,
): Promise<T> {
  // Loaded here, because it brings gRPC along, which most of what imports the list of browsers never needs.
  const { clientOf, folderOf } = await import('./link.ts');
  const client = clientOf(settings, await credentials.read(), clock);
  try {
    return await ask(client, (folder) => folderOf({ settings }, { folder }));
  } finally {
    client.close();
  }
}
