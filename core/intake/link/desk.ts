/** What an owner does with links. Addresses are told once: when a link is made, and when it gets a new one. */
import { ulid } from 'ulid';
import type { z } from 'zod';
import { Fault } from '#core/fault.ts';
import { LinkId } from '#core/wire/ids.ts';
import { type CreateLink, LINK_DAYS_DEFAULT, LINK_DAYS_MAX, type UpdateLink } from '#core/wire/link.ts';
import { epochMs } from '#core/wire/time.ts';
import type { Link } from './link.ts';
import { type Door, recount } from './recount.ts';
import { addLink, allLinks, changeLink, dropLink, readLink, unknownLink } from './register.ts';
import { hashOf, secretOf } from './secret.ts';

export interface Opened {
  readonly link: Link;
  /** Kept nowhere. */
  readonly secret: string;
}

const DAY_MS = 24 * 60 * 60_000;
/** With room left in a cell for the shares that are open. */
const SETTINGS_BYTES_MAX = 16 * 1024;
/** Open shares that a list judges, and how long it believes a count. */
const LIST_LOOKS_MAX = 64;
const COUNTED_FOR_MS = 5_000;

/** `random`: `SECRET_BYTES` bytes. Faults `rejected`: `destination.unknown`, `request.invalid`, `links.too_many`. */
export async function openLink(
  door: Door,
  ownerId: string,
  wanted: z.output<typeof CreateLink>,
  random: Uint8Array,
): Promise<Opened> {
  const now = door.clock.now();
  const id = LinkId.parse(`lnk_${ulid(now, () => door.clock.random())}`);
  const secret = secretOf(id, random);
  const { expiresAt, ...settings } = wanted;
  const link: Link = {
    v: 1,
    id,
    ownerId,
    ...settings,
    createdAt: now,
    expiresAt: expiresAt === undefined ? now + LINK_DAYS_DEFAULT * DAY_MS : expiryOf(expiresAt, now),
    revokedAt: null,
    lastUsedAt: null,
    secretHash: hashOf(secret),
    filesUsed: 0,
    bytesUsed: 0,
    open: [],
    countedAt: now,
  };
  checkSize(link);
  await checkPlaces(door, link);
  await addLink(door, link);
  door.intake.log.info('link.made', { linkId: id });
  return { link, secret };
}

/** Newest first. The newest of those with open shares are counted anew, as far as one look may go. */
export async function listLinks(door: Door, ownerId: string): Promise<readonly Link[]> {
  const links = (await allLinks(door)).filter((link) => link.ownerId === ownerId).reverse();
  const now = door.clock.now();
  let looks = LIST_LOOKS_MAX;
  const counted: Link[] = [];
  for (const link of links) {
    const isDue = link.open.length > 0 && now >= link.countedAt + COUNTED_FOR_MS;
    if (isDue) looks -= link.open.length;
    // One that was removed meanwhile, or is busy, is told as it was.
    counted.push(isDue && looks >= 0 ? await recount(door, link.id).catch(asItWas(link)) : link);
  }
  return counted;
}

/** Counted anew. Fault `rejected` `link.unknown`, also for somebody else's. */
export async function lookAtLink(door: Door, ownerId: string, id: LinkId): Promise<Link> {
  await owned(door, ownerId, id);
  return recount(door, id);
}

/** What is absent in `change` stays. Faults as those of `openLink`, and `link.unknown`. */
export async function updateLink(
  door: Door,
  ownerId: string,
  id: LinkId,
  change: z.output<typeof UpdateLink>,
): Promise<Link> {
  await owned(door, ownerId, id);
  const { expiresAt, ...settings } = change;
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  // A link whose destination is gone can still be renamed or prolonged.
  if (change.destinations !== undefined) await checkPlaces(door, { destinations: change.destinations });
  return changeLink(door, id, (link) => {
    const expiry = expiresAt === undefined ? {} : { expiresAt: expiryOf(expiresAt, door.clock.now()) };
    const next: Link = { ...link, ...given, ...expiry };
    checkSize(next);
    return next;
  });
}

/** The old address is nobody's from then on. A link that was revoked is open again. */
export async function rotateLink(door: Door, ownerId: string, id: LinkId, random: Uint8Array): Promise<Opened> {
  await owned(door, ownerId, id);
  const secret = secretOf(id, random);
  const link = await changeLink(door, id, (now) => ({ ...now, secretHash: hashOf(secret), revokedAt: null }));
  door.intake.log.info('link.rotated', { linkId: id });
  return { link, secret };
}

/** Nothing is announced or signed by it any more. What is whole is delivered. */
export async function revokeLink(door: Door, ownerId: string, id: LinkId): Promise<Link> {
  await owned(door, ownerId, id);
  const link = await changeLink(door, id, (now) =>
    now.revokedAt === null ? { ...now, revokedAt: door.clock.now() } : now,
  );
  door.intake.log.info('link.revoked', { linkId: id });
  return link;
}

/** Revoked and forgotten, with its counts. */
export async function removeLink(door: Door, ownerId: string, id: LinkId): Promise<Link> {
  const link = await revokeLink(door, ownerId, id);
  await dropLink(door, id);
  return link;
}

function asItWas(link: Link): (error: unknown) => Link {
  return (error) => {
    if (error instanceof Fault) return link;
    throw error;
  };
}

async function owned(door: Door, ownerId: string, id: LinkId): Promise<Link> {
  const link = await readLink(door, id);
  if (link === null || link.ownerId !== ownerId) throw unknownLink();
  return link;
}

async function checkPlaces({ intake }: Door, { destinations }: Pick<Link, 'destinations'>): Promise<void> {
  for (const { id } of destinations) {
    if ((await intake.destinations.get(id)) === null) {
      throw new Fault('rejected', 'destination.unknown', `there is no destination "${id}"`);
    }
  }
  if (new Set(destinations.map(({ id, path }) => `${id} ${path}`)).size !== destinations.length) {
    throw new Fault('rejected', 'upload.destination_twice', 'the same folder of a destination is named twice');
  }
}

function checkSize({ name, note, destinations, suffixes }: Link): void {
  const text = JSON.stringify([name, note, destinations, suffixes]);
  if (new TextEncoder().encode(text).length > SETTINGS_BYTES_MAX) {
    throw new Fault('rejected', 'request.invalid', 'destinations: their paths are too long together');
  }
}

function expiryOf(isoText: string, now: number): number {
  const at = epochMs(isoText);
  if (at > now && at <= now + LINK_DAYS_MAX * DAY_MS) return at;
  throw new Fault('rejected', 'request.invalid', `expiresAt: not within ${LINK_DAYS_MAX} days from now`);
}
