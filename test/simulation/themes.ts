/** Half of the seeds are about one kind of trouble, which chance alone would bring about too seldom. */
import type { Chance } from './chance.ts';
import type { Chaos, PlannedFile, Scenario } from './scenario.ts';

type Theme = (scenario: Scenario) => Scenario;

const CALM: Partial<Chaos> = { death: 0, freeze: 0, failure: 0, lostReply: 0, hintLost: 0, sessionDeath: 0, haste: 0 };

/** One slot, several files, and clients that let it wait: what is refused must be found again. */
const crowd: Theme = (scenario) => {
  const { chance, rigs } = scenario;
  const first = rigs.slice(0, 1).map(({ id, traits }) => ({ id, traits: { ...traits, needs: [], askRounds: 0 } }));
  return {
    ...scenario,
    isPunctual: true,
    quietMs: 1_800_000,
    rigs: first,
    limits: { ...scenario.limits, files: 1 },
    chaos: { ...scenario.chaos, ...CALM, remoteFault: 0 },
    files: Array.from({ length: chance.int(3, 6) }, (_, index) => ({
      ...plain(scenario, index),
      to: first.map(({ id }) => id),
      leadMs: chance.pick([0, 90_000, 400_000]),
      gapMs: chance.pick([1_000, 20_000]),
    })),
  };
};

/** Stripes whose last bytes come after a long wait, all at once, so that they end at about the same time. */
const wide: Theme = (scenario) => {
  const { chance } = scenario;
  const stripes = chance.pick([2, 2, 3, 8]);
  return {
    ...scenario,
    isPunctual: true,
    quietMs: 2_700_000,
    limits: { ...scenario.limits, parts: 32 * stripes, functionParts: 32 },
    concurrency: 9,
    budgetMs: 240_000,
    rigs: quick(scenario, 20).map(({ id, traits }) => ({ id, traits: { ...traits, inFlightMax: 64 } })),
    chaos: { ...scenario.chaos, ...CALM, slow: 0.5, slowMs: 1_500, hintLate: 0, remoteFault: 0, brokenRead: 0 },
    files: [
      {
        ...plain(scenario, 0),
        sizeBytes: 32 * stripes * 4,
        chunkBytes: 64,
        isInOrder: true,
        gapMs: 0,
        restMs: chance.int(900_000, 1_800_000),
      },
    ],
  };
};

/** People who change their minds while every effect takes its time, about files that take theirs. */
const fickle: Theme = (scenario) => {
  const { chance } = scenario;
  const isLong = chance.is(0.4);
  return {
    ...scenario,
    isPunctual: true,
    budgetMs: 240_000,
    rigs: quick(scenario, isLong ? 3_000 : 400),
    chaos: { ...scenario.chaos, ...CALM, slow: 0.5, slowMs: 400, haste: 0.08, cancels: 0.6, wishes: 4 },
    files: isLong
      ? [{ ...plain(scenario, 0), sizeBytes: chance.int(60, 120) * 4 }]
      : [0, 1, 2, 3, 4, 5].map((index) => plain(scenario, index)),
  };
};

/** Sessions and processes die under stripes that wait for bytes or rest. */
const dying: Theme = (scenario) => ({
  ...scenario,
  isPunctual: false,
  limits: { ...scenario.limits, parts: 8, functionParts: 2 },
  concurrency: 9,
  rigs: quick(scenario, 2_000),
  chaos: { ...scenario.chaos, remoteFault: 0.12, sessionDeath: 0.8, death: 0.008 },
  files: [{ ...plain(scenario, 0), sizeBytes: scenario.chance.int(70, 200) * 4, chunkBytes: 8, gapMs: 2_000 }],
});

/** Processes die, above all between two writes, while block after block is filled. */
const deadly: Theme = (scenario) => ({
  ...scenario,
  isPunctual: false,
  limits: { ...scenario.limits, parts: 8, functionParts: scenario.chance.pick([2, 8]) },
  concurrency: 9,
  rigs: quick(scenario, 200),
  chaos: { ...scenario.chaos, ...CALM, death: 0.01, remoteFault: 0 },
  files: [{ ...plain(scenario, 0), sizeBytes: scenario.chance.int(64, 250) * 4, chunkBytes: 40 }],
});

