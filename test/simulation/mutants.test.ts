import { expect, test } from 'vitest';
import { loadMutant } from './mutant-loader.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { BrokenInvariant, runSeed } from './run-seed.ts';
import { REAL } from './subject.ts';
import { themeOf } from './themes.ts';

/** Seeds that are tried on a mutant, those of its theme. */
const TRIES = 120;

test.for(MUTANTS)('the simulation notices when $name', async (mutant, { annotate }) => {
  const caught = await firstCaught(mutant);
  expect(caught, 'no seed has noticed').not.toBeNull();
  await annotate(caught?.message.split('\n')[0] ?? '');
});

/** The first seed that breaks, and what. */
async function firstCaught({ edits = [], sabotage = {}, theme }: Mutant): Promise<BrokenInvariant | null> {
  const loaded = edits.length > 0 ? await loadMutant(edits) : null;
  try {
    for (let seed = 1, tries = 0; tries < TRIES; seed++) {
      if (theme !== undefined && themeOf(seed) !== theme) continue;
      tries += 1;
      try {
        await runSeed(seed, { subject: loaded?.subject ?? REAL, sabotage });
      } catch (error) {
        if (error instanceof BrokenInvariant) return error;
        throw error;
      }
    }
    return null;
  } finally {
    loaded?.drop();
  }
}
