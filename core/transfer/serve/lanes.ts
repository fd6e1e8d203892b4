/** Every destination that asks, as one relay serves them: started where a transfer is due, ended when there is nothing to do. */
import type { ProgressFeed } from '#core/ports/progress.ts';
import { askedQueue, askingQueue } from '#core/state.ts';
import { traceOf } from '#core/trace.ts';
import type { Job } from '#core/wire/job.ts';
import { type Doorbell, doorbell } from '../doorbell.ts';
import type { Engine } from '../engine.ts';
import { runLane } from './lane.ts';
import { slots } from './slots.ts';
import { READS_MAX } from './terms.ts';

export interface ServeLanes {
  /** Starts to serve where something is due and nobody serves. To be called every few seconds. Answers how many are served here. */
  look(): Promise<number>;
  /** Hints met these rows: of those that are served, wishes are looked for now. */
  hint(jobs: readonly Job[]): void;
  /** Hands everything over: sessions stay, and whoever comes next carries on. Resolves when it is done. */
  close(): Promise<void>;
}

/** How long the list of destinations is believed. */
const LIST_MS = 10_000;

/** `feed` tells of chunks and of new transfers as they come: what it does not tell is found by looking. */
export function serveLanes(engine: Engine, feed?: ProgressFeed): ServeLanes {
  const { table, clock, log } = engine;
  const closing = new AbortController();
  const reads = slots(READS_MAX);
  const followers = new Map<string, Set<() => void>>();
  const running = new Map<string, { readonly bell: Doorbell; readonly over: Promise<void> }>();
  let ids: readonly string[] = [];
  let listedAt = Number.NEGATIVE_INFINITY;

  const unsubscribe = feed?.subscribe((rumours) => {
    for (const rumour of rumours) {
      if (rumour.kind === 'staged') tell(rumour.uploadId);
      if (rumour.kind === 'transfer' && rumour.view.phase === 'staging') newTransfer(rumour.view.destinationId);
    }
  });

  function newTransfer(destinationId: string): void {
    running.get(destinationId)?.bell.ring();
    if (!ids.includes(destinationId)) listedAt = Number.NEGATIVE_INFINITY;
  }

  function follow(name: string, onNews: () => void): () => void {
    const all = followers.get(name) ?? new Set();
    followers.set(name, all.add(onNews));
    return () => {
      all.delete(onNews);
      if (all.size === 0 && followers.get(name) === all) followers.delete(name);
    };
  }

  function tell(name: string): void {
    for (const onNews of followers.get(name) ?? []) onNews();
  }

  async function isWanted(id: string): Promise<boolean> {
    for (const queue of [askedQueue(id), askingQueue(id)]) {
      if ((await table.due(queue, clock.now(), 1)).length > 0) return true;
    }
    return false;
  }

  function start(destinationId: string): void {
    const bell = doorbell(clock);
    const over = runLane({ engine, destinationId, reads, follow, bell, signal: closing.signal })
      .catch((error: unknown) => log.error('channel.failed', { destinationId, ...traceOf(error) }))
      .then(() => {
        running.delete(destinationId);
      });
    running.set(destinationId, { bell, over });
  }

  return {
    look: async () => {
      if (clock.now() - listedAt >= LIST_MS) {
        ids = (await engine.destinations.list()).map(({ id }) => id);
        listedAt = clock.now();
      }
      for (const id of ids) {
        if (!closing.signal.aborted && !running.has(id) && (await isWanted(id)) && !running.has(id)) start(id);
      }
      return running.size;
    },
    hint: (jobs) => {
      for (const { pk } of jobs) tell(pk);
    },
    close: async () => {
      closing.abort(new Error('the relay is ending'));
      unsubscribe?.();
      await Promise.all([...running.values()].map(({ over }) => over));
    },
  };
}
