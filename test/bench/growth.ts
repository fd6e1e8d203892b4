/** Sees the moment at which bytes reach a destination's unfinished file. */
import { statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { TransferId } from '#core/wire/ids.ts';
import { tempName } from '#providers/folder/names.ts';

export interface Growth {
  /** The moment (performance.now) at which the transfer's file was first seen to be longer than `sizeBytes`. */
  beyond(transferId: TransferId, sizeBytes: number): Promise<number>;
  stop(): void;
}

/** Watches a folder. A small file may be finished before it is looked at: that counts as grown. */
export function growthIn(directory: string): Growth {
  const waiting = new Map<string, { readonly sizeBytes: number; readonly resolve: (atMs: number) => void }>();
  const watcher = watch(directory, (_event, name) => {
    const atMs = performance.now();
    const awaited = name === null ? undefined : waiting.get(name);
    if (name === null || awaited === undefined) return;
    const stats = statSync(join(directory, name), { throwIfNoEntry: false });
    if (stats !== undefined && stats.size <= awaited.sizeBytes) return;
    waiting.delete(name);
    awaited.resolve(atMs);
  });
  return {
    beyond: (transferId, sizeBytes) =>
      new Promise((resolve) => waiting.set(tempName(transferId), { sizeBytes, resolve })),
    stop: () => watcher.close(),
  };
}
