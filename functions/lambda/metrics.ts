/** `/metrics` of the AWS home: from the table, the fleet's cells and the relay, since no function lives long enough to count. */
import { alertBook } from '#core/watch/alert-book.ts';
import { readMetrics } from '#core/watch/metrics.ts';
import type { Family } from '#core/watch/prometheus.ts';
import type { ConnectionStats } from '#core/wire/notice.ts';
import type { Cloud } from '../deps.ts';
import { OWNER } from '../owner.ts';
import { stockOf } from '../stock.ts';

/** `sockets`: of the relay that answers, which may be one of several. Of one that does not answer it is said that it is down. */
export async function cloudMetrics(
  { engine, fleet }: Pick<Cloud, 'engine' | 'fleet'>,
  sockets: (ownerId: string | undefined) => Promise<ConnectionStats>,
): Promise<readonly Family[]> {
  const { table, clock, destinations } = engine;
  const [stock, relay] = await Promise.all([stockOf(engine), sockets(undefined).catch(() => null)]);
  const own = () => relayFamilies(relay);
  const families = await readMetrics({
    ...{ ownerId: OWNER, table, clock, destinations, book: alertBook(engine), tally: stock.tally, own },
    refusals: async () => (await fleet?.registry.refusals()) ?? [],
    ...(fleet === null ? {} : { agents: fleet.registry.list }),
  });
  await stock.keep();
  return families;
}

function relayFamilies(relay: ConnectionStats | null): readonly Family[] {
  const gauge = (name: string, help: string, value: number): Family => ({
    ...{ name, help, type: 'gauge' },
    samples: [{ value }],
  });
  return [
    gauge('relay_up', 'Whether a relay answered.', relay === null ? 0 : 1),
    ...(relay === null ? [] : [gauge('sockets', 'Sockets that are open, at one relay.', relay.total_connections)]),
  ];
}
