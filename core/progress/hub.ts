/** Where rumours about transfers meet the people who watch them. No I/O of its own. */
import type { Clock } from '#core/ports/clock.ts';
import type { ProgressFeed, Rumour } from '#core/ports/progress.ts';
import type { Notice } from '#core/wire/notice.ts';
import { isoTime } from '#core/wire/time.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { type Ledger, ledger } from './ledger.ts';
import { type Reading, sharedReading } from './reading.ts';
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
  isWatching(ownerId: string): boolean;
  /** Reads the table for all who watch: something may have been missed. */
  catchUp(): void;
  /** Ends all subscriptions and stops listening. */
  close(): void;
}

interface Owner {
  readonly ledger: Ledger;
  readonly viewers: Set<Subscriber>;
  readonly reading: Reading;
}

const PRUNE_EVERY_MS = 60_000;
/** Owners nobody watches; those who are watched are bounded by the number of connections. */
const IDLE_OWNERS_MAX = 1000;

export function progressHub({ feed, clock, readTransfers, epoch }: HubPorts): ProgressHub {
  /** In the order of the last touch, oldest first. */
  const owners = new Map<string, Owner>();
  let prunedAtMs = clock.now();
  let viewerCount = 0;

  function touch(ownerId: string): Owner {
    const owner = owners.get(ownerId) ?? newOwner(ownerId);
    owners.delete(ownerId);
    owners.set(ownerId, owner);
    return owner;
  }

  function newOwner(ownerId: string): Owner {
    const owner: Owner = {
      ledger: ledger(),
      viewers: new Set(),
      reading: sharedReading(
        clock,
        () => readTransfers(ownerId),
        (views) => {
          for (const view of views) tell(owner, owner.ledger.learn(view, clock.now()));
        },
      ),
    };
    return owner;
  }

  function hear(rumour: Rumour): void {
    if (rumour.kind === 'notice') {
      notify(rumour.ownerId, rumour.notice);
      return;
    }
    const owner = touch(rumour.ownerId);
    switch (rumour.kind) {
      case 'transfer':
        tell(owner, owner.ledger.learn(rumour.view, clock.now()));
        break;
      case 'staged': {
        const { changed, isStranger } = owner.ledger.learnStaged(rumour.uploadId, rumour.chunks, clock.now());
        for (const view of changed) tell(owner, view);
        if (isStranger && owner.viewers.size > 0) introduce(owner);
        break;
      }
      case 'removed':
        owner.ledger.forget(rumour.transferIds);
        for (const viewer of owner.viewers) viewer.remove(rumour.transferIds);
        break;
      case 'ask':
        for (const viewer of owner.viewers) viewer.ask(rumour.uploadId, rumour.asks);
        break;
      default:
        rumour satisfies never;
    }
  }

  /** To those who watch now: it is kept for nobody. */
  function notify(ownerId: string | null, notice: Notice): void {
    const watched = ownerId === null ? [...owners.values()] : [owners.get(ownerId)];
    for (const owner of watched) for (const viewer of owner?.viewers ?? []) viewer.notify(notice);
  }

  function prune(): void {
    const ownersMax = IDLE_OWNERS_MAX + viewerCount;
    if (clock.now() - prunedAtMs < PRUNE_EVERY_MS && owners.size <= ownersMax) return;
    prunedAtMs = clock.now();
    for (const [ownerId, owner] of owners) {
      owner.ledger.prune(prunedAtMs);
      const isIdle = owner.viewers.size === 0 && owner.reading.isIdle();
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
        refresh: owner.reading.refresh,
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
    catchUp: () => {
      for (const owner of owners.values()) if (owner.viewers.size > 0) introduce(owner);
    },
    isWatching: (ownerId) => (owners.get(ownerId)?.viewers.size ?? 0) > 0,
    close: () => {
      unsubscribe();
      for (const owner of owners.values()) for (const viewer of [...owner.viewers]) viewer.close();
    },
  };
}

function tell(owner: Owner, view: TransferView | null): void {
  if (view !== null) for (const viewer of owner.viewers) viewer.offer(view);
}

/** Of what no viewer has heard, as of an upload whose creation was told to nobody, the table is asked. */
function introduce(owner: Owner): void {
  owner.reading.refresh().catch(() => {
    for (const viewer of owner.viewers) viewer.resync();
  });
}
