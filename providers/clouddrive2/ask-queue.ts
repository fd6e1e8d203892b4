/** What is to be asked, from several sides, for one reader. */
import type { Ask } from '#core/ports/provider.ts';

export interface AskQueue {
  /** For askers that wait for their answer before they ask again. */
  push(ask: Ask): void;
  /** Resolves when the reader is less than 16 asks behind: whoever asks without end waits here. */
  room(signal: AbortSignal): Promise<void>;
  /** The reader is told after what is queued. */
  fail(error: unknown): void;
  next(signal: AbortSignal): Promise<Ask>;
}

const BEHIND_MAX = 16;

export function askQueue(): AskQueue {
  const asks: Ask[] = [];
  let failure: { readonly error: unknown } | null = null;
  let changed = Promise.withResolvers<void>();

  function change(): void {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  }

  async function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (!condition()) await Promise.race([changed.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    push: (ask) => {
      asks.push(ask);
      change();
    },
    room: (signal) => until(() => asks.length < BEHIND_MAX, signal),
    fail: (error) => {
      failure ??= { error };
      change();
    },
    next: async (signal) => {
      await until(() => asks.length > 0 || failure !== null, signal);
      const ask = asks.shift();
      change();
      if (ask !== undefined) return ask;
      throw failure?.error;
    },
  };
}
