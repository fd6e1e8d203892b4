/** Invariants of staged bytes and of rumours: nothing is removed too early, nothing is told before it is so. */

import type { Clock } from '#core/ports/clock.ts';
import type { ProgressSink, Rumour } from '#core/ports/progress.ts';
import type { StagingSource } from '#core/ports/staging.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { readView } from '#core/read-view.ts';
import { headKey, UploadState, uploadKey } from '#core/state.ts';
import { UploadId } from '#core/wire/ids.ts';
import { isNews } from '#core/wire/transfer.ts';
import type { Journal } from './journal.ts';
import type { Process } from './process.ts';

const WEEK_MS = 7 * 24 * 60 * 60_000;
/** Two clocks, each five seconds off. */
const SKEW_MS = 10_000;

/** The bucket, where every removal of a chunk is looked at first. */
export function watchBytes(
  source: StagingSource,
  { table, base, journal }: { readonly table: WorkTable; readonly base: Clock; readonly journal: Journal },
): StagingSource {
  async function check(key: string): Promise<void> {
    const match = /^staging\/(upl_[0-9A-Z]{26})\/\d{5}$/.exec(key);
    if (match === null) return;
    const row = await table.get(uploadKey(UploadId.parse(match[1])));
    if (row === null) return;
    if (row.phase === 'open') return journal.violate('I7', `${key} of an open upload is removed`);
    const upload = UploadState.parse(row.state);
    for (const { transferId } of upload.specs) {
      const head = await table.get(headKey(transferId));
      if (head?.queue !== null) journal.violate('I7', `${key} is removed while ${transferId} lives`);
      if (head?.phase === 'failed' && base.now() + SKEW_MS < upload.createdAt + WEEK_MS) {
        journal.violate('I7', `${key} is removed while ${transferId} may be tried again`);
      }
    }
  }

  return {
    list: (query) => source.list(query),
    stat: (key) => source.stat(key),
    read: (object, range, signal) => source.read(object, range, signal),
    remove: async (key, version) => {
      await check(key);
      return source.remove(key, version);
    },
  };
}

/** A process's way to its viewers: what it tells must be so already. A rumour may get lost, its teller never hears of it. */
export function watchRumours(
  process: Process,
  deps: {
    readonly table: WorkTable;
    readonly journal: Journal;
    readonly publish: (rumours: readonly Rumour[]) => void;
  },
): ProgressSink {
  const { table, journal, publish } = deps;
  return {
    publish: async (rumours) => {
      for (const rumour of rumours) {
        if (rumour.kind !== 'transfer') continue;
        const row = await table.get(headKey(rumour.view.id));
        if (row === null) continue;
        const truth = await readView(table, row, 0);
        if (!isNews(rumour.view, truth)) journal.violate('I14', `${process.name} tells of ${row.pk} before it is so`);
      }
      if (!process.isDead()) publish(rumours);
    },
  };
}
