/** Which chunks of an upload are in the bucket, as far as rumours tell: a lower bound that only grows. */
import { MAX_CHUNKS } from '#core/wire/keys.ts';

export interface StagedChunk {
  readonly number: number;
  readonly sizeBytes: number;
}

export interface StagedTally {
  /** Counts each chunk number once, however often it is told of; numbers outside 1 to 10,000 are ignored. */
  add(chunks: readonly StagedChunk[]): void;
  bytes(): number;
}

/** One bit per chunk: 1,250 bytes for the largest upload. */
export function stagedTally(): StagedTally {
  let seen = new Uint8Array(8);
  let sumBytes = 0;

  function isFirstSight(number: number): boolean {
    if (!Number.isInteger(number) || number < 1 || number > MAX_CHUNKS) return false;
    const index = number >> 3;
    if (index >= seen.length) {
      const grown = new Uint8Array(Math.min(MAX_CHUNKS / 8 + 1, Math.max(index + 1, seen.length * 2)));
      grown.set(seen);
      seen = grown;
    }
    const bit = 1 << (number & 7);
    const byte = seen[index] ?? 0;
    seen[index] = byte | bit;
    return (byte & bit) === 0;
  }

  return {
    add: (chunks) => {
      for (const { number, sizeBytes } of chunks) if (isFirstSight(number)) sumBytes += Math.max(0, sizeBytes);
    },
    bytes: () => sumBytes,
  };
}
