/** What destinations are kept to. */
import type { Destinations } from '#core/ports/destinations.ts';

/** Bytes a second by destination, of those that are limited. */
export async function speedLimits(destinations: Pick<Destinations, 'list'>): Promise<ReadonlyMap<string, number>> {
  const all = await destinations.list();
  return new Map(all.flatMap(({ id, limits: { bytesPerSecond } }) => (bytesPerSecond ? [[id, bytesPerSecond]] : [])));
}
