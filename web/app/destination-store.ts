/** The destinations, asked for once and after each change, and the kinds of them that the home has. */
import type { Placement } from '#core/wire/agent.ts';
import type { CreateDestination, DestinationView } from '#core/wire/destination.ts';
import type { KindView } from '#core/wire/kind.ts';
import type { ApiClient } from '../upload/client.ts';
import { toUploadError, type UploadError } from '../upload/error.ts';

export interface DestinationSnapshot {
  readonly items: readonly DestinationView[];
  /** Null: not known, or not told. */
  readonly kinds: readonly KindView[] | null;
  readonly isLoaded: boolean;
  readonly error: UploadError | null;
}

export interface DestinationStore {
  snapshot(): DestinationSnapshot;
  subscribe(listener: () => void): () => void;
  /** Never rejects: a failure is in the snapshot. */
  load(): Promise<void>;
  add(body: CreateDestination): Promise<void>;
  place(id: string, placement: Placement): Promise<void>;
  remove(id: string): Promise<void>;
}

export function destinationStore(api: ApiClient): DestinationStore {
  const listeners = new Set<() => void>();
  let shown: DestinationSnapshot = { items: [], kinds: null, isLoaded: false, error: null };

  function show(next: DestinationSnapshot): void {
    shown = next;
    for (const listener of listeners) listener();
  }

  async function load(): Promise<void> {
    try {
      const [items, kinds] = await Promise.all([api.listDestinations(), shown.kinds ?? api.listKinds()]);
      show({ items, kinds, isLoaded: true, error: null });
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
    async place(id, placement) {
      await api.placeDestination(id, placement);
      await load();
    },
    async remove(id) {
      await api.removeDestination(id);
      await load();
    },
  };
}
