/** One sync for everybody who needs one at about the same time. */

export interface Waves {
  /** Resolves when a sync that began after this call has ended. */
  join(): Promise<void>;
  /** Whether a sync has failed. From then on every `join` rejects with that failure, also those that wait already. */
  failed(): boolean;
}

/**
 * At most one sync runs and at most one waits to run: a sync that is under way may have begun before the caller's last write,
 * so the one after it is the first that covers it.
 */
export function waves(sync: () => Promise<void>): Waves {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  let failure: { readonly error: unknown } | null = null;

  async function run(): Promise<void> {
    await Promise.allSettled([running]);
    next = null;
    if (failure) return;
    running = sync();
    try {
      await running;
    } catch (error) {
      failure ??= { error };
    }
  }

  return {
    join: async () => {
      next ??= run();
      await next;
      if (failure) throw failure.error;
    },
    failed: () => failure !== null,
  };
}
