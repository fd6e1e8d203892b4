/** Transfers until they end: told by the socket, looked at when it is silent. */
import type { Clock } from '#core/ports/clock.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';
import type { Client } from './client.ts';
import { openFeed } from './feed.ts';

export interface Follower {
  /** Goes on from a view at hand. Resolves with the last one when the transfer has ended; rejects when it cannot be seen. */
  untilEnded(view: TransferView): Promise<TransferView>;
  close(): void;
}

export interface FollowPorts {
  readonly client: Pick<Client, 'ticket' | 'address' | 'transfer'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Newer than what was told of the same transfer before. `all` also tells of transfers that nobody waits for. */
  readonly onView: (view: TransferView) => void;
  readonly scope: 'awaited' | 'all';
}

interface Awaited {
  readonly ended: PromiseWithResolvers<TransferView>;
  heardAtMs: number;
}

/** How long a transfer may be silent before it is looked at, with and without a socket. */
const LOOK_LIVE_MS = 5000;
const LOOK_DEAF_MS = 1000;
const LOOK_EVERY_MS = 500;
/** Looks at a time; the others have their turn half a second later. */
const LOOKS_AT_ONCE = 8;
const SEEN_MAX = 5000;

export function follow({ client, clock, signal, onView, scope }: FollowPorts): Follower {
  const closing = new AbortController();
  const until = AbortSignal.any([signal, closing.signal]);
  const awaited = new Map<string, Awaited>();
  const seen = new Map<string, TransferView>();

  function hear(view: TransferView): void {
    const waiting = awaited.get(view.id);
    if (waiting === undefined && scope === 'awaited') return;
    if (waiting !== undefined) waiting.heardAtMs = clock.now();
    const before = seen.get(view.id);
    if (!isNews(before, view)) return;
    if (JSON.stringify(before) !== JSON.stringify(view)) onView(view);
    remember(view);
    if (!hasEnded(view)) return;
    awaited.delete(view.id);
    waiting?.ended.resolve(view);
  }

  function remember(view: TransferView): void {
    seen.delete(view.id);
    seen.set(view.id, view);
    const oldest = seen.keys().next().value;
    if (seen.size > SEEN_MAX && oldest !== undefined) seen.delete(oldest);
  }

  async function lookForever(): Promise<void> {
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, until);
      const patienceMs = feed.isLive() ? LOOK_LIVE_MS : LOOK_DEAF_MS;
      const silent = [...awaited].filter(([, { heardAtMs }]) => clock.now() - heardAtMs >= patienceMs);
      await Promise.all(silent.slice(0, LOOKS_AT_ONCE).map(([id, { ended }]) => look(id, ended)));
    }
  }

  async function look(id: string, ended: Awaited['ended']): Promise<void> {
    try {
      hear(await client.transfer(id));
    } catch (error) {
      awaited.delete(id);
      ended.reject(error);
    }
  }

  const feed = openFeed({ client, clock, onViews: (views) => views.forEach(hear) });
  lookForever().catch((reason: unknown) => {
    for (const { ended } of awaited.values()) ended.reject(reason);
  });
  return {
    untilEnded: (view) => {
      const waiting = awaited.get(view.id) ?? { ended: Promise.withResolvers<TransferView>(), heardAtMs: clock.now() };
      // Who asked may look at the answer later, or never.
      waiting.ended.promise.catch(() => undefined);
      awaited.set(view.id, waiting);
      hear(view);
      const newest = seen.get(view.id);
      if (newest !== undefined && hasEnded(newest)) waiting.ended.resolve(newest);
      return waiting.ended.promise;
    },
    close: () => {
      closing.abort(new Error('nobody follows any more'));
      feed.close();
    },
  };
}

export function hasEnded({ phase }: TransferView): boolean {
  return phase === 'done' || phase === 'failed' || phase === 'canceled';
}
