/** One viewer: what it has not been told yet, and when it may be told. A `send` that throws ends it. */
import type { Clock } from '#core/ports/clock.ts';
import type { DigestAsk } from '#core/wire/digest.ts';
import type { TransferId, UploadId } from '#core/wire/ids.ts';
import type { Notice } from '#core/wire/notice.ts';
import type { ServerFrame } from '#core/wire/socket.ts';
import type { TransferView } from '#core/wire/transfer.ts';

/** `full`: the viewer is slow, the frame was not taken; what it told is kept, newest first, and offered again. */
export type Send = (frame: ServerFrame) => 'sent' | 'full';

export interface Subscriber {
  offer(view: TransferView): void;
  /** What was offered of these is offered no more. */
  remove(transferIds: readonly TransferId[]): void;
  ask(uploadId: UploadId, asks: readonly DigestAsk[]): void;
  notify(notice: Notice): void;
  resync(): void;
  close(): void;
}

export interface SubscriberPorts {
  readonly epoch: string;
  readonly clock: Clock;
  readonly send: Send;
  /** Reads the owner's transfers from the table; rejects when that fails or takes too long. */
  readonly refresh: () => Promise<void>;
  /** What is known now, active ones first: taken in the moment of telling, so that no change falls in between. */
  readonly views: (limit: number) => readonly TransferView[];
  /** The viewer took its leave, or could not be served: it is told nothing more. */
  readonly onClose: () => void;
}

/** At most one frame of progress in this time. */
const FLUSH_MS = 500;
/** About 150 KB of JSON. */
const FRAME_TRANSFERS_MAX = 200;
/** A viewer further behind gets a snapshot instead. */
const PENDING_MAX = 2000;
/** 30 bytes each. Of more, the oldest are not told: a page shows them until it is loaded again. */
const PENDING_REMOVED_MAX = 2000;
const PENDING_ASKS_MAX = 100;
const PENDING_NOTICES_MAX = 100;
const SNAPSHOT_RETRY_MAX_MS = 5000;

export function subscriber({ epoch, clock, send, refresh, views, onClose }: SubscriberPorts): Subscriber {
  const closing = new AbortController();
  const pending = new Map<string, TransferView>();
  const pendingRemoved = new Set<string>();
  const pendingAsks = new Map<UploadId, readonly DigestAsk[]>();
  const pendingNotices: Notice[] = [];
  let isScheduled = false;
  let needsSnapshot = true;
  let failedReads = 0;
  let flushedAtMs = clock.now() - FLUSH_MS;
  let seq = 0;

  function schedule(delayMs = 0): void {
    if (isScheduled || closing.signal.aborted) return;
    isScheduled = true;
    const dueInMs = Math.max(delayMs, flushedAtMs + FLUSH_MS - clock.now());
    clock
      .sleep(dueInMs, closing.signal)
      .then(flush)
      .catch(() => close());
  }

  async function flush(): Promise<void> {
    const isServed = needsSnapshot ? await sendSnapshot() : sendChanges();
    flushedAtMs = clock.now();
    isScheduled = false;
    const hasWords = pendingAsks.size > 0 || pendingNotices.length > 0;
    if (!isServed || needsSnapshot || pending.size > 0 || pendingRemoved.size > 0 || hasWords)
      schedule(failedReads === 0 ? 0 : Math.min(SNAPSHOT_RETRY_MAX_MS, FLUSH_MS * 2 ** failedReads));
  }

  async function sendSnapshot(): Promise<boolean> {
    const isRead = await refresh().then(
      () => true,
      () => false,
    );
    if (closing.signal.aborted) return true;
    failedReads = isRead ? 0 : failedReads + 1;
    if (!isRead) return false;
    const shown = views(FRAME_TRANSFERS_MAX);
    if (deliver({ event: 'snapshot', data: { epoch, seq, transfers: [...shown] } }) === 'full') return false;
    needsSnapshot = false;
    for (const { id } of shown) pending.delete(id);
    return sendWords();
  }

  function sendChanges(): boolean {
    const transfers = [...pending.values()].slice(0, FRAME_TRANSFERS_MAX);
    const removed = [...pendingRemoved];
    if (transfers.length > 0 || removed.length > 0) {
      if (deliver({ event: 'changes', data: { seq: seq + 1, transfers, removed } }) === 'full') return false;
      seq++;
      pendingRemoved.clear();
      for (const { id } of transfers) pending.delete(id);
    }
    return sendWords();
  }

  /** Questions first: a person waits for what comes of their answers. */
  function sendWords(): boolean {
    for (const [uploadId, asks] of pendingAsks) {
      if (deliver({ event: 'ask', data: { uploadId, asks: [...asks] } }) === 'full') return false;
      pendingAsks.delete(uploadId);
    }
    for (let next = pendingNotices[0]; next !== undefined; next = pendingNotices[0]) {
      if (deliver({ event: 'notification', data: next }) === 'full') return false;
      pendingNotices.shift();
    }
    return true;
  }

  function offer(view: TransferView): void {
    pending.set(view.id, view);
    pendingRemoved.delete(view.id);
    if (pending.size > PENDING_MAX) {
      pending.clear();
      needsSnapshot = true;
    }
    schedule();
  }

  function remove(transferIds: readonly TransferId[]): void {
    for (const id of transferIds) {
      pending.delete(id);
      pendingRemoved.add(id);
    }
    for (const oldest of pendingRemoved) {
      if (pendingRemoved.size <= PENDING_REMOVED_MAX) break;
      pendingRemoved.delete(oldest);
    }
    schedule();
  }

  /** A question keeps a person waiting: it does not wait for the next frame of progress. */
  function ask(uploadId: UploadId, asks: readonly DigestAsk[]): void {
    pendingAsks.delete(uploadId);
    pendingAsks.set(uploadId, asks);
    const oldest = pendingAsks.keys().next().value;
    if (pendingAsks.size > PENDING_ASKS_MAX && oldest !== undefined) pendingAsks.delete(oldest);
    if (!sendWords()) schedule();
  }

  function notify(notice: Notice): void {
    pendingNotices.push(notice);
    if (pendingNotices.length > PENDING_NOTICES_MAX) pendingNotices.shift();
    if (!sendWords()) schedule();
  }

  function deliver(frame: ServerFrame): 'sent' | 'full' {
    try {
      return send(frame);
    } catch {
      close();
      return 'full';
    }
  }

  function close(): void {
    if (closing.signal.aborted) return;
    closing.abort();
    onClose();
  }

  schedule();
  return {
    offer,
    remove,
    ask,
    notify,
    resync: () => {
      needsSnapshot = true;
      schedule();
    },
    close,
  };
}
