/** The time of a test: it stands still until it is moved, and what is due then happens before `advance` resolves. */

export interface ManualTime {
  now(): number;
  /** Calls back once, `ms` later; the answer cancels it. */
  after(ms: number, callback: () => void): () => void;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
  advance(ms: number): Promise<void>;
  /** Resolves as soon as that many callbacks wait. */
  waiting(count: number): Promise<void>;
}

export function manualTime(startMs = Date.parse('2026-03-01T00:00:00Z')): ManualTime {
  let nowMs = startMs;
  const alarms = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  const watchers = new Set<() => void>();

  function after(ms: number, callback: () => void): () => void {
    const alarm = { atMs: nowMs + ms, callback };
    alarms.add(alarm);
    for (const watcher of watchers) watcher();
    return () => void alarms.delete(alarm);
  }

  return {
    now: () => nowMs,
    random: () => 0.5,
    after,
    sleep: (ms, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      if (signal?.aborted === true) return Promise.reject(signal.reason);
      const onAbort = () => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
      return promise;
    },
    advance: async (ms) => {
      const endMs = nowMs + ms;
      for (;;) {
        const due = [...alarms].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (due === undefined) break;
        alarms.delete(due);
        nowMs = Math.max(nowMs, due.atMs);
        due.callback();
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      nowMs = endMs;
    },
    waiting: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (alarms.size < count) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
  };
}
