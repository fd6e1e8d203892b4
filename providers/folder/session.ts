/** What a transfer to a folder needs to remember, and where its files are. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Item } from '#core/ports/provider.ts';
import { diskFull, fsAsk, sessionGone } from './faults.ts';
import { tempName } from './names.ts';
import { nameTaken } from './place.ts';
import type { FolderSettings } from './settings.ts';
import { freeBytes } from './space.ts';
import { makeTemp } from './temp-file.ts';
import { assertPlainName, type Tree } from './tree.ts';

/** Everything else follows from the item and the settings. The inode tells our file from any other of its name. */
export type FolderSession = z.infer<typeof FolderSession>;
export const FolderSession = z.object({ v: z.literal(1), inode: z.string().regex(/^\d{1,20}$/) });

export interface Place {
  readonly directory: string;
  readonly temp: string;
}

/**
 * What can be refused before a byte is sent is refused here: a name too long, one that is taken, a disk too small. The file may
 * not survive a power cut before its first receipt: then it is gone, and opened anew.
 */
export async function openSession(folders: Tree, settings: FolderSettings, item: Item): Promise<FolderSession> {
  assertPlainName(item.name);
  const directory = await folders.make(item.folder);
  const taken = await fsAsk('looking for the name', lstat(join(directory, item.name)), 'ENOENT');
  if (taken && settings.onConflict === 'fail') throw nameTaken();
  const inode = await makeTemp(join(directory, tempName(item.transferId)), item.sizeBytes, async (allocatedBytes) => {
    if ((await freeBytes(directory)) < item.sizeBytes - allocatedBytes) throw diskFull();
  });
  return { v: 1, inode };
}

/** Throws Fault `gone` when the folder is not there any more: an unfinished file of ours cannot be either. */
export async function locate(folders: Tree, item: Item): Promise<Place> {
  const found = await find(folders, item);
  if (found === null) throw sessionGone();
  return found;
}

export async function find(folders: Tree, item: Item): Promise<Place | null> {
  assertPlainName(item.name);
  const directory = await folders.find(item.folder);
  return directory === null ? null : { directory, temp: join(directory, tempName(item.transferId)) };
}
