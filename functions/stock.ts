/** What a home without a long-lived process knows of its transfers: the table is asked. */
import { stagedRanges } from '#core/intake/staged-ranges.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { type Stock, takeStock } from '#core/watch/stock.ts';
import { OWNER } from './owner.ts';

export function stockOf({ table, cells, clock, source }: Engine): Promise<Stock> {
  const stagedBytes = async (file: Parameters<typeof stagedRanges>[1]) =>
    (await stagedRanges(source, file)).stagedBytes;
  return takeStock({ ownerId: OWNER, table, cells, clock, stagedBytes });
}
