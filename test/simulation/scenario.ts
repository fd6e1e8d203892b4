/** What a seed stands for: destinations, files, clients, and how much goes wrong. */
import type { Limits } from '#core/transfer/engine.ts';
import { type Chance, chanceOf } from './chance.ts';
import type { RigTraits } from './rig-provider.ts';
import { themed } from './themes.ts';

export interface PlannedFile {
  readonly index: number;
  readonly startMs: number;
  readonly sizeBytes: number;
  readonly chunkBytes: number;
  readonly to: readonly string[];
  readonly via: 'chunks' | 'inbox';
  readonly digests: 'none' | 'right' | 'wrong';
  /** A destination that decides by digest has it already. */
  readonly isKnown: boolean;
  /** Chunks come in the order of the file, or in any. */
  readonly isInOrder: boolean;
  /** Milliseconds between the announcement and the first chunk. */
  readonly leadMs: number;
  /** Milliseconds between the first chunk and the second. */
  readonly restMs: number;
  /** Milliseconds between two chunks, at most. */
  readonly gapMs: number;
  /** Now and then the client sleeps for so long. */
  readonly napMs: number;
  /** The client goes away after so many chunks; null: it stays. */
  readonly leavesAfter: number | null;
  /** An inbox object is put over after the first of these times, and put back after the second. */
  readonly flips: readonly number[];
}

/** Probabilities, per effect or message unless it says otherwise. */
export interface Chaos {
  readonly death: number;
  readonly lostReply: number;
  readonly failure: number;
  readonly slow: number;
  readonly slowMs: number;
  readonly brokenRead: number;
  readonly remoteFault: number;
  readonly hintLost: number;
  readonly hintDoubled: number;
  readonly hintLate: number;
  /** Per minute, of one living process. */
  readonly freeze: number;
  /** Per minute, of one open session. */
  readonly sessionDeath: number;
  readonly skewMs: number;
  /** Wishes of people who take their time. */
  readonly wishes: number;
  /** Per view that is told: somebody wants something else the moment he sees it. */
  readonly haste: number;
  /** How much of that is a cancel. */
  readonly cancels: number;
}

export interface Scenario {
  readonly seed: number;
  readonly chance: Chance;
  readonly limits: Limits;
  readonly rigs: readonly { readonly id: string; readonly traits: RigTraits }[];
  readonly files: readonly PlannedFile[];
  readonly chaos: Chaos;
  readonly concurrency: number;
  readonly budgetMs: number;
  /** Every message arrives, if late or twice, and nobody dies: then no work may be found lying about. */
  readonly isPunctual: boolean;
  /** From then on nothing goes wrong any more. */
  readonly quietMs: number;
}

const MINUTE_MS = 60_000;

export function scenarioOf(seed: number): Scenario {
  return themed(anyScenario(seed));
}

function anyScenario(seed: number): Scenario {
  const chance = chanceOf(seed);
  const { pick, int, is } = chance;
  const parts = pick([1, 3, 5, 5, 8, 9]);
  const budgetMs = pick([5_000, 30_000, 240_000]);
  const rigs = Array.from({ length: int(1, 3) }, (_, i) => ({ id: `rig${i}`, traits: traitsOf(chance, budgetMs) }));
  const isPunctual = is(0.4);
  const limits = { files: int(1, 3), parts, functionParts: pick([1, 2, 5, 5]), finishPatienceMs: pick([0, 120_000]) };
  return {
    seed,
    chance,
    isPunctual,
    limits,
    rigs,
    files: Array.from({ length: int(1, 4) }, (_, index) => fileOf(chance, index, rigs, limits)),
    // A process that stood still may put a part late, over the one that counts: drivers whose tags then differ list the parts anew.
    chaos: {
      ...chaosOf(chance),
      ...(rigs.some(({ traits }) => traits.freshTags) ? { freeze: 0 } : {}),
      ...(isPunctual ? { death: 0, freeze: 0, failure: 0, lostReply: 0, hintLost: 0 } : {}),
    },
    concurrency: int(1, 6),
    budgetMs,
    quietMs: int(2, 20) * MINUTE_MS * (is(0.1) ? 5 : 1),
  };
}

