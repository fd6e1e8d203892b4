/**
 * Whether the parts that lie in the store are the file that the client has.
 *
 * A guest never tells its part size nor, mostly, its file's size, and after an interruption it skips whatever part numbers we list.
 * If it cuts the file otherwise than before, the pieces it adds do not fit those that are there. So parts are believed only where
 * their size proves how they were cut. One fact carries everything: *a part that is not the last of its client's file is exactly as
 * long as that client's parts*. A last part is shorter, or by chance as long as anything: it proves nothing about the rest.
 *
 * `docs/decisions/0012` has the argument and its limits; the tests try it on thousands of made-up histories.
 */
import * as z from 'zod';
import type { StoredPart } from '#core/ports/multipart.ts';

/** Inclusive, ascending, apart. */
const Ranges = z.array(z.tuple([z.int(), z.int()])).max(64);

export const Trust = z.object({
  /** Size of every part but the last, once two parts have shown it. */
  partBytes: z.int().nullable(),
  /** What was there at the last listing: believed, but for those in doubt. */
  seen: Ranges,
  /** Numbers whose content could be some other cut's last part. They count once the client has sent them itself. */
  doubted: z.array(z.int()),
  /** Not listed the last time although they were there; sent again, they must be the same bytes. */
  held: z.array(z.object({ number: z.int(), tag: z.string() })).max(2),
  listings: z.int(),
  /** The next listing leaves out what the client must send again to prove its cut. */
  withhold: z.boolean(),
});
export type Trust = z.infer<typeof Trust>;

export const NO_TRUST: Trust = {
  partBytes: null,
  seen: [],
  doubted: [],
  held: [],
  listings: 0,
  withhold: false,
};

/** What a client says of a part at the end: its tag as the store answered the PUT, or as we listed it. */
export interface NamedPart {
  readonly number: number;
  readonly tag: string;
}

export type Listing =
  | { readonly kind: 'listed'; readonly trust: Trust; readonly parts: readonly StoredPart[] }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

export type Verdict =
  | { readonly kind: 'whole'; readonly sizeBytes: number }
  /** It may well be right, but nothing shows it: the client is to resume once more and send a little again. */
  | { readonly kind: 'unproven' }
  /** The list does not name what is there. */
  | { readonly kind: 'unlike' }
  | { readonly kind: 'refused'; readonly code: RefusalCode };

/** For good: the session can only be given up. */
export type RefusalCode = 'guest.part_size_changed' | 'guest.file_changed' | 'guest.size_mismatch' | 'guest.too_torn';

const LISTED = ';listed';
/** Beyond this a file begins anew sooner than it is proved. */
const DOUBTED_MAX = 256;
const RANGES_MAX = 64;

/** The tag under which a part is listed: what the client repeats at the end tells what it skipped from what it sent. */
export function listedTag(tag: string): string {
  return `${tag}${LISTED}`;
}

/** A client asks what is there, to go on: `stored` is all of it, ascending. */
export function listing(trust: Trust, stored: readonly StoredPart[]): Listing {
  const partBytes = trust.partBytes ?? (stored.length >= 2 ? (stored[0]?.sizeBytes ?? null) : null);
  if (partBytes !== null && !isCut(stored, partBytes)) return { kind: 'refused', code: 'guest.part_size_changed' };

  const fresh = stored.filter(({ number }) => !within(trust.seen, number));
  // Of two parts of one client the lower is not its last, so that its size is the client's part size.
  const alone = fresh.length === 1 ? fresh.map(({ number }) => number) : [];
  const doubted = new Set([...trust.doubted, ...alone]);
  const next: Trust = {
    partBytes,
    seen: rangesOf(stored.map(({ number }) => number)),
    doubted: [...doubted],
    held: [],
    listings: trust.listings + 1,
    withhold: false,
  };
  if (!trust.withhold) return boundedListing(next, stored);

  const offered = stored.filter(({ number }) => !doubted.has(number));
  const held = offered.slice(-2);
  const doubtedNow = [...doubted, ...held.map(({ number }) => number)];
  return boundedListing(
    { ...next, doubted: doubtedNow, held: held.map(({ number, tag }) => ({ number, tag })) },
    offered.slice(0, -2),
  );
}

