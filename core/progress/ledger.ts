/** The newest that is known of each transfer of one owner. Memory is bounded: what ended long ago leaves it. */
import type { TransferId, UploadId } from '#core/wire/ids.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';
import { type StagedChunk, type StagedTally, stagedTally } from './staged-tally.ts';

export interface Ledger {
  /** The view to show, when it differs from the one shown before; `null`: old or known already. */
  learn(view: TransferView, nowMs: number): TransferView | null;
  /** `isStranger`: no transfer of this upload has been seen, and this is the first time that is said. */
  learnStaged(
    uploadId: UploadId,
    chunks: readonly StagedChunk[],
    nowMs: number,
  ): { readonly changed: readonly TransferView[]; readonly isStranger: boolean };
  /** As if they had never been heard of. */
  forget(transferIds: readonly TransferId[]): void;
  /** Active ones first, then the newest first. */
  views(limit: number): readonly TransferView[];
  /** Drops uploads whose transfers have all ended and that nothing was heard of for an hour. */
  prune(nowMs: number): void;
  size(): number;
}

interface Entry {
  readonly tally: StagedTally;
  readonly views: Map<string, TransferView>;
  touchedAtMs: number;
  wasStranger: boolean;
}

/** Stale rumours of a transfer are recognised for this long after its end; they live for minutes at most. */
const KEPT_ENDED_MS = 60 * 60 * 1000;
/** An upload with all its transfers is 2 to 10 KiB: 20 MiB an owner at most. */
const UPLOADS_MAX = 2000;

export function ledger(): Ledger {
  /** In the order of the last touch, oldest first. */
  const entries = new Map<UploadId, Entry>();

  function touch(uploadId: UploadId, nowMs: number): Entry {
    const known = entries.get(uploadId);
    entries.delete(uploadId);
    if (known === undefined && entries.size >= UPLOADS_MAX) evictOne();
    const entry = known ?? { tally: stagedTally(), views: new Map(), touchedAtMs: nowMs, wasStranger: false };
    entry.touchedAtMs = nowMs;
    entries.set(uploadId, entry);
    return entry;
  }

  function evictOne(): void {
    let victim = entries.keys().next().value;
    for (const [uploadId, entry] of entries) {
      if (!hasEnded(entry)) continue;
      victim = uploadId;
      break;
    }
    if (victim !== undefined) entries.delete(victim);
  }

  function learn(view: TransferView, nowMs: number): TransferView | null {
    const entry = touch(view.uploadId, nowMs);
    const seen = entry.views.get(view.id);
    const newest = isNews(seen, view) ? view : seen;
    if (newest === undefined) return null;
    return show(entry, withStaged(newest, Math.max(view.stagedBytes, seen?.stagedBytes ?? 0, entry.tally.bytes())));
  }

  function learnStaged(uploadId: UploadId, chunks: readonly StagedChunk[], nowMs: number) {
    const entry = touch(uploadId, nowMs);
    entry.tally.add(chunks);
    const isStranger = entry.views.size === 0 && !entry.wasStranger;
    if (isStranger) entry.wasStranger = true;
    const changed = [...entry.views.values()]
      .map((view) => show(entry, withStaged(view, Math.max(view.stagedBytes, entry.tally.bytes()))))
      .filter((view) => view !== null);
    return { changed, isStranger };
  }

  return {
    learn,
    learnStaged,
    forget: (transferIds) => {
      for (const [uploadId, { views }] of entries) {
        const count = transferIds.filter((id) => views.delete(id)).length;
        if (count > 0 && views.size === 0) entries.delete(uploadId);
      }
    },
    views: (limit) =>
      [...entries.values()]
        .flatMap((entry) => [...entry.views.values()])
        .sort(byActivity)
        .slice(0, limit),
    prune: (nowMs) => {
      for (const [uploadId, entry] of entries) {
        if (nowMs - entry.touchedAtMs < KEPT_ENDED_MS) break;
        if (hasEnded(entry)) entries.delete(uploadId);
      }
    },
    size: () => entries.size,
  };
}

/** Keeps the view, and answers it if it shows anything that the one before did not. */
function show(entry: Entry, view: TransferView): TransferView | null {
  const seen = entry.views.get(view.id);
  if (seen !== undefined && (seen === view || JSON.stringify(seen) === JSON.stringify(view))) return null;
  entry.views.set(view.id, view);
  return view;
}

/** What has ended tells its own staged bytes: rumours about chunks that are being removed change nothing. */
function withStaged(view: TransferView, stagedBytes: number): TransferView {
  const bounded = Math.min(view.sizeBytes, stagedBytes);
  if (isEnded(view) || bounded <= view.stagedBytes) return view;
  return { ...view, stagedBytes: bounded };
}

/** An upload that only rumours about chunks are known of counts as ended: nothing is lost with it. */
function hasEnded(entry: Entry): boolean {
  return [...entry.views.values()].every(isEnded);
}

function isEnded({ phase }: TransferView): boolean {
  return phase === 'done' || phase === 'failed' || phase === 'canceled';
}

function byActivity(a: TransferView, b: TransferView): number {
  const difference = Number(isEnded(a)) - Number(isEnded(b));
  return difference || compare(b.createdAt, a.createdAt) || compare(b.id, a.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
