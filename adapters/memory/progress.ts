/** Rumours inside one process. */
import type { ProgressFeed, ProgressSink, Rumour } from '#core/ports/progress.ts';

type Listener = (rumours: readonly Rumour[]) => unknown;

/**
 * Each listener is called in a task of its own, in the order of publishing; what it answers is not waited for. What it throws
 * or rejects with goes to `onListenerError`, which must not throw, and is otherwise dropped: the next rumour makes up for it.
 */
export function memoryProgress(
  onListenerError: (error: unknown) => void = () => undefined,
): ProgressSink & ProgressFeed {
  const subscriptions = new Set<{ readonly listener: Listener }>();

  return {
    publish: async (rumours) => {
      if (rumours.length === 0) return;
      for (const subscription of subscriptions) {
        queueMicrotask(async () => {
          if (!subscriptions.has(subscription)) return;
          try {
            await subscription.listener(rumours);
          } catch (error) {
            onListenerError(error);
          }
        });
      }
    },
    subscribe: (listener) => {
      const subscription = { listener };
      subscriptions.add(subscription);
      return () => void subscriptions.delete(subscription);
    },
  };
}
