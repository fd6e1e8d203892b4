/** A link as its cell keeps it: what its owner set, the hash of its secret, and what counts against its limits. */
import * as z from 'zod';
import { LinkId, UploadId } from '#core/wire/ids.ts';
import { type DropView, type LinkState, type LinkView, PerSender } from '#core/wire/link.ts';
import { isoTime } from '#core/wire/time.ts';

/** A share of the limits whose file is not whole yet: the upload, its size, and when it was announced. */
const OpenShare = z.tuple([UploadId, z.int().min(0), z.int()]);

export const Link = z.object({
  v: z.literal(1),
  id: LinkId,
  ownerId: z.string(),
  name: z.string(),
  note: z.string(),
  destinations: z.array(z.object({ id: z.string(), path: z.string() })),
  perSender: PerSender,
  filesMax: z.int().nullable(),
  bytesMax: z.int().nullable(),
  fileBytesMax: z.int().nullable(),
  suffixes: z.array(z.string()).nullable(),
  createdAt: z.int(),
  expiresAt: z.int(),
  revokedAt: z.int().nullable(),
  lastUsedAt: z.int().nullable(),
  secretHash: z.string(),
  /** Of all shares, the open ones among them. */
  filesUsed: z.int().min(0),
  bytesUsed: z.int().min(0),
  open: z.array(OpenShare),
  /** When the open shares were last looked through. */
  countedAt: z.int(),
});
export type Link = z.infer<typeof Link>;

export function stateOf(link: Link, now: number): LinkState {
  if (link.revokedAt !== null) return 'revoked';
  if (now >= link.expiresAt) return 'expired';
  return filesLeft(link) === 0 || bytesLeft(link) === 0 ? 'full' : 'active';
}

/** Null: there is no limit. */
export function filesLeft({ filesMax, filesUsed }: Link): number | null {
  return filesMax === null ? null : Math.max(0, filesMax - filesUsed);
}

export function bytesLeft({ bytesMax, bytesUsed }: Link): number | null {
  return bytesMax === null ? null : Math.max(0, bytesMax - bytesUsed);
}

export function linkView(link: Link, now: number): LinkView {
  const { id, name, note, destinations, filesMax, bytesMax, fileBytesMax, suffixes, perSender } = link;
  return {
    id,
    name,
    note,
    destinations,
    state: stateOf(link, now),
    filesMax,
    bytesMax,
    fileBytesMax,
    suffixes,
    perSender,
    filesUsed: link.filesUsed,
    bytesUsed: link.bytesUsed,
    filesOpen: link.open.length,
    createdAt: isoTime(link.createdAt),
    expiresAt: isoTime(link.expiresAt),
    lastUsedAt: link.lastUsedAt === null ? null : isoTime(link.lastUsedAt),
    revokedAt: link.revokedAt === null ? null : isoTime(link.revokedAt),
  };
}

/** For whoever has the link: nothing of where files go, and of others no more than what they leave room for. */
export function dropView(link: Link, now: number): DropView {
  const { name, note, filesMax, bytesMax, fileBytesMax, suffixes, perSender } = link;
  const state = stateOf(link, now);
  return {
    name,
    note,
    // Nobody gets here with the secret of a revoked link.
    state: state === 'revoked' ? 'expired' : state,
    expiresAt: isoTime(link.expiresAt),
    filesMax,
    bytesMax,
    fileBytesMax,
    suffixes,
    filesLeft: filesLeft(link),
    bytesLeft: bytesLeft(link),
    senderName: perSender === 'folder' ? 'required' : 'optional',
  };
}
