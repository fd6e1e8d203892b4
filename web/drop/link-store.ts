/** What the link allows, asked for again and again: others may fill it, and its owner may change or revoke it. */
import type { DropView } from '#core/wire/link.ts';
import { backoffMs } from '../upload/backoff.ts';
import { toUploadError } from '../upload/error.ts';
import type { Surroundings } from '../upload/surroundings.ts';
import type { DropApi } from './drop-api.ts';

/** `away`: the server does not answer; `view` is then what it said last, if it ever did. `gone`: revoked, or never there. */
export interface LinkSnapshot {
  readonly kind: 'loading' | 'open' | 'away' | 'gone';
  readonly view: DropView | null;
}

export interface LinkStore {
  snapshot(): LinkSnapshot;
  subscribe(listener: () => void): () => void;
  /** Never rejects: a failure is in the snapshot. */
  load(): Promise<void>;
  /** The server's word that the link is good for nothing any more. */
  close(): void;
  stop(): void;
}

const FRESH_MS = 60_000;

export function linkStore(
  api: Pick<DropApi, 'readDrop'>,
  around: Pick<Surroundings, 'timers' | 'connection' | 'random'>,
): LinkStore {
  const listeners = new Set<() => void>();
  const unhope = around.connection.onHope(() => void load());
  let shown: LinkSnapshot = { kind: 'loading', view: null };
  let failures = 0;
  let isStopped = false;
  let loading: Promise<void> | null = null;
  let disarm = () => {};

  function show(next: LinkSnapshot): void {
    shown = next;
    for (const listener of listeners) listener();
  }

  function load(): Promise<void> {
    if (isStopped || shown.kind === 'gone') return Promise.resolve();
    disarm();
    loading ??= ask().finally(() => {
      loading = null;
    });
    return loading;
  }

  async function ask(): Promise<void> {
    try {
      const view = await api.readDrop();
      failures = 0;
      show({ kind: 'open', view });
    } catch (cause) {
      failures += 1;
      const isRefused = toUploadError(cause).status === 401;
      show({ kind: isRefused ? 'gone' : 'away', view: shown.view });
    }
    if (isStopped || shown.kind === 'gone') return;
    const waitMs = failures === 0 ? FRESH_MS : backoffMs(failures, around.random());
    disarm = around.timers.after(waitMs, () => void load());
  }

  return {
    snapshot: () => shown,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    load,
    close() {
      disarm();
      show({ kind: 'gone', view: shown.view });
    },
    stop() {
      isStopped = true;
      disarm();
      unhope();
    },
  };
}
