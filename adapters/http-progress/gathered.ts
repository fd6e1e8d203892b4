/** Rumours on their way to whoever holds the sockets: gathered for half a second, and nobody waits for them. */
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressSink } from '#core/ports/progress.ts';
import { BODY_BYTES_MAX } from './envelope.ts';
import { pendingRumours } from './pending.ts';

export interface GatheredProgress extends ProgressSink {
  /**
   * Resolves when all that was published has been sent or lost, or when the signal aborts. For the end of a call, after which the
   * runtime may freeze the process. Never rejects.
   */
  flush(signal: AbortSignal): Promise<void>;
  stats(): { readonly posts: number; readonly failedPosts: number; readonly lostRumours: number };
}

export interface GatheredProgressPorts {
  readonly clock: Clock;
  /** Takes the JSON of an `Envelope`; answers whether it was taken. What it rejects with is not looked at. */
  readonly deliver: (text: string) => Promise<boolean>;
}

/** Two a second per holder, and never two at a time. */
const INTERVAL_MS = 500;
/** `{"rumours":[…]}` */
const FRAME_BYTES = 14;

/**
 * `publish` only notes down: the first news goes out at once, what comes within half a second of it goes together, and of a
 * transfer only its last view. What cannot be delivered is lost, without a second try.
 */
export function gatheredProgress({ clock, deliver }: GatheredProgressPorts): GatheredProgress {
  const pending = pendingRumours();
  const counts = { posts: 0, failedPosts: 0 };
  let nextMs = Number.NEGATIVE_INFINITY;
  let sending: Promise<void> | null = null;

  async function send(): Promise<void> {
    while (pending.size() > 0) {
      await clock.sleep(Math.max(0, nextMs - clock.now()));
      nextMs = clock.now() + INTERVAL_MS;
      const rumours = pending.take(BODY_BYTES_MAX - FRAME_BYTES);
      if (rumours.length === 0) continue;
      counts.posts++;
      // A rumour: whoever missed it reads the table.
      const isTaken = await deliver(`{"rumours":[${rumours.join()}]}`).catch(() => false);
      if (!isTaken) counts.failedPosts++;
    }
    sending = null;
  }

  return {
    publish: async (rumours) => {
      pending.add(rumours);
      if (pending.size() > 0) sending ??= send();
    },
    flush: async (signal) => {
      const { promise: aborted, resolve } = Promise.withResolvers<void>();
      if (signal.aborted) return;
      const onAbort = () => resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      await Promise.race([sending, aborted]);
      signal.removeEventListener('abort', onAbort);
    },
    stats: () => ({ ...counts, lostRumours: pending.lost() }),
  };
}
