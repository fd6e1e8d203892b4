/** The links, asked for when somebody looks and after each change. */
import type { CreateLink, LinkView, LinkWithUrl, UpdateLink } from '#core/wire/link.ts';
import type { ApiClient } from '../upload/client.ts';
import { toUploadError, type UploadError } from '../upload/error.ts';

export interface LinkSnapshot {
  /** The newest first. Null: not known yet. */
  readonly items: readonly LinkView[] | null;
  /** Why they could not be asked for; gone when they can. */
  readonly error: UploadError | null;
  /** Addresses that this visit of the page was told, by link. The server tells none twice. */
  readonly told: ReadonlyMap<string, LinkWithUrl>;
}

export interface LinkBook {
  snapshot(): LinkSnapshot;
  subscribe(listener: () => void): () => void;
  /** Never rejects: a failure is in the snapshot. */
  load(): Promise<void>;
  add(body: CreateLink): Promise<LinkWithUrl>;
  change(id: string, body: UpdateLink): Promise<void>;
  rotate(id: string): Promise<LinkWithUrl>;
  revoke(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}

export function linkBook(api: ApiClient): LinkBook {
  const listeners = new Set<() => void>();
  let shown: LinkSnapshot = { items: null, error: null, told: new Map() };
  let loading: Promise<void> | null = null;

  function show(next: LinkSnapshot): void {
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
      show({ ...shown, items: await api.listLinks(), error: null });
    } catch (cause) {
      show({ ...shown, error: toUploadError(cause) });
    }
  }

  function keep(made: LinkWithUrl): LinkWithUrl {
    show({ ...shown, told: new Map(shown.told).set(made.link.id, made) });
    return made;
  }

  /** What was done shows, also when it was refused because of what somebody else did. */
  async function thenLoad<Answer>(done: Promise<Answer>): Promise<Answer> {
    try {
      return await done;
    } finally {
      await load();
    }
  }

  return {
    snapshot: () => shown,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    load: () => loading ?? load(),
    add: (body) => thenLoad(api.createLink(body).then(keep)),
    change: async (id, body) => void (await thenLoad(api.changeLink(id, body))),
    rotate: (id) => thenLoad(api.rotateLink(id).then(keep)),
    async revoke(id) {
      await thenLoad(api.revokeLink(id));
      const told = new Map(shown.told);
      told.delete(id);
      show({ ...shown, told });
    },
    remove: (id) => thenLoad(api.removeLink(id)),
  };
}
