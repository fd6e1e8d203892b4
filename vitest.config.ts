import { defineConfig } from 'vitest/config';

/** Where the time goes: `unit` and `contract` are seconds, `simulation` is CPU, `journey` starts real processes and a browser. */
export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default'],
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            '{core,adapters,clients,providers,functions,relay,local,cli}/**/*.test.ts',
            'test/{engine,web,providers,relay,cli,api,functions}/**/*.test.ts',
          ],
        },
      },
      { extends: true, test: { name: 'contract', include: ['test/{contract,bucket}/**/*.test.ts'] } },
      { extends: true, test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 300_000 } },
      {
        extends: true,
        test: { name: 'journey', include: ['test/journey/**/*.test.ts'], testTimeout: 300_000, fileParallelism: false },
      },
    ],
  },
});