function boundedListing(trust: Trust, parts: readonly StoredPart[]): Listing {
  if (trust.doubted.length > DOUBTED_MAX) return { kind: 'refused', code: 'guest.too_torn' };
  return { kind: 'listed', trust, parts };
}

/**
 * A client says that these parts are its file. `declaredBytes` is the file's size if it told us; `sameTag` whether equal bytes have
 * equal tags. `named` and `stored` are ascending.
 */
export function judge(
  trust: Trust,
  facts: { readonly declaredBytes: number | null; readonly sameTag: boolean },
  named: readonly NamedPart[],
  stored: readonly StoredPart[],
): Verdict {
  const count = named.length;
  if (stored.length > count) return { kind: 'refused', code: 'guest.part_size_changed' };
  const isUnlike = named.some(({ number, tag }, index) => {
    const part = stored[index];
    return part?.number !== index + 1 || number !== index + 1 || (tag !== part.tag && tag !== listedTag(part.tag));
  });
  if (count === 0 || isUnlike) return { kind: 'unlike' };

  const sizeBytes = stored.reduce((sum, part) => sum + part.sizeBytes, 0);
  const cutBytes = stored[0]?.sizeBytes ?? 0;
  if (!isCut(stored, count > 1 ? (trust.partBytes ?? cutBytes) : sizeBytes)) {
    return { kind: 'refused', code: 'guest.part_size_changed' };
  }
  if (facts.declaredBytes !== null && facts.declaredBytes !== sizeBytes) {
    return { kind: 'refused', code: 'guest.size_mismatch' };
  }
  const isOwn = (number: number) => named[number - 1]?.tag === stored[number - 1]?.tag;
  const skipped = named.filter(({ number }) => !isOwn(number));
  if (skipped.length === 0) return { kind: 'whole', sizeBytes };

  const isOther = trust.held.some(({ number, tag }) => isOwn(number) && stored[number - 1]?.tag !== tag);
  if (facts.sameTag && isOther) return { kind: 'refused', code: 'guest.file_changed' };
  return isProven(trust, facts.declaredBytes !== null, isOwn, { count, sizeBytes, cutBytes })
    ? { kind: 'whole', sizeBytes }
    : { kind: 'unproven' };
}

function isProven(
  trust: Trust,
  isDeclared: boolean,
  isOwn: (number: number) => boolean,
  file: { readonly count: number; readonly sizeBytes: number; readonly cutBytes: number },
): boolean {
  const { count, sizeBytes, cutBytes } = file;
  const isTrusted = (number: number) => within(trust.seen, number) && !trust.doubted.includes(number);
  // A first part begins where every cut begins.
  if (count === 1) return isDeclared;
  const numbers = Array.from({ length: count - 1 }, (_, index) => index + 1);
  const isCutKnown = isDeclared || numbers.some(isOwn);
  const isEndKnown = isOwn(count) || isTrusted(count);
  // A part of this size could also be the last of a file cut into parts of (sizeBytes - cutBytes) / (number - 1).
  const isInPlace = (number: number) =>
    number === 1 || isOwn(number) || isTrusted(number) || (sizeBytes - cutBytes) % (number - 1) !== 0;
  return isCutKnown && isEndKnown && numbers.every(isInPlace);
}

/** A part that can be no part of this upload any more: the client cuts otherwise. `before` are parts below one it is sending. */
export function isTorn(trust: Trust, before: readonly StoredPart[]): boolean {
  return trust.partBytes !== null && before.some(({ sizeBytes }) => sizeBytes !== trust.partBytes);
}

/** All parts of one size but the last, which may be shorter. */
function isCut(parts: readonly StoredPart[], partBytes: number): boolean {
  return parts.every(({ sizeBytes }, index) =>
    index < parts.length - 1 ? sizeBytes === partBytes : sizeBytes <= partBytes,
  );
}

function within(ranges: Trust['seen'], number: number): boolean {
  return ranges.some(([from, to]) => number >= from && number <= to);
}

/** Those beyond the bound are forgotten, and so in doubt. */
function rangesOf(numbers: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.slice(0, RANGES_MAX);
}