function traitsOf({ pick, int, is, next }: Chance, budgetMs: number): RigTraits {
  const slowestMs = Math.min(pick([20, 400, 3_000, 90_000]), budgetMs / 4);
  const isSteady = is(0.25);
  const needs = is(0.2) ? pick([['sha1'] as const, ['sha1', 'md5'] as const]) : [];
  const canList = is(0.6);
  return {
    partBytes: pick([4, 5, 8, 10, 16, 24, 100]),
    inFlightMax: pick([1, 2, 5, 16]),
    order: is(0.25) ? 'ascending' : 'any',
    canList,
    freshTags: canList && is(0.3),
    needs,
    instant: needs.length > 0 && is(0.5) ? 'by-digest' : 'never',
    askRounds: is(0.15) ? int(1, 2) : 0,
    settlingMs: is(0.2) ? int(1, 200) * 1000 : 0,
    sessionTtlMs: is(0.1) ? int(3, 10) * MINUTE_MS : Number.POSITIVE_INFINITY,
    putMs: () => (isSteady ? slowestMs : Math.floor(next() * slowestMs * (is(0.05) ? 3 : 1))),
  };
}

function fileOf(
  { pick, int, is }: Chance,
  index: number,
  rigs: readonly { readonly id: string }[],
  { parts, functionParts }: Limits,
): PlannedFile {
  const chunkBytes = pick([4, 8, 10, 16]);
  // Only a file of more than 32 parts has blocks for several stripes.
  const count = is(parts > functionParts ? 0.3 : 0.08) ? int(33, 110) : int(1, 14);
  const sizeBytes = is(0.06)
    ? 0
    : is(0.06)
      ? 1
      : is(0.3)
        ? count * chunkBytes
        : count * chunkBytes - int(0, chunkBytes - 1);
  const via = is(0.15) ? 'inbox' : 'chunks';
  const all = rigs.map(({ id }) => id);
  const to = via === 'inbox' || is(0.6) ? [pick(all)] : all;
  return {
    index,
    startMs: int(0, 120_000),
    sizeBytes,
    chunkBytes,
    to,
    via,
    digests: via === 'inbox' || is(0.75) ? 'none' : is(0.85) ? 'right' : 'wrong',
    isKnown: is(0.5),
    isInOrder: is(0.5),
    leadMs: is(0.1) ? int(1, 9) * MINUTE_MS : 0,
    restMs: is(0.05) ? int(10, 60) * MINUTE_MS : 0,
    gapMs: pick([0, 100, 1_000, 8_000]),
    napMs: is(0.3) ? int(1, 6) * MINUTE_MS : 0,
    leavesAfter: via === 'chunks' && is(0.03) ? int(0, count - 1) : null,
    flips: via === 'inbox' && is(0.3) ? [int(1, 120_000), int(1_000, 60_000)].slice(0, int(1, 2)) : [],
  };
}

function chaosOf({ pick, int, is }: Chance): Chaos {
  const isWild = is(0.15);
  const often = (rates: readonly number[]): number => (isWild ? (rates.at(-1) ?? 0) : pick(rates));
  const areHintsLost = is(0.05);
  return {
    death: often([0, 0, 0.001, 0.004, 0.015]),
    lostReply: often([0, 0, 0.005, 0.03]),
    failure: often([0, 0, 0.005, 0.03]),
    slow: often([0, 0.05, 0.3, 0.3]),
    slowMs: pick([5, 300, 2_500]),
    brokenRead: often([0, 0, 0.02]),
    remoteFault: often([0, 0, 0.03, 0.12]),
    hintLost: areHintsLost ? 1 : often([0, 0, 0.1, 0.4]),
    hintDoubled: often([0, 0.1, 0.5]),
    hintLate: often([0, 0.1, 0.4]),
    freeze: often([0, 0, 0.3]),
    sessionDeath: often([0, 0, 0, 0.1, 0.3]),
    skewMs: is(0.5) ? 5_000 : 0,
    wishes: is(0.5) ? int(1, 8) : 0,
    haste: is(0.3) ? pick([0.03, 0.15]) : 0,
    cancels: 0.15,
  };
}
