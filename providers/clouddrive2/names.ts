/** The name that a file gets, by the rule for conflicts. */
import { conflictName } from '#core/conflict-name.ts';
import type { Item } from '#core/ports/provider.ts';
import { exists } from './faults.ts';
import { folderOf, joined, type Link, nameThere } from './link.ts';
import type { Begun } from './session.ts';

export interface Seen {
  readonly isFolder: boolean;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number | null;
}

/** Names that were given to files which do not stand under them yet. */
export interface TakenNames {
  /** False: it belongs to another transfer. */
  take(path: string, transferId: string): boolean;
  release(path: string): void;
}

/** A folder with this many files of one name has a loop somewhere, not a reader. */
const CONFLICTS_MAX = 100;
const NAME_BYTES_MAX = 255;
const TAKEN_MAX = 10_000;

/** Throws Fault `rejected` `clouddrive2.exists`. `look` answers null for a name that is free. */
export async function chooseName(
  { settings }: Pick<Link, 'settings'>,
  item: Item,
  taken: TakenNames,
  look: (path: string) => Promise<Seen | null>,
): Promise<Pick<Begun, 'name' | 'replaces'>> {
  const folder = folderOf({ settings }, item);
  const wanted = nameThere(item.name);
  const tries = settings.onConflict === 'rename' ? CONFLICTS_MAX : 1;
  for (let n = 1; n <= tries; n++) {
    const name = conflictName(wanted, n, NAME_BYTES_MAX);
    const path = joined(folder, name);
    const seen = await look(path);
    if (settings.onConflict === 'replace') {
      if (seen?.isFolder === true) throw exists();
      return { name, replaces: seen && { sizeBytes: seen.sizeBytes, modifiedAtMs: seen.modifiedAtMs } };
    }
    if (seen === null && taken.take(path, item.transferId)) return { name, replaces: null };
  }
  throw exists();
}

export function takenNames(): TakenNames {
  const takers = new Map<string, string>();
  return {
    take: (path, transferId) => {
      if ((takers.get(path) ?? transferId) !== transferId) return false;
      takers.delete(path);
      takers.set(path, transferId);
      for (const oldest of takers.keys()) {
        if (takers.size <= TAKEN_MAX) break;
        takers.delete(oldest);
      }
      return true;
    },
    release: (path) => void takers.delete(path),
  };
}
