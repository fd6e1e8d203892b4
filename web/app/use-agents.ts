/** The agents, asked for again and again while somebody looks, and what the buttons of one do. */
import { useCallback, useEffect, useState } from 'react';
import type { AgentView } from '#core/wire/agent.ts';
import type { AgentVerb } from '../upload/client.ts';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';

export interface Agents {
  /** Null until the first answer. */
  readonly items: readonly AgentView[] | null;
  /** Why they could not be asked for; gone when they can. */
  readonly error: UploadError | null;
  act(id: string, verb: AgentVerb): Promise<void>;
}

/** Agents tell the home of themselves every 30 s; files come and go faster. */
const LOOK_MS = 5_000;

export function useAgents(): Agents {
  const { api } = useConsole();
  const [items, setItems] = useState<Agents['items']>(null);
  const [error, setError] = useState<UploadError | null>(null);

  const look = useCallback(
    async (signal?: AbortSignal): Promise<void> => {
      try {
        const found = await api.listAgents(signal);
        if (signal?.aborted) return;
        setItems(found);
        setError(null);
      } catch (cause) {
        if (!signal?.aborted) setError(toUploadError(cause));
      }
    },
    [api],
  );

  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const goOn = async (): Promise<void> => {
      if (!document.hidden) await look(stop.signal);
      if (!stop.signal.aborted) timer = setTimeout(goOn, LOOK_MS);
    };
    void goOn();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [look]);

  const act = useCallback(
    async (id: string, verb: AgentVerb): Promise<void> => {
      await api.actOnAgent(id, verb);
      await look();
    },
    [api, look],
  );
  return { items, error, act };
}