/** Inbox objects that are put over while they move, and put back. */
const flip: Theme = (scenario) => ({
  ...scenario,
  isPunctual: true,
  rigs: quick(scenario, 1_500),
  chaos: { ...scenario.chaos, ...CALM },
  files: [0, 1].map((index) => ({
    ...plain(scenario, index),
    via: 'inbox',
    sizeBytes: scenario.chance.int(60, 160),
    flips: [scenario.chance.int(500, 15_000), scenario.chance.int(1_000, 10_000)],
  })),
});

/** Transfers that fail for good, and are tried again when their bytes are to be removed. */
const expiry: Theme = (scenario) => ({
  ...scenario,
  isPunctual: true,
  quietMs: 60_000,
  chaos: { ...scenario.chaos, ...CALM, wishes: 0 },
  files: [0, 1, 2].map((index) => ({ ...plain(scenario, index), digests: 'wrong', isKnown: false })),
});

/** Digests that are computed over several leases, as bytes come. */
const hashing: Theme = (scenario) => ({
  ...scenario,
  rigs: scenario.rigs.map(({ id, traits }) => ({
    id,
    traits: {
      ...traits,
      needs: scenario.chance.pick([['sha1', 'md5'], ['sha256', 'crc64'], ['crc64nvme']] as const),
      putMs: () => scenario.chance.int(0, 200),
    },
  })),
  files: [0, 1].map((index) => ({
    ...plain(scenario, index),
    isInOrder: true,
    gapMs: scenario.chance.pick([2_000, 12_000]),
    digests: index === 0 ? 'none' : 'right',
  })),
});

/** Files of one part and one chunk, among deaths, faults and people who change their minds. */
const short: Theme = (scenario) => {
  const { chance } = scenario;
  const putMs = Math.min(chance.pick([20, 3_000, 30_000]), scenario.budgetMs / 4);
  return {
    ...scenario,
    limits: { ...scenario.limits, files: chance.int(1, 3) },
    rigs: quick(scenario, putMs).map(({ id, traits }) => ({ id, traits: { ...traits, partBytes: 100 } })),
    chaos: {
      ...scenario.chaos,
      remoteFault: chance.pick([0, 0.1]),
      wishes: chance.int(0, 6),
      haste: 0.05,
      cancels: 0.4,
    },
    files: Array.from({ length: chance.int(3, 6) }, (_, index) => ({
      ...plain(scenario, index),
      sizeBytes: chance.int(1, 8),
      via: chance.is(0.3) ? 'inbox' : 'chunks',
      startMs: chance.int(0, 5_000),
    })),
  };
};

const THEMES = { crowd, wide, dying, deadly, flip, expiry, fickle, hashing, short } as const;
export type ThemeName = keyof typeof THEMES;
const NAMES = Object.keys(THEMES) as readonly ThemeName[];

/** What a seed is about: every other seed has a theme, one after the other. */
export function themeOf(seed: number): ThemeName | null {
  return seed % 2 === 0 ? (NAMES[(seed / 2) % NAMES.length] ?? null) : null;
}

export function themed(scenario: Scenario): Scenario {
  const name = themeOf(scenario.seed);
  return name === null ? scenario : THEMES[name](scenario);
}

function plain({ chance, rigs }: Scenario, index: number): PlannedFile {
  return {
    index,
    startMs: chance.int(0, 20_000),
    sizeBytes: chance.int(1, 12) * 8,
    chunkBytes: 8,
    to: [chance.pick(rigs).id],
    via: 'chunks',
    digests: 'none',
    isKnown: false,
    isInOrder: chance.is(0.5),
    leadMs: 0,
    gapMs: 100,
    restMs: 0,
    napMs: 0,
    leavesAfter: null,
    flips: [],
  };
}

/** Destinations that take small parts in any order, each in at most `putMs`. */
function quick({ chance, rigs }: Scenario, putMs: number): Scenario['rigs'] {
  const took = putTime(chance, putMs);
  return rigs.map(({ id, traits }) => ({
    id,
    traits: { ...traits, partBytes: 4, inFlightMax: 16, order: 'any', needs: [], askRounds: 0, putMs: took },
  }));
}

const putTime = (chance: Chance, putMs: number) => (chance.is(0.5) ? () => putMs : () => chance.int(0, putMs));
