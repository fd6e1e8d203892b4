/** Everything that a run decides by chance, from one integer. */

export interface Chance {
  /** Uniform in [0, 1). */
  next(): number;
  /** True with probability `p`. */
  is(p: number): boolean;
  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
  shuffled<T>(items: readonly T[]): T[];
}

/** The same seed gives the same answers in the same order. */
export function chanceOf(seed: number): Chance {
  let state = (seed * 0x9e3779b1 + 0x85ebca6b) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  const pick = <T>(items: readonly T[]): T => {
    const item = items[int(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  };
  return {
    next,
    int,
    pick,
    is: (p) => next() < p,
    shuffled: (items) => {
      const left = [...items];
      return Array.from({ length: left.length }, () => left.splice(int(0, left.length - 1), 1)).flat();
    },
  };
}

/** Bytes that differ from seed to seed and from place to place, so that a part in the wrong place shows. */
export function bytesOf(sizeBytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const chance = chanceOf(seed);
  return Uint8Array.from({ length: sizeBytes }, () => Math.floor(chance.next() * 256));
}
