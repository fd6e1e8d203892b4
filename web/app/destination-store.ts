/** The destinations, asked for once and after each change. */
import type { CreateDestination, DestinationView } from '#core/wire/destination.ts';
import type { ApiClient } from '../upload/client.ts';
import { toUploadError, type UploadError } from '../upload/error.ts';

export interface DestinationSnapshot {
  readonly items: readonly DestinationView[];
  readonly isLoaded: boolean;
  readonly error: UploadError | null;
}

export interface DestinationStore {
  snapshot(): DestinationSnapshot;
  subscribe(listener: () => void): () => void;
  /** Never rejects: a failure is in the snapshot. */
  load(): Promise<void>;
  add(body: CreateDestination): Promise<void>;
  remove(id: string): Promise<void>;
}

export function destinationStore(api: ApiClient): DestinationStore {
  const listeners = new Set<() => void>();
  let shown: DestinationSnapshot = { items: [], isLoaded: false, error: null };

  function show(next: DestinationSnapshot): void {
    shown = next;
    for (const listener of listeners) listener();
  }

  async function load(): Promise<void> {
    try {
      show({ items: await api.listDestinations(), isLoaded: true, error: null });
    } catch (error) {
      show({ ...shown, error: toUploadError(error) });
    }
  }

  return {
    snapshot: () => shown,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    load,
    async add(body) {
      await api.createDestination(body);
      await load();
    },
    async remove(id) {
      await api.removeDestination(id);
      await load();
    },
  };
}
