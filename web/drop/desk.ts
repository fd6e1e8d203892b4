/** Everything behind the customer's page, started once: the link, the queue of this device's files, and what became of them. */

import { createContext, useContext, useSyncExternalStore } from 'react';
import { browserStore } from '../browser-store.ts';
import { type QueueSnapshot, type UploadQueue, uploadQueue } from '../upload/queue.ts';
import { indexedDbRecords, memoryRecords, recordsOf } from '../upload/record.ts';
import { type Unfinished, unfinished } from '../upload/restore.ts';
import { browserSurroundings, type Surroundings } from '../upload/surroundings.ts';
import { announceVisit, liveVisits } from '../upload/visit.ts';
import { workerHasher } from '../upload/worker-hasher.ts';
import { type DropAddress, senderId } from './address.ts';
import { type Arrival, type ArrivalStore, arrivalStore } from './arrivals.ts';
import { dropApi } from './drop-api.ts';
import { type LinkSnapshot, type LinkStore, linkStore } from './link-store.ts';

export interface Desk {
  readonly around: Surroundings;
  readonly queue: UploadQueue;
  readonly link: LinkStore;
  readonly arrivals: ArrivalStore;
  /** What earlier visits left unfinished. */
  unfinished(): Promise<readonly Unfinished[]>;
  stop(): void;
}

export async function openDesk({ link: id, secret }: DropAddress): Promise<Desk> {
  const api = dropApi({ origin: '', secret, sender: senderId(), onRefused: () => link.close() });
  // Without IndexedDB (some private windows) uploads still run; a reload then forgets them.
  const records = recordsOf(await indexedDbRecords().catch(memoryRecords), id);
  const around = browserSurroundings(api, records);
  announceVisit(around.visit);
  const link = linkStore(api, around);
  const arrivals = arrivalStore(`entrepot.drop.${id}.files`, around, browserStore);
  const queue = uploadQueue(around, {
    hasher: workerHasher(),
    // Which digests a destination would know is not told to those who hand in.
    claims: () => [],
    onTransfers: arrivals.heed,
  });
  const unsubscribe = queue.subscribe(() => arrivals.add(arrived(queue.snapshot())));
  void link.load();
  return {
    around,
    queue,
    link,
    arrivals,
    unfinished: () => unfinished(around, liveVisits),
    stop() {
      unsubscribe();
      link.stop();
      arrivals.stop();
    },
  };
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const found = useContext(DeskContext);
  if (!found) throw new Error('outside of DeskContext');
  return found;
}

export function useDeskQueue(): QueueSnapshot {
  const { queue } = useDesk();
  return useSyncExternalStore(queue.subscribe, queue.snapshot);
}

export function useLink(): LinkSnapshot {
  const { link } = useDesk();
  return useSyncExternalStore(link.subscribe, link.snapshot);
}

export function useArrivals(): readonly Arrival[] {
  const { arrivals } = useDesk();
  return useSyncExternalStore(arrivals.subscribe, arrivals.snapshot);
}

function arrived({ uploads }: QueueSnapshot): Omit<Arrival, 'outcome'>[] {
  return uploads.flatMap(({ phase, uploadId, name, folder, sizeBytes, endedAtMs, addedAtMs }) =>
    phase === 'staged' && uploadId !== null
      ? [{ uploadId, name, folder, sizeBytes, atMs: endedAtMs ?? addedAtMs }]
      : [],
  );
}
