import { describe, expect, test } from 'vitest';
import { runSeed } from './run-seed.ts';

/** `SEED=n` runs one seed alone, `SEEDS=n` that many from the first on. */
const one = process.env['SEED'];
const count = one === undefined ? Number(process.env['SEEDS'] ?? 400) : 1;
const first = Number(one ?? 1);
const AT_ONCE = 25;

const groups = Array.from({ length: Math.ceil(count / AT_ONCE) }, (_, i) => {
  const from = first + i * AT_ONCE;
  return [from, Math.min(from + AT_ONCE, first + count) - 1] as const;
});

describe('whatever goes wrong, no invariant is broken and every transfer ends as it should', () => {
  test.each(groups)('seeds %i to %i', async (from, to) => {
    for (let seed = from; seed <= to; seed++) {
      const { endings } = await runSeed(seed);
      expect(Object.keys(endings).length).toBeGreaterThan(0);
    }
  });
});
