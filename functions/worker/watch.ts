/** What the Cloudflare home measures of itself, and when it calls a person. No call lives long enough to count: the table is asked. */
import { hubStats } from '#adapters/durable/progress.ts';
import { speedLimits } from '#core/limits/speeds.ts';
import { alertBook } from '#core/watch/alert-book.ts';
import { readMetrics } from '#core/watch/metrics.ts';
import type { Family } from '#core/watch/prometheus.ts';
import { alertWatch } from '#core/watch/watch.ts';
import { OWNER } from '../owner.ts';
import { stockOf } from '../stock.ts';
import type { WorkerHome } from './deps.ts';

type Watched = Pick<WorkerHome, 'engine' | 'refusals'>;

/** To be called each five minutes. Agents are never offline, since there are none. */
export function watchRound(home: Watched): () => Promise<void> {
  const { progress, log } = home.engine;
  return async () => {
    const stock = await stockOf(home.engine);
    const { tally, spells } = stock;
    await alertWatch({ ...watchedIn(home), tally, spells, progress, log })();
    await stock.keep();
  };
}

/** Throws Fault `transient` `stats.no_answer`. */
export async function workerMetrics(home: Watched & Pick<WorkerHome, 'hub'>): Promise<readonly Family[]> {
  const { destinations } = home.engine;
  const stock = await stockOf(home.engine);
  const sockets = await hubStats(home.hub)(undefined);
  const own = (): readonly Family[] => [
    {
      ...{ name: 'sockets', help: 'Sockets that are open.', type: 'gauge' },
      samples: [{ value: sockets.total_connections }],
    },
  ];
  const families = await readMetrics({ ...watchedIn(home), tally: stock.tally, destinations, own });
  await stock.keep();
  return families;
}

function watchedIn({ engine, refusals }: Watched) {
  const { table, clock, destinations } = engine;
  const limits = () => speedLimits(destinations);
  return { ownerId: OWNER, table, clock, book: alertBook(engine), refusals: refusals.list, speedLimits: limits };
}
