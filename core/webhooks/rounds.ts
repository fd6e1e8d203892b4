/** When a process that lives on posts: now and then, and at once when it hears that something ended. */
import type { Clock } from '#core/ports/clock.ts';
import type { Log } from '#core/ports/log.ts';
import type { ProgressFeed } from '#core/ports/progress.ts';
import { traceOf } from '#core/trace.ts';
import { doorbell } from '#core/transfer/doorbell.ts';
import type { Pump } from './pump.ts';

export interface Rounds {
  /** Posts under way are given up, and told again by whoever comes next. */
  stop(): Promise<void>;
}

export function webhookRounds({
  pump,
  feed,
  clock,
  log,
  everyMs,
  gatherMs,
}: {
  readonly pump: Pump;
  readonly feed: ProgressFeed;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
  /** Ends that come together within this time are told in one round. */
  readonly gatherMs: number;
}): Rounds {
  const stopped = new AbortController();
  const { signal } = stopped;
  const bell = doorbell(clock);
  const underWay = new Set<Promise<void>>();
  const unsubscribe = feed.subscribe((rumours) => {
    const isNews = rumours.some(
      (rumour) => rumour.kind === 'notice' || (rumour.kind === 'transfer' && rumour.view.endedAt !== null),
    );
    if (isNews) bell.ring();
  });

  /** Nobody waits for a slow receiver: the next round begins beside it, and passes it over. */
  function begin(): void {
    const round = pump
      .run(() => true, signal)
      .catch((error: unknown) => log.error('webhooks.failed', traceOf(error)))
      .finally(() => underWay.delete(round));
    underWay.add(round);
  }

  const loop = (async () => {
    while (!signal.aborted) {
      begin();
      await bell.wait(everyMs);
      await clock.sleep(gatherMs, signal).catch(() => undefined);
    }
  })();

  return {
    stop: async () => {
      stopped.abort();
      bell.ring();
      unsubscribe();
      await Promise.all([loop, ...underWay]);
    },
  };
}
