/** The end of a transfer: under its name at once and whole, or not at all. */
import { Fault } from '#core/fault.ts';
import type { Holding, Item } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import type { DirectorySync } from './directory-syncs.ts';
import { sessionGone } from './faults.ts';
import { findPlaced, place } from './place.ts';
import { type FolderSession, find, locate, type Place } from './session.ts';
import type { FolderSettings } from './settings.ts';
import { removeTemp, tempState } from './temp-file.ts';
import type { Tree } from './tree.ts';

/**
 * Repeatable at every point: a file that a call before this one has placed is found by its inode. Its bytes were synced before
 * their receipts were given. Throws Fault `gone` when the
 * unfinished file is not there, or lacks bytes that there are receipts for.
 */
export async function finish(
  folders: Tree,
  settings: FolderSettings,
  session: FolderSession,
  item: Item,
  { signal, syncDirectory }: { readonly signal: AbortSignal; readonly syncDirectory: DirectorySync },
): Promise<Receipt> {
  const where = await locate(folders, item);
  const state = await tempState(where.temp, session.inode);
  if (state !== null && state.sizeBytes !== item.sizeBytes) {
    throw new Fault('gone', 'folder.temp_damaged', 'the unfinished file has lost bytes: it is sent again');
  }
  const placed = state?.links === 1 ? null : await findPlaced(where.directory, item.name, session.inode);
  if (state === null && placed === null) throw sessionGone();
  const name = placed?.name ?? (await nameIt(where, settings, session, item, signal));
  await removeTemp(where.temp, session.inode);
  await syncDirectory(where.directory);
  return receiptFor(item, name);
}

/** `partial` as long as the temporary name is there: a finish that died before removing it is finished by another call. */
export async function inspect(
  folders: Tree,
  session: FolderSession,
  item: Item,
  syncDirectory: DirectorySync,
): Promise<Holding> {
  const found = await find(folders, item);
  if (found === null) return { kind: 'gone' };
  if (await tempState(found.temp, session.inode)) return { kind: 'partial', held: [] };
  const placed = await findPlaced(found.directory, item.name, session.inode);
  if (placed === null || placed.sizeBytes !== item.sizeBytes) return { kind: 'gone' };
  // The finish that placed it may have died before it made the name durable.
  await syncDirectory(found.directory);
  return { kind: 'complete', receipt: receiptFor(item, placed.name) };
}

async function nameIt(
  { directory, temp }: Place,
  { onConflict }: FolderSettings,
  { inode }: FolderSession,
  { name, transferId }: Item,
  signal: AbortSignal,
): Promise<string> {
  try {
    signal.throwIfAborted();
    return await place({ directory, temp, inode, name, transferId, onConflict });
  } catch (error) {
    // Another process may have finished the same transfer since we looked.
    const placed = error instanceof Fault && error.kind === 'gone' ? await findPlaced(directory, name, inode) : null;
    if (placed === null) throw error;
    return placed.name;
  }
}

/** Evidence C: the bytes were written, synced and counted, but not read back. */
function receiptFor(item: Item, name: string): Receipt {
  const location = item.folder === '/' ? `/${name}` : `${item.folder}/${name}`;
  return { evidence: 'C', sizeBytes: item.sizeBytes, location, checkedBy: 'size' };
}
