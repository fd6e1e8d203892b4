/** One sync of a folder for all files that get or lose a name in it at about the same time. */
import { type Waves, waves } from './waves.ts';

/** Resolves when everything that was named or removed in `directory` before the call would survive a crash. */
export type DirectorySync = (directory: string) => Promise<void>;

/** Remembers a folder while somebody waits for its sync, and no longer. A sync that failed fails those who waited, nobody else. */
export function sharedDirectorySyncs(sync: DirectorySync): DirectorySync {
  const folders = new Map<string, Waves>();
  const waiting = new Map<Waves, number>();

  return async (directory) => {
    const known = folders.get(directory);
    const own = known === undefined || known.failed() ? waves(() => sync(directory)) : known;
    folders.set(directory, own);
    waiting.set(own, (waiting.get(own) ?? 0) + 1);
    try {
      await own.join();
    } finally {
      const left = (waiting.get(own) ?? 1) - 1;
      if (left > 0) waiting.set(own, left);
      else waiting.delete(own);
      if (left === 0 && folders.get(directory) === own) folders.delete(directory);
    }
  };
}
