/** The newest that is known of each transfer, from socket frames and API answers in whatever order they come. */
import type { ServerFrame } from '#core/wire/socket.ts';
import { isNews, type TransferView } from '#core/wire/transfer.ts';

export interface Tracked {
  readonly view: TransferView;
  /** When bytes, parts or phase last changed, by this page's clock: what stands still for long is stuck. */
  readonly movedAtMs: number;
}

/** Newest first. A new object for each flush. */
export interface ProgressSnapshot {
  readonly items: readonly Tracked[];
  readonly byUpload: ReadonlyMap<string, readonly Tracked[]>;
}

export interface ProgressStore {
  /** Answers `resync` when frames were missed and a snapshot is to be asked for. */
  apply(frame: ServerFrame): 'ok' | 'resync';
  /** Views out of API answers. */
  adopt(views: readonly TransferView[]): void;
  snapshot(): ProgressSnapshot;
  /** The transfers of an upload as they are now; a snapshot may be a flush behind. */
  ofUpload(uploadId: string): readonly TransferView[];
  subscribe(listener: () => void): () => void;
}

export interface StoreNeeds {
  readonly nowMs: () => number;
  readonly after: (ms: number, callback: () => void) => () => void;
}

/** Frames come twice a second at most; answers of a busy page come in bursts. */
const FLUSH_MS = 100;

export function progressStore(needs: StoreNeeds): ProgressStore {
  const tracked = new Map<string, Tracked>();
  const listeners = new Set<() => void>();
  let shown: ProgressSnapshot = { items: [], byUpload: new Map() };
  let epoch: string | null = null;
  let seq: number | null = null;
  /** Ids, newest first. Null: to be put in order again. */
  let order: readonly string[] | null = null;
  let isFlushing = false;

  function take(view: TransferView): void {
    const known = tracked.get(view.id);
    if (!isNews(known?.view, view)) return;
    // The time of its making never changes: only what comes and goes changes the order.
    if (!known) order = null;
    const hasMoved = !known || isMove(known.view, view);
    tracked.set(view.id, { view, movedAtMs: hasMoved ? needs.nowMs() : known.movedAtMs });
    flushSoon();
  }

  function flushSoon(): void {
    if (isFlushing) return;
    isFlushing = true;
    needs.after(FLUSH_MS, () => {
      isFlushing = false;
      order ??= ordered(tracked);
      shown = arrange(order, tracked);
      for (const listener of listeners) listener();
    });
  }

  function forget(ids: Iterable<string>): void {
    for (const id of ids) if (tracked.delete(id)) order = null;
    flushSoon();
  }

  return {
    apply(frame) {
      if (frame.event === 'snapshot') {
        const { data } = frame;
        // Another run of the server may have another table: what the last one said is no measure for it.
        if (epoch !== null && epoch !== data.epoch) forget([...tracked.keys()]);
        epoch = data.epoch;
        seq = data.seq;
        for (const view of data.transfers) take(view);
        return 'ok';
      }
      if (frame.event === 'changes') {
        const { data } = frame;
        for (const view of data.transfers) take(view);
        forget(data.removed);
        // Before the first snapshot there is nothing to have a gap in.
        const isGap = seq !== null && data.seq > seq + 1;
        if (seq !== null) seq = Math.max(seq, data.seq);
        return isGap ? 'resync' : 'ok';
      }
      return 'ok';
    },
    adopt(views) {
      for (const view of views) take(view);
    },
    snapshot: () => shown,
    ofUpload: (uploadId) => [...tracked.values()].flatMap(({ view }) => (view.uploadId === uploadId ? [view] : [])),
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function isMove(before: TransferView, after: TransferView): boolean {
  return (
    before.movedBytes !== after.movedBytes ||
    before.stagedBytes !== after.stagedBytes ||
    before.partsDone !== after.partsDone ||
    before.phase !== after.phase ||
    before.status !== after.status
  );
}

function ordered(tracked: ReadonlyMap<string, Tracked>): readonly string[] {
  return [...tracked.values()]
    .sort(({ view: a }, { view: b }) =>
      a.createdAt === b.createdAt ? Number(a.id < b.id) - 0.5 : Number(a.createdAt < b.createdAt) - 0.5,
    )
    .map(({ view }) => view.id);
}

function arrange(order: readonly string[], tracked: ReadonlyMap<string, Tracked>): ProgressSnapshot {
  const items = order.flatMap((id) => tracked.get(id) ?? []);
  return { items, byUpload: Map.groupBy(items, ({ view }) => view.uploadId) };
}
