/** What the one-machine home measures of itself, and when it calls a person. */
import type { AgentRegistry } from '#core/fleet/registry.ts';
import { speedLimits } from '#core/limits/speeds.ts';
import type { ProgressFeed } from '#core/ports/progress.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { alertBook } from '#core/watch/alert-book.ts';
import type { HomeRefusals } from '#core/watch/home-refusals.ts';
import { readMetrics } from '#core/watch/metrics.ts';
import { type Family, samplesOf } from '#core/watch/prometheus.ts';
import { tallyOf } from '#core/watch/tally.ts';
import { alertWatch } from '#core/watch/watch.ts';
import type { Sockets } from '../relay/sockets.ts';
import type { Queues } from './queues.ts';

export interface WatchParts {
  readonly engine: Engine;
  readonly feed: ProgressFeed;
  readonly ownerId: string;
  /** Absent: the home has no agents. */
  readonly registry: Pick<AgentRegistry, 'list' | 'refusals' | 'sentBytes'> | undefined;
  readonly refusals: Pick<HomeRefusals, 'list'>;
  readonly queues: Pick<Queues, 'stats'>;
}

export function homeWatch({ engine, feed, ownerId, registry, refusals, queues }: WatchParts) {
  const { table, cells, destinations, progress, clock, log } = engine;
  const book = alertBook({ cells, clock });
  const tally = tallyOf(feed, clock);
  const shared = {
    ownerId,
    table,
    book,
    tally,
    clock,
    speedLimits: () => speedLimits(destinations),
    refusals: async () => [...(await refusals.list()), ...((await registry?.refusals()) ?? [])],
    ...(registry === undefined ? {} : { agents: registry.list, sentBytes: registry.sentBytes }),
  };
  return {
    /** To be called each minute. */
    look: alertWatch({ ...shared, progress, log }),
    readMetrics: (sockets: Pick<Sockets, 'stats'>) =>
      readMetrics({ ...shared, destinations, own: () => ownFamilies(sockets.stats(), queues.stats()) }),
  };
}

function ownFamilies(sockets: ReturnType<Sockets['stats']>, lanes: ReturnType<Queues['stats']>): readonly Family[] {
  const { user, system } = process.cpuUsage();
  const counts = Object.entries(lanes);
  const of = (name: 'waiting' | 'running' | 'failed' | 'dropped' | 'deadLettered') =>
    samplesOf(
      'queue',
      counts.map(([queue, stats]) => [queue, stats[name]] as const),
    );
  const one = (name: string, help: string, type: Family['type'], value: number): Family => ({
    name,
    help,
    type,
    samples: [{ value }],
  });
  return [
    { name: 'messages_waiting', help: 'Messages that wait, by queue.', type: 'gauge', samples: of('waiting') },
    { name: 'messages_running', help: 'Functions that run, by queue.', type: 'gauge', samples: of('running') },
    { name: 'messages_failed_total', help: 'Deliveries that failed.', type: 'counter', samples: of('failed') },
    { name: 'messages_dropped_total', help: 'Messages without room.', type: 'counter', samples: of('dropped') },
    { name: 'messages_set_aside_total', help: 'Given up.', type: 'counter', samples: of('deadLettered') },
    one('sockets', 'Sockets that are open.', 'gauge', sockets.connections),
    one('socket_buffered_bytes', 'Bytes that wait for slow sockets.', 'gauge', sockets.bufferedBytes),
    one('sockets_refused_total', 'Sockets that were refused.', 'counter', sockets.refused),
    one('process_resident_memory_bytes', 'Resident memory.', 'gauge', process.memoryUsage.rss()),
    one('process_cpu_seconds_total', 'Processor time.', 'counter', (user + system) / 1_000_000),
    one('process_start_time_seconds', 'Since 1970.', 'gauge', Math.round(Date.now() / 1000 - process.uptime())),
  ];
}
