/** What a person should look at: alerts as the server keeps them, and words that were sent to whoever watches. */
import type { Alert } from '#core/wire/alert.ts';
import type { Notice } from '#core/wire/notice.ts';
import type { ApiClient } from '../upload/client.ts';

export interface Message {
  readonly key: number;
  readonly notice: Notice;
  readonly atMs: number;
}

export interface AlertSnapshot {
  /** Null: not known yet, or the server has none to tell. */
  readonly alerts: readonly Alert[] | null;
  /** Of this visit, newest first. */
  readonly messages: readonly Message[];
}

export interface AlertStore {
  snapshot(): AlertSnapshot;
  subscribe(listener: () => void): () => void;
  /** Never rejects: what was known stays. */
  load(): Promise<void>;
  /** A word from the socket: that an alert has begun or is over, or something else. */
  heed(notice: Notice): Promise<void>;
}

const MESSAGES_MAX = 20;

export function alertStore(api: Pick<ApiClient, 'listAlerts'>, nowMs: () => number): AlertStore {
  const listeners = new Set<() => void>();
  let heard = 0;
  let shown: AlertSnapshot = { alerts: null, messages: [] };

  function show(next: AlertSnapshot): void {
    shown = next;
    for (const listener of listeners) listener();
  }

  async function load(): Promise<void> {
    try {
      const alerts = await api.listAlerts();
      // Looked at each minute: what is the same is not drawn again.
      if (JSON.stringify(alerts) !== JSON.stringify(shown.alerts)) show({ ...shown, alerts });
    } catch {
      // The sign of the connection says that the server is out of reach; the next look brings what is missed here.
    }
  }

  return {
    snapshot: () => shown,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    load,
    async heed(notice) {
      const atMs = nowMs();
      await load();
      if (isOfAlert(notice, shown.alerts ?? [])) return;
      heard += 1;
      show({ ...shown, messages: [{ key: heard, notice, atMs }, ...shown.messages].slice(0, MESSAGES_MAX) });
    },
  };
}

/** Its words quote the alert's message when it begins, and the time it began when it is over. */
function isOfAlert({ content }: Notice, alerts: readonly Alert[]): boolean {
  return alerts.some(({ message, raisedAt }) => content === message || content.includes(raisedAt));
}
