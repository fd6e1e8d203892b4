/**
 * What this browser has handed in by a link, and what became of it there: asked for until it is known, with growing pauses. The
 * server does not list a sender's files, so this browser remembers them.
 */
import * as z from 'zod';
import type { TransferView } from '#core/wire/transfer.ts';
import { toUploadError } from '../upload/error.ts';
import type { Surroundings } from '../upload/surroundings.ts';
import type { UploadApi } from '../upload/upload-api.ts';

/**
 * `placing`: whole, and on its way to its place · `delivered` · `held`: whole, and its owner has to help · `withdrawn`: the owner
 * did not want it · `kept`: whole, and the server has forgotten how it ended, as it does in time
 */
const Outcome = z.enum(['placing', 'delivered', 'held', 'withdrawn', 'kept']);
export type Outcome = z.infer<typeof Outcome>;

const Arrival = z.object({
  uploadId: z.string(),
  name: z.string(),
  folder: z.string(),
  sizeBytes: z.int(),
  /** When the last byte was handed over. */
  atMs: z.number(),
  outcome: Outcome,
});
export type Arrival = z.infer<typeof Arrival>;

export interface ArrivalStore {
  /** The latest last. */
  snapshot(): readonly Arrival[];
  subscribe(listener: () => void): () => void;
  add(arrivals: readonly Omit<Arrival, 'outcome'>[]): void;
  heed(transfers: readonly TransferView[]): void;
  stop(): void;
}

/** Found again by the next visit; of more, the latest. */
const ARRIVALS_MAX = 500;
/** Asked about in one round. */
const ROUND_MAX = 6;
const WAIT_MIN_MS = 2_000;
const WAIT_MAX_MS = 60_000;
/** Between the rounds of one pass over many. */
const BETWEEN_MAX_MS = 10_000;

/** `key` is where in the browser's storage they are kept. */
export function arrivalStore(
  key: string,
  around: Pick<Surroundings, 'timers' | 'connection'> & { readonly api: Pick<UploadApi, 'readUpload'> },
  storage: Pick<Storage, 'getItem' | 'setItem'>,
): ArrivalStore {
  const listeners = new Set<() => void>();
  const unhope = around.connection.onHope(() => soon(WAIT_MIN_MS));
  let shown: readonly Arrival[] = read(storage.getItem(key));
  let waitMs = WAIT_MIN_MS;
  let turn = 0;
  let isAsking = false;
  let isStopped = false;
  let disarm = () => {};
  soon(0);

  function show(next: readonly Arrival[]): void {
    shown = next;
    keep();
    for (const listener of listeners) listener();
  }

  function keep(): void {
    // Another tab may have handed in by the same link.
    const known = new Set(shown.map(({ uploadId }) => uploadId));
    const elsewhere = read(storage.getItem(key)).filter(({ uploadId }) => !known.has(uploadId));
    try {
      storage.setItem(key, JSON.stringify([...elsewhere, ...shown].slice(-ARRIVALS_MAX)));
    } catch {
      // No room in this browser: the next visit will not list these files, and that is all.
    }
  }

  function soon(ms: number): void {
    disarm();
    waitMs = Math.max(ms, WAIT_MIN_MS);
    if (isStopped || isAsking || !shown.some(isOpen)) return;
    disarm = around.timers.after(ms, () => void round());
  }

  async function round(): Promise<void> {
    isAsking = true;
    const open = shown.filter(isOpen);
    const asked = Array.from({ length: Math.min(ROUND_MAX, open.length) }, (_, i) => open[(turn + i) % open.length]);
    turn += asked.length;
    const isPassOver = turn >= open.length;
    if (isPassOver) turn = 0;
    let isNew = false;
    for (const arrival of asked) {
      if (!arrival || isStopped) break;
      const outcome = await look(arrival.uploadId);
      if (outcome === null) break;
      isNew = settle(arrival.uploadId, outcome) || isNew;
    }
    isAsking = false;
    if (isNew) soon(WAIT_MIN_MS);
    else soon(isPassOver ? Math.min(WAIT_MAX_MS, waitMs * 1.6) : Math.min(BETWEEN_MAX_MS, waitMs));
  }

  /** Null: the server did not say. */
  async function look(uploadId: string): Promise<Outcome | null> {
    try {
      return outcomeOf((await around.api.readUpload(uploadId)).transfers);
    } catch (cause) {
      const { status } = toUploadError(cause);
      return status === 404 || status === 410 ? 'kept' : null;
    }
  }

  function settle(uploadId: string, outcome: Outcome): boolean {
    const before = shown.find((arrival) => arrival.uploadId === uploadId);
    if (!before || before.outcome === outcome) return false;
    show(shown.map((arrival) => (arrival === before ? { ...arrival, outcome } : arrival)));
    return true;
  }

  return {
    snapshot: () => shown,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    add(arrivals) {
      const known = new Set(shown.map(({ uploadId }) => uploadId));
      const fresh = arrivals.filter(({ uploadId }) => !known.has(uploadId));
      if (fresh.length === 0) return;
      show([...shown, ...fresh.map((arrival) => ({ ...arrival, outcome: 'placing' as const }))]);
      soon(WAIT_MIN_MS);
    },
    heed(transfers) {
      for (const [uploadId, own] of Map.groupBy(transfers, (transfer) => transfer.uploadId))
        settle(uploadId, outcomeOf(own));
    },
    stop() {
      isStopped = true;
      disarm();
      unhope();
    },
  };
}

/** Of all deliveries of one upload: it has arrived when each has, and its owner has to help when one cannot go on. */
export function outcomeOf(transfers: readonly TransferView[]): Outcome {
  const phases = transfers.map(({ phase }) => phase);
  if (phases.includes('failed')) return 'held';
  if (phases.length > 0 && phases.every((phase) => phase === 'canceled')) return 'withdrawn';
  return phases.length > 0 && phases.every((phase) => phase === 'done' || phase === 'canceled')
    ? 'delivered'
    : 'placing';
}

/** One that is held may be helped any time. */
function isOpen({ outcome }: Arrival): boolean {
  return outcome === 'placing' || outcome === 'held';
}

/** What cannot be read back starts afresh. */
function read(text: string | null): readonly Arrival[] {
  if (text === null) return [];
  try {
    return z.array(Arrival).parse(JSON.parse(text));
  } catch {
    return [];
  }
}
