/** Where rumours about transfers meet the people who watch them. No I/O of its own. */
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressFeed, Rumour } from '#core/ports/progress.ts';
import { isoTime } from '#core/wire/time.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { type Ledger, ledger } from './ledger.ts';
import { type Send, type Subscriber, subscriber } from './subscriber.ts';

export interface HubPorts {
  readonly feed: ProgressFeed;
  readonly clock: Clock;
  /** The newest transfers of an owner from the table, active ones first, at most 200. */
  readonly readTransfers: (ownerId: string) => Promise<readonly TransferView[]>;
  /** Names this run of the server. */
  readonly epoch: string;
}

export interface Subscription {
  /** Asks for another snapshot: the viewer missed something. */
  resync(): void;
  close(): void;
}

/**
 * Laws: a viewer is told `connection:established` first, then one `snapshot`, then `changes` whose `seq` rises by one, at most
 * one of them in 500 ms and only when something changed. A newer view of a transfer replaces an older one that was not told yet, so
 * that its last phase is never lost; (rank, movedBytes) of what a viewer is told never goes back. A slow viewer delays nobody.
 * Memory is bounded by the number of owners and of their newest uploads.
 */
export interface ProgressHub {
  subscribe(ownerId: string, send: Send): Subscription;
  stats(): { readonly owners: number; readonly viewers: number; readonly uploads: number };
  /** Ends all subscriptions and stops listening. */
  close(): void;
}

interface Owner {
  readonly ledger: Ledger;
  readonly viewers: Set<Subscriber>;
  reading: Promise<void> | null;
  readingNext: Promise<void> | null;
}

const READ_TIMEOUT_MS = 10_000;
const PRUNE_EVERY_MS = 60_000;
/** Owners nobody watches; those who are watched are bounded by the number of connections. */
const IDLE_OWNERS_MAX = 1000;

export function progressHub({ feed, clock, readTransfers, epoch }: HubPorts): ProgressHub {
  /** In the order of the last touch, oldest first. */
  const owners = new Map<string, Owner>();
  let prunedAtMs = clock.now();
  let viewerCount = 0;

  function touch(ownerId: string): Owner {
    const owner = owners.get(ownerId) ?? {
      ledger: ledger(),
      viewers: new Set<Subscriber>(),
      reading: null,
      readingNext: null,
    };
    owners.delete(ownerId);
    owners.set(ownerId, owner);
    return owner;
  }

  function hear(rumour: Rumour): void {
    const owner = touch(rumour.ownerId);
    switch (rumour.kind) {
      case 'transfer':
        tell(owner, owner.ledger.learn(rumour.view, clock.now()));
        break;
      case 'staged': {
        const { changed, isStranger } = owner.ledger.learnStaged(rumour.uploadId, rumour.chunks, clock.now());
        for (const view of changed) tell(owner, view);
        if (isStranger && owner.viewers.size > 0) introduce(rumour.ownerId, owner);
        break;
      }
      case 'ask':
        for (const viewer of owner.viewers) viewer.ask(rumour.uploadId, rumour.asks);
        break;
      default:
        rumour satisfies never;
    }
  }

  /** Chunks of an upload that no viewer has heard of: its creation was told to nobody, so the table is asked. */
  function introduce(ownerId: string, owner: Owner): void {
    refresh(ownerId, owner).catch(() => {
      for (const viewer of owner.viewers) viewer.resync();
    });
  }

  /**
   * One read of the table at a time for all viewers of an owner. Who asks while one is under way shares the next: that one may
   * have read what they want to know before it changed.
   */
  function refresh(ownerId: string, owner: Owner): Promise<void> {
    if (owner.readingNext !== null) return owner.readingNext;
    if (owner.reading === null) return startReading(ownerId, owner);
    owner.readingNext = owner.reading.catch(() => undefined).then(() => startReading(ownerId, owner));
    return owner.readingNext;
  }

  function startReading(ownerId: string, owner: Owner): Promise<void> {
    owner.readingNext = null;
    owner.reading = withTimeout(readTransfers(ownerId))
      .then((views) => {
        for (const view of views) tell(owner, owner.ledger.learn(view, clock.now()));
      })
      .finally(() => {
        owner.reading = null;
      });
    return owner.reading;
  }

  async function withTimeout<T>(work: Promise<T>): Promise<T> {
    const settled = new AbortController();
    const late = clock.sleep(READ_TIMEOUT_MS, settled.signal).then(() => {
      throw new Error('reading the transfers took too long');
    });
    return Promise.race([work, late]).finally(() => settled.abort());
  }

  function prune(): void {
    const ownersMax = IDLE_OWNERS_MAX + viewerCount;
    if (clock.now() - prunedAtMs < PRUNE_EVERY_MS && owners.size <= ownersMax) return;
    prunedAtMs = clock.now();
    for (const [ownerId, owner] of owners) {
      owner.ledger.prune(prunedAtMs);
      const isIdle = owner.viewers.size === 0 && owner.reading === null;
      if (isIdle && (owner.ledger.size() === 0 || owners.size > ownersMax)) owners.delete(ownerId);
    }
  }

  const unsubscribe = feed.subscribe((rumours) => {
    for (const rumour of rumours) hear(rumour);
    prune();
  });

  return {
    subscribe: (ownerId, send) => {
      send({ event: 'connection:established', data: { epoch, at: isoTime(clock.now()) } });
      const owner = touch(ownerId);
      const viewer = subscriber({
        epoch,
        clock,
        send,
        refresh: () => refresh(ownerId, owner),
        views: owner.ledger.views,
        onClose: () => {
          owner.viewers.delete(viewer);
          viewerCount--;
        },
      });
      owner.viewers.add(viewer);
      viewerCount++;
      return { resync: viewer.resync, close: viewer.close };
    },
    stats: () => {
      const all = [...owners.values()];
      return {
        owners: all.filter(({ viewers }) => viewers.size > 0).length,
        viewers: viewerCount,
        uploads: all.reduce((sum, owner) => sum + owner.ledger.size(), 0),
      };
    },
    close: () => {
      unsubscribe();
      for (const owner of owners.values()) for (const viewer of [...owner.viewers]) viewer.close();
    },
  };
}

function tell(owner: Owner, view: TransferView | null): void {
  if (view !== null) for (const viewer of owner.viewers) viewer.offer(view);
}
