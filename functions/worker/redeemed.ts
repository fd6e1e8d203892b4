/** Tickets that were used, remembered by the object that takes them, also over its restarts. */
import type { DurableObjectContext } from 'cloudflare:workers';
import type { Clock } from '#core/ports/clock.ts';
import type { Once } from '../../relay/once.ts';

export function redeemedTickets({ storage: { sql } }: DurableObjectContext, clock: Pick<Clock, 'now'>): Once {
  sql.exec('CREATE TABLE IF NOT EXISTS redeemed (id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID');
  return async (id, untilMs) => {
    sql.exec('DELETE FROM redeemed WHERE until_ms <= ?', clock.now());
    const first = sql.exec('INSERT INTO redeemed VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id', id, untilMs);
    return first.toArray().length > 0;
  };
}
