/** The destinations, asked for once and after each change, and the kinds of them that the home has. */
import type { CreateDestination, DestinationView, UpdateDestination } from '#core/wire/destination.ts';
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
  /** What is known, asked for first where nothing is known yet. Rejects with an `UploadError` when that failed. */
  loaded(): Promise<readonly DestinationView[]>;
  add(body: CreateDestination): Promise<void>;
  change(view: DestinationView, body: UpdateDestination): Promise<void>;
  remove(id: string): Promise<void>;
}

export function destinationStore(api: ApiClient): DestinationStore {
  const listeners = new Set<() => void>();
  let shown: DestinationSnapshot = { items: [], kinds: null, isLoaded: false, error: null };
  let loading: Promise<void> | null = null;

  function show(next: DestinationSnapshot): void {
    shown = next;
    for (const listener of listeners) listener();
  }

  function load(): Promise<void> {
    const asking = ask().finally(() => {
      if (loading === asking) loading = null;
    });
    loading = asking;
    return asking;
  }

  async function ask(): Promise<void> {
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
    async loaded() {
      if (!shown.isLoaded) await (loading ?? load());
      if (!shown.isLoaded && shown.error) throw shown.error;
      return shown.items;
    },
    async add(body) {
      await api.createDestination(body);
      await load();
    },
    async change({ id, version }, body) {
      await api.changeDestination(id, version, body);
      await load();
    },
    async remove(id) {
      await api.removeDestination(id);
      await load();
    },
  };
}
