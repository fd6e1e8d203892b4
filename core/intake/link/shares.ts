/** Shares of a link's limits: taken when a file is announced, given back when it never becomes whole. Pure. */
import { Fault } from '#core/fault.ts';
import type { UploadId } from '#core/wire/ids.ts';
import { LINK_OPEN_MAX } from '#core/wire/link.ts';
import { bytesLeft, filesLeft, type Link, stateOf } from './link.ts';

export interface Share {
  readonly uploadId: UploadId;
  readonly sizeBytes: number;
}

/** `kept`: the file is whole, and counts for good. `back`: nothing of it will ever arrive. */
export type Verdict = 'kept' | 'back';

/** Of a link without a limit: beyond it sums are not exact, and cells with them are not read. */
const BYTES_COUNTED_MAX = Number.MAX_SAFE_INTEGER;

/**
 * The link with this share taken; as it is when it was taken before. Faults `rejected`: `link.revoked`, `link.expired`, `link.full`,
 * `upload.idempotency_conflict` when it was taken for another size; `throttled` `link.busy`.
 */
export function taken(link: Link, { uploadId, sizeBytes }: Share, now: number): Link {
  const had = link.open.find(([id]) => id === uploadId);
  // Two requests of one key at once: the smaller one must not pay for the larger.
  if (had !== undefined && had[1] !== sizeBytes) throw otherFile();
  if (had !== undefined) return link;
  const state = stateOf(link, now);
  if (state === 'revoked') throw revoked();
  if (state === 'expired') throw expired();
  const isRoom = filesLeft(link) !== 0 && sizeBytes <= (bytesLeft(link) ?? BYTES_COUNTED_MAX - link.bytesUsed);
  if (!isRoom) throw new Fault('rejected', 'link.full', 'this link is full, or has not that much room left');
  if (link.open.length >= LINK_OPEN_MAX) {
    const message = `${LINK_OPEN_MAX} files are on their way by this link: try again when some are there`;
    throw new Fault('throttled', 'link.busy', message, { retryAfterMs: 10_000 });
  }
  return {
    ...link,
    lastUsedAt: now,
    filesUsed: link.filesUsed + 1,
    bytesUsed: link.bytesUsed + sizeBytes,
    open: [...link.open, [uploadId, sizeBytes, now]],
  };
}

/** The link with these shares settled; those that are settled already count once. As it is when there is nothing to settle. */
export function settled(link: Link, verdicts: ReadonlyMap<UploadId, Verdict>): Link {
  const given = link.open.filter(([id]) => verdicts.get(id) === 'back');
  const open = link.open.filter(([id]) => !verdicts.has(id));
  if (open.length === link.open.length) return link;
  return {
    ...link,
    open,
    filesUsed: link.filesUsed - given.length,
    bytesUsed: link.bytesUsed - given.reduce((sum, [, sizeBytes]) => sum + sizeBytes, 0),
  };
}

export function otherFile(): Fault {
  return new Fault('rejected', 'upload.idempotency_conflict', 'this idempotency key belongs to another file');
}

export function expired(): Fault {
  return new Fault('rejected', 'link.expired', 'this link has expired');
}

/** Said alike of a secret that never was: who guesses learns nothing. */
export function revoked(): Fault {
  return new Fault('rejected', 'link.revoked', 'this link is not known, or was taken back');
}
