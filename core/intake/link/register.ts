/** Links in cells, one each: everything that counts is in it, so that one compare-and-set decides every race. */
import { Fault } from '#core/fault.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { LinkId } from '#core/wire/ids.ts';
import { Link } from './link.ts';

export interface Register {
  readonly cells: Cells;
  readonly clock: Clock;
}

const PK = 'LINKS';
/** Of all owners of a home together. */
export const LINKS_MAX = 256;
/** Each try lost is somebody else's file announced: a crowd at one link is let through one by one. */
const TRIES = 24;

export async function readLink({ cells }: Pick<Register, 'cells'>, id: LinkId): Promise<Link | null> {
  const cell = await cells.read(keyOf(id));
  return cell === null ? null : Link.parse(cell.value);
}

/** Oldest first, of all owners. */
export async function allLinks({ cells }: Pick<Register, 'cells'>): Promise<readonly Link[]> {
  // More than there may be: two that came at once may both have found room.
  const found = await cells.list(PK, { limit: 2 * LINKS_MAX });
  return found.map(({ value }) => Link.parse(value));
}

/** Fault `rejected` `links.too_many`. */
export async function addLink({ cells }: Register, link: Link): Promise<void> {
  if ((await cells.list(PK, { limit: LINKS_MAX })).length >= LINKS_MAX) {
    throw new Fault('rejected', 'links.too_many', `there are ${LINKS_MAX} links: remove some that are over`);
  }
  await cells.swap(keyOf(link.id), 0, link);
}

/**
 * What is kept then. `next` is asked anew after each lost race, reads of its own come after the cell's, and it answers the same
 * link when there is nothing to write. A swap that threw may have been made: whoever counts must see that in what is kept.
 * Faults `rejected` `link.unknown`, `throttled` `link.contended`, and what `next` throws.
 */
export async function changeLink(
  { cells, clock }: Register,
  id: LinkId,
  next: (link: Link) => Link | Promise<Link>,
): Promise<Link> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const cell = await cells.read(keyOf(id));
    if (cell === null) throw unknownLink();
    const kept = Link.parse(cell.value);
    const wanted = await next(kept);
    if (wanted === kept) return kept;
    if (await cells.swap(cell, cell.v, wanted)) return wanted;
    await clock.sleep(Math.floor(clock.random() * 10 * tries));
  }
  throw new Fault('throttled', 'link.contended', 'many hand in files at once: try again', { retryAfterMs: 1_000 });
}

/** Absent is fine. */
export async function dropLink({ cells }: Register, id: LinkId): Promise<void> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const cell = await cells.read(keyOf(id));
    if (cell === null || (await cells.drop(cell, cell.v))) return;
  }
  throw new Fault('throttled', 'link.contended', 'this link is being used: try again', { retryAfterMs: 1_000 });
}

export function unknownLink(): Fault {
  return new Fault('rejected', 'link.unknown', 'there is no such link');
}

function keyOf(id: LinkId) {
  return { pk: PK, sk: id };
}
