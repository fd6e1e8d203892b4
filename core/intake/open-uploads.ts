/** How many transfers an owner may have open: each is rows for weeks, also if no byte ever comes. */
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { WorkTable } from '#core/ports/work-table.ts';

/** Numbers and nothing of any call: what a process may remember from one to the next. */
export type OpenTallies = Map<string, Tally>;

interface Tally {
  /** When they were counted, and let in here since. */
  open: number;
  readonly atMs: number;
}

interface Bound {
  readonly table: Pick<WorkTable, 'active'>;
  readonly clock: Clock;
  /** Of one owner. */
  readonly max: number;
  /** Absent: its own. */
  readonly tallies?: OpenTallies;
}

/** How old a count may be: while at most half of what may be is open, and beyond. */
const FAR_MS = 60_000;
const NEAR_MS = 5_000;
/** Who is refused is counted again, but not for each that knocks. */
const FULL_MS = 1_000;
const RETRY_AFTER_MS = 60_000;
const OWNERS_MAX = 1000;
/** Of what may be open; the rest is for the owner. */
const GUESTS_SHARE = 0.8;

/**
 * Lets so many transfers in, or throws Fault `throttled` `uploads.too_many`. The table is asked once a minute, and more often only near
 * the bound; what other processes let in since is not seen, so that a few more may come in, and never many times as many.
 */
export function openBound({ table, clock, max, tallies = new Map() }: Bound) {
  async function counted(ownerId: string): Promise<Tally> {
    const tally = { open: await table.active(ownerId, max), atMs: clock.now() };
    tallies.delete(ownerId);
    tallies.set(ownerId, tally);
    const oldest = tallies.keys().next();
    if (tallies.size > OWNERS_MAX && !oldest.done) tallies.delete(oldest.value);
    return tally;
  }

  return async (ownerId: string, transfers: number, who: 'owner' | 'guest'): Promise<void> => {
    const known = tallies.get(ownerId);
    const isOld = known === undefined || clock.now() - known.atMs >= keepMs(known.open + transfers, max);
    const tally = isOld ? await counted(ownerId) : known;
    const most = who === 'owner' ? max : Math.floor(max * GUESTS_SHARE);
    if (tally.open + transfers > most) throw tooMany(most);
    tally.open += transfers;
  };
}

function keepMs(open: number, max: number): number {
  if (open > max) return FULL_MS;
  return open > max / 2 ? NEAR_MS : FAR_MS;
}

function tooMany(max: number): Fault {
  const message = `${max} transfers are open: others have their turn when some of them have ended`;
  return new Fault('throttled', 'uploads.too_many', message, { retryAfterMs: RETRY_AFTER_MS });
}
