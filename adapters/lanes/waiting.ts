/** Hints that wait for a lane: each body once, ordered by the time from which it may be delivered. */

export interface Hint {
  readonly messageId: string;
  readonly body: string;
  readonly sentAtMs: number;
  readonly readyAtMs: number;
  /** Deliveries so far. */
  readonly receives: number;
}

export interface WaitingHints {
  /** Merges with a waiting hint of the same body: the earlier time and the higher count of the two hold. */
  add(hint: Hint): void;
  /** Up to `limit` hints that are ready, longest ready first. */
  take(now: number, limit: number): readonly Hint[];
  /** When the earliest hint is or was ready; `null`: none waits. */
  nextAtMs(): number | null;
  clear(): void;
  size(): number;
  /** Hints given up because there were too many. */
  dropped(): number;
}

interface Entry extends Hint {
  /** Orders hints that get ready at the same time. */
  readonly seq: number;
}

/** At most `capacity` hints: one more pushes out the one that was ready first, which the sweeper will send again. */
export function waitingHints(capacity: number): WaitingHints {
  const byBody = new Map<string, Entry>();
  const queue: Entry[] = [];
  let seq = 0;
  let dropped = 0;

  function put(entry: Entry): void {
    byBody.set(entry.body, entry);
    queue.splice(placeOf(queue, entry), 0, entry);
  }

  return {
    add: (hint) => {
      const other = byBody.get(hint.body);
      if (other !== undefined) {
        queue.splice(placeOf(queue, other), 1);
        put({ ...merge(other, hint), seq: other.seq });
        return;
      }
      put({ ...hint, seq: ++seq });
      if (queue.length <= capacity) return;
      const oldest = queue.shift();
      if (oldest !== undefined) byBody.delete(oldest.body);
      dropped++;
    },
    take: (now, limit) => {
      const firstLater = queue.findIndex((entry, index) => index >= limit || entry.readyAtMs > now);
      const taken = queue.splice(0, firstLater === -1 ? queue.length : firstLater);
      for (const { body } of taken) byBody.delete(body);
      return taken;
    },
    nextAtMs: () => queue[0]?.readyAtMs ?? null,
    clear: () => {
      queue.length = 0;
      byBody.clear();
    },
    size: () => queue.length,
    dropped: () => dropped,
  };
}

function merge(waiting: Hint, hint: Hint): Hint {
  return {
    ...waiting,
    readyAtMs: Math.min(waiting.readyAtMs, hint.readyAtMs),
    receives: Math.max(waiting.receives, hint.receives),
  };
}

/** Where the entry stands, or would. */
function placeOf(queue: readonly Entry[], { readyAtMs, seq }: Entry): number {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = queue[middle];
    const isBefore = entry !== undefined && (entry.readyAtMs - readyAtMs || entry.seq - seq) < 0;
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}
