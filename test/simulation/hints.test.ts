import { expect, test } from 'vitest';
import { runSeed } from './run-seed.ts';
import type { Chaos, Scenario } from './scenario.ts';

const HARMLESS: Chaos = {
  death: 0,
  lostReply: 0,
  failure: 0,
  slow: 0,
  slowMs: 0,
  brokenRead: 0,
  remoteFault: 0,
  hintLost: 0,
  hintDoubled: 0,
  hintLate: 0,
  freeze: 0,
  sessionDeath: 0,
  skewMs: 0,
  wishes: 0,
  haste: 0,
  cancels: 0,
};

const tuned =
  (chaos: Partial<Chaos>) =>
  (scenario: Scenario): Scenario => ({
    ...scenario,
    isPunctual: false,
    files: scenario.files.map((file) => ({ ...file, flips: [] })),
    chaos: { ...HARMLESS, ...chaos },
  });

test.each([1, 3, 5, 7, 9, 11])('lost and doubled messages change nothing in the end: seed %i', async (seed) => {
  const { endings } = await runSeed(seed, { tune: tuned({}) });
  for (const chaos of [{ hintLost: 1 }, { hintDoubled: 1 }, { hintDoubled: 0.5, hintLate: 0.5 }]) {
    expect((await runSeed(seed, { tune: tuned(chaos) })).endings).toEqual(endings);
  }
});
