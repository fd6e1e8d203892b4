/** A file goes into the video that its folder is: the first one makes it, the others are added to it, each once and one at a time. */
import { type ArchiveView, viewArchive } from '#clients/bilibili/archives.ts';
import { addPart, PARTS_OF_ARCHIVE_MAX } from '#clients/bilibili/edit.ts';
import type { Archive, NewPart } from '#clients/bilibili/submit.ts';
import { Fault } from '#core/fault.ts';
import type { Item } from '#core/ports/provider.ts';
import type { Joined, JoinOutcome } from './joins.ts';
import { asking, type Link } from './link.ts';
import { findArchive } from './look.ts';
import { joinKeyOf } from './video.ts';

export interface Joining {
  readonly item: Item;
  /** Of the folder. */
  readonly key: string;
  readonly part: NewPart;
  /** Makes the archive, with this file as its first part. */
  readonly asNew: () => Promise<Archive>;
  /** Makes a request that must not be made twice. */
  readonly once: (request: () => Promise<Archive>) => Promise<Archive>;
}

/** How long a submission without an answer is left alone: what Bilibili shows may lag. */
export const QUIET_MS = 2 * 60_000;

/** A part that was added may not be shown for this long. */
const LAG_MS = 30 * 60_000;
const LAG_AGAIN_MS = 5 * 60_000;
/** The state of an archive that has passed its review. */
const OPEN = 0;

/**
 * Where there is no room in the archive, and where it is there no more, a person has to see to it: Faults `rejected`
 * `bilibili.archive_full`, `bilibili.archive_gone`. Throws Fault `throttled` `bilibili.joining` while it is another file's turn.
 */
export async function joinOnce(to: Link, file: Joining, signal: AbortSignal): Promise<Archive> {
  const { key, part } = file;
  const seen = await to.joins.take(key, part.fileName);
  let outcome: JoinOutcome = { kind: 'nothing' };
  try {
    const { archive, count } = await join(to, file, seen, signal);
    outcome = { kind: 'made', archive, count };
    return archive;
  } catch (error) {
    // Whoever is stopped may have sent something.
    if (signal.aborted || (await mayArrive(to, part.fileName))) outcome = { kind: 'unclear', quietMs: QUIET_MS };
    throw error;
  } finally {
    // A turn that is not given back runs out.
    await to.joins.give(key, part.fileName, outcome).catch(() => undefined);
  }
}

/** Where the file belongs to others, they are to know that it is in. Throws Fault `throttled` `bilibili.joining` as `found` does. */
export async function foundJoined(
  { joins, settings }: Link,
  item: Item,
  fileName: string,
  archive: Archive,
): Promise<void> {
  const key = joinKeyOf(item, settings);
  if (key !== null) await joins.found(key, fileName, archive);
}

export function unclear(cause?: Fault): Fault {
  const text = 'nobody knows yet whether Bilibili took the submission: it is looked for before it is sent again';
  return new Fault('transient', 'bilibili.submit_unclear', text, { cause, retryAfterMs: QUIET_MS });
}

/** What is known of an archive that others have made, and since when. */
interface Stands {
  readonly archive: Archive;
  readonly atMs: number;
}

interface Made {
  readonly archive: Archive;
  readonly count: number;
}

async function join(to: Link, file: Joining, seen: Joined, signal: AbortSignal): Promise<Made> {
  const { key, part, asNew, once } = file;
  const standing = standsIn(seen) ?? (await madeByAnother(to, file, seen, signal));
  const archive = standing?.archive ?? null;
  const view = standing === null ? null : await viewed(to, file, { ...standing, seen }, signal);
  const before = view?.videos.length ?? 0;
  if (archive !== null && view !== null && has(view, part.fileName)) return { archive, count: before };
  if (before >= PARTS_OF_ARCHIVE_MAX) throw full();
  const made = await once(async () => {
    await to.joins.take(key, part.fileName, seen);
    if (archive === null || view === null) return asNew();
    await addPart(to.account, { ...part, archive, view, nowMs: to.clock.now() }, signal);
    // Of accounts that may not have several parts it was seen that one is taken and the others are dropped without a word.
    const after = await viewArchive(to.account, archive, signal).catch(() => null);
    signal.throwIfAborted();
    if (after === null || !has(after, part.fileName)) throw lagging();
    return archive;
  });
  return { archive: made, count: before + 1 };
}

/** The archive of whoever had the first turn before, and has not told of it. Its turn lasted until it was quiet. */
async function madeByAnother(
  to: Link,
  { item, part }: Joining,
  { firsts }: Joined,
  signal: AbortSignal,
): Promise<Stands | null> {
  const fileNames: string[] = [];
  for (const fileName of firsts.filter((one) => one !== part.fileName)) {
    const standing = await to.ledger.standing(fileName);
    if (standing?.kind === 'done' && standing.archive !== null) {
      return { archive: standing.archive, atMs: standing.atMs ?? 0 };
    }
    if (standing?.kind === 'begun') fileNames.push(fileName);
  }
  if (fileNames.length === 0) return null;
  const archive = await findArchive(to, { item, fileNames, isBegun: true }, signal);
  return archive && { archive, atMs: to.clock.now() };
}

function standsIn({ archive, lastAtMs: atMs }: Joined): Stands | null {
  return archive && { archive, atMs };
}

/** The archive as it is now: what is not said again in an edit is lost. */
async function viewed(
  to: Link,
  { item, key }: Joining,
  { archive, atMs, seen }: Stands & { readonly seen: Joined },
  signal: AbortSignal,
): Promise<ArchiveView> {
  const at = { stage: 'submit', transferId: item.transferId } as const;
  const view = await asking(to, at, { signal, work: () => viewArchive(to.account, archive, signal) });
  const isRecent = to.clock.now() < atMs + LAG_MS;
  if (view === null && !isRecent) {
    await to.joins.forget(key);
    const text = 'the video that the files of this folder go into is not there any more: a retry makes another one';
    throw new Fault('rejected', 'bilibili.archive_gone', text);
  }
  const isMissing = view === null || view.videos.length < seen.count || (seen.last !== '' && !has(view, seen.last));
  // Where the video is open to all, a part that is not there was taken out by a person.
  if (view === null || (isMissing && (isRecent || view.said['state'] !== OPEN))) throw lagging();
  return view;
}

/** Also where it cannot be read what is known of it. */
function mayArrive({ ledger }: Link, fileName: string): Promise<boolean> {
  return ledger.standing(fileName).then(
    (standing) => standing?.kind === 'begun',
    () => true,
  );
}

function has({ videos }: ArchiveView, fileName: string): boolean {
  return videos.some(({ filename }) => filename === fileName);
}

function lagging(): Fault {
  const text =
    'Bilibili does not show all parts of the video yet, and what is not shown would be lost: it is waited for';
  return new Fault('transient', 'bilibili.archive_lags', text, { retryAfterMs: LAG_AGAIN_MS });
}

function full(): Fault {
  const text = `this video has ${PARTS_OF_ARCHIVE_MAX} parts, the most that it can have: put the file into another folder`;
  return new Fault('rejected', 'bilibili.archive_full', text);
}
