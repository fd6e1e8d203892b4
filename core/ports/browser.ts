/** Looking around in a destination: its folders, and what its server is doing. Apart from delivery, which needs none of it. */
import { Fault } from '#core/fault.ts';
import type { BrowseAnswer, ServerMount, ServerTask } from '#core/wire/browse.ts';
import { type Connection, type Schemas, typed } from './connection.ts';
import type { CallContext } from './provider.ts';

export type Folder = BrowseAnswer['items'][number];

/** `next`: the cursor of the page after this one, null on the last. A page may be empty and not the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/**
 * Paths are those of a transfer: `/影视/2025` below what the settings say, `/` its top. Laws: `list` answers the folders directly
 * inside, at most 1,200 a page, each name at most once in it; of a path where there is no folder it is Fault `rejected`
 * `destination.folder_unknown`; a cursor that it has not given is Fault `rejected` `destination.bad_cursor`. `make` makes the
 * folder with all that lead to it; one that stands already is fine.
 */
export interface FolderBrowser {
  list(path: string, cursor: string | null, ctx: CallContext): Promise<Page<Folder>>;
  make(path: string, ctx: CallContext): Promise<void>;
}

/** Laws as of a page of folders: at most 200 tasks; the list may change between two pages. At most 200 mount points in all. */
export interface ServerBrowser {
  tasks(cursor: string | null, ctx: CallContext): Promise<Page<ServerTask>>;
  mounts(ctx: CallContext): Promise<readonly ServerMount[]>;
}

/** What can be looked at; null: this destination has no such thing. Every call throws the Fault that a transfer would meet. */
export interface Browser {
  readonly folders: FolderBrowser;
  readonly server: ServerBrowser | null;
}

/** How to look around in destinations of the provider of this id, by the same settings and credentials. */
export interface BrowserKind {
  readonly id: string;
  connect(connection: Connection<unknown, unknown>): Browser;
}

/** Erases a browser's own types behind the schemas of its provider: what is handed back is parsed again. */
export function browserKind<Settings, C>(
  kind: Schemas<Settings, C> & {
    readonly id: string;
    connect(connection: Connection<Settings, C>): Browser;
  },
): BrowserKind {
  return { id: kind.id, connect: (connection) => kind.connect(typed(kind, connection)) };
}

/** Of lists whose cursor is how many came before. Throws Fault `destination.bad_cursor`. */
export function offsetOf(cursor: string | null): number {
  if (cursor === null) return 0;
  const offset = /^\d{1,9}$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (offset >= 0) return offset;
  throw new Fault('rejected', 'destination.bad_cursor', 'this cursor was not given by this list');
}

export function folderUnknown(): Fault {
  return new Fault('rejected', 'destination.folder_unknown', 'there is no such folder at the destination');
}
