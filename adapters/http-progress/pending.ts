/** Rumours that wait for their turn: few, and none that a later one has made stale. */
import type { Rumour } from '#core/ports/progress.ts';

export interface PendingRumours {
  add(rumours: readonly Rumour[]): void;
  /** As JSON, the oldest first, together at most `bytesMax`; one that is larger by itself is lost. */
  take(bytesMax: number): readonly string[];
  size(): number;
  /** Rumours given up because there were too many, or one was too large. */
  lost(): number;
}

/** So many kinds of news wait while a relay is slow; then the oldest are lost. */
const WAITING_MAX = 1000;
/** 40 bytes each: a rumour of staged chunks stays far below what a body may have. */
const CHUNKS_MAX = 1000;

export function pendingRumours(): PendingRumours {
  /** In the order of the last news. */
  const waiting = new Map<unknown, Rumour>();
  let lost = 0;

  function put(key: unknown, rumour: Rumour): void {
    waiting.delete(key);
    waiting.set(key, rumour);
    for (const oldest of waiting.keys()) {
      if (waiting.size <= WAITING_MAX) break;
      waiting.delete(oldest);
      lost++;
    }
  }

  return {
    add: (rumours) => {
      for (const rumour of rumours) {
        if (rumour.kind === 'transfer') put(rumour.view.id, rumour);
        else if (rumour.kind === 'ask') put(rumour.uploadId, rumour);
        else if (rumour.kind === 'notice' || rumour.kind === 'removed') put(rumour, rumour);
        else for (const part of split(rumour)) put(part, part);
      }
    },
    take: (bytesMax) => {
      const taken: string[] = [];
      let bytes = 0;
      for (const [key, rumour] of waiting) {
        const text = JSON.stringify(rumour);
        const size = Buffer.byteLength(text) + 1;
        if (size > bytesMax) lost++;
        else if (bytes + size > bytesMax) break;
        else {
          taken.push(text);
          bytes += size;
        }
        waiting.delete(key);
      }
      return taken;
    },
    size: () => waiting.size,
    lost: () => lost,
  };
}

/** In the order of publishing, each with as many chunks as one may have. */
function split(rumour: Extract<Rumour, { kind: 'staged' }>): readonly Rumour[] {
  const { chunks } = rumour;
  return Array.from({ length: Math.ceil(chunks.length / CHUNKS_MAX) }, (_, n) => ({
    ...rumour,
    chunks: chunks.slice(n * CHUNKS_MAX, (n + 1) * CHUNKS_MAX),
  }));
}
