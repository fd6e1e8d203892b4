import { expect, test } from 'vitest';
import { runSeed } from './run-seed.ts';

test('x', async () => {
  const from = Number(process.env['SEED'] ?? 1);
  const many = process.env['SEED'] ? 1 : Number(process.env['SEEDS'] ?? 100);
  const endings: Record<string, number> = {};
  let steps = 0;
  let effects = 0;
  let ms = 0;
  const t = performance.now();
  for (let seed = from; seed < from + many; seed++) {
    const r = await runSeed(seed);
    steps += r.steps;
    effects += r.effects;
    ms += r.simulatedMs;
    for (const [k, v] of Object.entries(r.endings)) endings[k] = (endings[k] ?? 0) + v;
  }
  process.stdout.write(
    JSON.stringify({
      many,
      steps,
      effects,
      hours: ms / 3.6e6,
      endings,
      perSecond: (many / (performance.now() - t)) * 1000,
    }) + '\n',
  );
  expect(1).toBe(1);
});
