/** Everything behind the page, started once: the API, the queue of this device's files, the progress socket and its store. */

import { createContext, useContext, useSyncExternalStore } from 'react';
import type { TransferView } from '#core/wire/transfer.ts';
import { browserStore } from '../browser-store.ts';
import { type LinkBook, linkBook } from '../links/link-book.ts';
import { type ProgressSocket, progressSocket, type SocketStatus } from '../progress/socket.ts';
import { type ProgressSnapshot, type ProgressStore, progressStore } from '../progress/store.ts';
import { backoffMs } from '../upload/backoff.ts';
import { type ApiClient, apiClient } from '../upload/client.ts';
import type { Algorithm } from '../upload/instant.ts';
import { type Destinations, type QueueSnapshot, type UploadQueue, uploadQueue } from '../upload/queue.ts';
import { indexedDbRecords, memoryRecords, recordsOf } from '../upload/record.ts';
import { type Unfinished, unfinished } from '../upload/restore.ts';
import { after, browserConnection, browserSurroundings, type Surroundings } from '../upload/surroundings.ts';
import { announceVisit, liveVisits } from '../upload/visit.ts';
import { workerHasher } from '../upload/worker-hasher.ts';
import { type AlertStore, alertStore } from './alert-store.ts';
import { type DestinationStore, destinationStore } from './destination-store.ts';

export interface Console {
  readonly api: ApiClient;
  readonly around: Surroundings;
  readonly queue: UploadQueue;
  readonly progress: ProgressStore;
  readonly socket: ProgressSocket;
  readonly destinations: DestinationStore;
  readonly alerts: AlertStore;
  readonly links: LinkBook;
  /** What earlier visits left unfinished. */
  unfinished(): Promise<readonly Unfinished[]>;
  stop(): void;
}

export interface ConsoleOptions {
  /** Origin of the API; empty for the page's own. */
  readonly origin: string;
  readonly token: string;
  readonly onRefused: () => void;
}

export async function startConsole({ origin, token, onRefused }: ConsoleOptions): Promise<Console> {
  const api = apiClient({ origin, token: () => token, onRefused });
  // Without IndexedDB (some private windows) uploads still run; a reload then forgets them.
  const records = recordsOf(await indexedDbRecords().catch(memoryRecords), null);
  const around = browserSurroundings(api, records);
  announceVisit(around.visit);
  const progress = progressStore({ nowMs: Date.now, after });
  const destinations = destinationStore(api);
  const alerts = alertStore(api, Date.now);
  const links = linkBook(api);
  const queue = uploadQueue(around, {
    hasher: workerHasher(),
    claims: (chosen) => claimsFor(chosen, destinations),
    onTransfers: progress.adopt,
  });
  const socket = progressSocket({
    url: () => new URL('/ws', origin || location.origin).href.replace(/^http/, 'ws'),
    ticket: () => api.createTicket(),
    onFrame(frame) {
      if (frame.event === 'ask') void queue.answer(frame.data.uploadId, frame.data.asks).catch(() => undefined);
      if (frame.event === 'changes' || frame.event === 'snapshot') queue.heed(frame.data.transfers);
      if (frame.event === 'notification') void alerts.heed(frame.data);
      return progress.apply(frame);
    },
    after,
    onHope: browserConnection.onHope,
    nowMs: Date.now,
    backoffMs: (failures) => backoffMs(failures, Math.random()),
  });
  return {
    api,
    around,
    queue,
    progress,
    socket,
    destinations,
    alerts,
    links,
    unfinished: () => unfinished(around, liveVisits),
    stop: socket.stop,
  };
}

export const ConsoleContext = createContext<Console | null>(null);

export function useConsole(): Console {
  const found = useContext(ConsoleContext);
  if (!found) throw new Error('outside of ConsoleContext');
  return found;
}

export function useQueue(): QueueSnapshot {
  const { queue } = useConsole();
  return useSyncExternalStore(queue.subscribe, queue.snapshot);
}

export function useProgress(): ProgressSnapshot {
  const { progress } = useConsole();
  return useSyncExternalStore(progress.subscribe, progress.snapshot);
}

export function useSocketStatus(): SocketStatus {
  const { socket } = useConsole();
  return useSyncExternalStore(socket.subscribe, socket.status);
}

export interface UploadProgress {
  readonly uploads: readonly TransferView[];
  readonly connected: boolean;
  readonly reconnect: () => void;
}

/** The transfers alone, for pages that draw them in their own way. */
export function useUploadProgress(): UploadProgress {
  const { socket } = useConsole();
  const uploads = useProgress().items.map(({ view }) => view);
  return { uploads, connected: useSocketStatus().kind === 'open', reconnect: socket.reconnect };
}

/** Remembered by the page, because hashing first is worth its time only where destinations know files by digest. */
export const INSTANT_KEY = 'entrepot.instant';

/** Digests that these kinds of destinations ask for. */
export const CLAIMS: Readonly<Record<string, readonly Algorithm[]>> = {
  pan115: ['sha1'],
  clouddrive2: ['sha1', 'md5'],
};

function claimsFor(chosen: Destinations, { snapshot }: DestinationStore): readonly Algorithm[] {
  if (browserStore.getItem(INSTANT_KEY) === 'no') return [];
  const ids = new Set(chosen.map(({ id }) => id));
  const kinds = snapshot().items.filter(({ id }) => ids.has(id));
  return [...new Set(kinds.flatMap(({ provider }) => CLAIMS[provider] ?? []))];
}
