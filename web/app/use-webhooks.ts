/** The webhooks, asked for again and again while somebody looks. */
import { useCallback, useEffect, useState } from 'react';
import type { WebhookView } from '#core/wire/webhook.ts';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';

export interface Webhooks {
  /** Null until the first answer, and where the home has none. */
  readonly items: readonly WebhookView[] | null;
  readonly error: UploadError | null;
  load(): Promise<void>;
}

const LOOK_MS = 10_000;
/** Of a home of another version, which knows nothing of them. */
const NOT_HERE = 'route.unknown';

export function useWebhooks(): Webhooks {
  const { api } = useConsole();
  const [items, setItems] = useState<Webhooks['items']>(null);
  const [error, setError] = useState<UploadError | null>(null);

  const load = useCallback(
    async (signal?: AbortSignal): Promise<void> => {
      try {
        const found = await api.listWebhooks(signal);
        if (signal?.aborted) return;
        setItems(found);
        setError(null);
      } catch (cause) {
        const told = toUploadError(cause);
        if (!signal?.aborted) setError(told.code === NOT_HERE ? null : told);
      }
    },
    [api],
  );

  useEffect(() => {
    const stop = new AbortController();
    void load(stop.signal);
    const timer = setInterval(() => {
      if (!document.hidden) void load(stop.signal);
    }, LOOK_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [load]);
  return { items, error, load };
}
