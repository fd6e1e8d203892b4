/**
 * Open shares judged by what the rows and the bucket say: a process that died after it took a share, an upload that was canceled by
 * its owner or expired. Each verdict is final, so that it may be written late and by several.
 */
import { Fault } from '#core/fault.ts';
import { chunkLayout } from '#core/layout.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { UploadState, uploadKey } from '#core/state.ts';
import type { LinkId, UploadId } from '#core/wire/ids.ts';
import { readHeads } from '../announce.ts';
import type { Intake } from '../intake.ts';
import { stagedRanges } from '../staged-ranges.ts';
import type { Link } from './link.ts';
import { allLinks, changeLink, type Register } from './register.ts';
import { settled, type Verdict } from './shares.ts';

/** What the way in by a link works with. */
export interface Door extends Register {
  readonly intake: Intake;
}

/** From the share to the upload's row: longer than any request lives. */
const ANNOUNCING_MS = 2 * 60_000;
/** Rows of uploads stay a month beyond the end of their upload: one that is absent before was never made. */
const ROWS_STAY_MS = 29 * 24 * 60 * 60_000;
/** How long the place of an upload that never was is kept from whoever is late. */
const GRAVE_MS = 24 * 60 * 60_000;
const AT_ONCE = 8;
/** Shares that one look at a link, and one sweep of all, judge at most: a call of a Worker may ask a thousand times. */
const LINK_LOOKS_MAX = 64;
const SWEEP_LOOKS_MAX = 192;

/**
 * Judges open shares, and notes when; those behind have their turn in the next look. Answers the link as it is then. Fault `rejected`
 * `link.unknown`.
 */
export async function recount(door: Door, id: LinkId): Promise<Link> {
  const link = await changeLink(door, id, (now) =>
    now.open.length === 0 ? now : { ...now, countedAt: door.clock.now() },
  );
  const verdicts = new Map<UploadId, Verdict>();
  const looked = link.open.slice(0, LINK_LOOKS_MAX);
  const shares = [...looked];
  const work = async (): Promise<void> => {
    for (let share = shares.shift(); share !== undefined; share = shares.shift()) {
      const verdict = await judge(door, link, share);
      if (verdict !== null) verdicts.set(share[0], verdict);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const isLooked = new Set(looked.map(([uploadId]) => uploadId));
  return changeLink(door, id, (now) => {
    const next = settled(now, verdicts);
    const behind = next.open.filter(([uploadId]) => !isLooked.has(uploadId));
    if (behind.length === 0) return next;
    return { ...next, open: [...behind, ...next.open.filter(([uploadId]) => isLooked.has(uploadId))] };
  });
}

/** For the sweep: links that nobody asks of, longest not looked at first. Answers how many shares were settled. */
export async function recountAll(door: Door): Promise<number> {
  const waiting = (await allLinks(door)).filter(({ open }) => open.length > 0);
  let looks = 0;
  let count = 0;
  for (const { id, open } of waiting.sort((a, b) => a.countedAt - b.countedAt)) {
    looks += Math.min(open.length, LINK_LOOKS_MAX);
    if (looks > SWEEP_LOOKS_MAX) break;
    try {
      count += Math.max(0, open.length - (await recount(door, id)).open.length);
    } catch (error) {
      // It was removed meanwhile, or is busy: it has its turn in the next round.
      if (!(error instanceof Fault)) throw error;
    }
  }
  return count;
}

/** Writes verdicts that were come to. Fault `rejected` `link.unknown`. */
export function settle(door: Door, id: LinkId, verdicts: ReadonlyMap<UploadId, Verdict>): Promise<Link> {
  return changeLink(door, id, (link) => settled(link, verdicts));
}

/** Null: it may still go either way. */
async function judge(door: Door, link: Link, share: Link['open'][number]): Promise<Verdict | null> {
  const [uploadId, , takenAt] = share;
  const row = await door.intake.table.get(uploadKey(uploadId));
  if (row !== null) return judgeUpload(door.intake, row);
  const ageMs = door.clock.now() - takenAt;
  if (ageMs < ANNOUNCING_MS) return null;
  if (ageMs > ROWS_STAY_MS) return 'kept';
  return (await buried(door, link, share)) ? 'back' : null;
}

/** `kept` once all of it is in the bucket or beyond, `back` once nothing of it can be delivered any more. */
export async function judgeUpload(intake: Pick<Intake, 'table' | 'source'>, row: WorkRow): Promise<Verdict | null> {
  const upload = UploadState.parse(row.state);
  const heads = await readHeads(intake, upload);
  if (heads.some(({ phase }) => phase === 'done' || phase === 'finishing')) return 'kept';
  if (row.phase !== 'open') return 'back';
  const { stagedBytes } = await stagedRanges(intake.source, upload);
  if (stagedBytes === upload.sizeBytes) return 'kept';
  return heads.length === upload.specs.length && heads.every(isCanceled) ? 'back' : null;
}

/** Canceled, or about to be: whoever takes it up next sees the wish, and nothing is finished against it. */
function isCanceled({ phase, wish, hold, queue }: WorkRow): boolean {
  if (phase === 'canceled') return true;
  return queue !== null && wish === 'cancel' && (phase === 'moving' || hold !== 'lease');
}

/** Takes the row's place, so that nobody who is late makes it after its share was given back. False: somebody just has. */
async function buried({ intake: { table }, clock }: Door, link: Link, share: Link['open'][number]): Promise<boolean> {
  const [uploadId, sizeBytes, takenAt] = share;
  const state: UploadState = {
    v: 1,
    uploadId,
    ownerId: link.ownerId,
    name: 'never announced',
    sizeBytes,
    layout: chunkLayout(sizeBytes),
    digests: {},
    specs: [],
    createdAt: takenAt,
    sweptAt: null,
  };
  const now = clock.now();
  const row = { ...uploadKey(uploadId), queue: null, dueAt: null, phase: 'removed', state, expiresAt: now + GRAVE_MS };
  return (await table.create(row, now)) === 'created';
}
