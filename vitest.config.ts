import { defineConfig } from 'vitest/config';

/** Their first start takes 20 s, and as long again where Debian's packages have to be fetched. */
const STORES = ['test/**/*.radosgw.test.ts', 'test/journey/{foreign-clients,store-killed}.test.ts'];

/** Asks a store that somebody has started, where one is named. */
const BY_HAND = process.env['PROBE_ENDPOINT'] ? ['test/probe/by-hand.ts'] : [];

/**
 * Where the time goes: `unit` and `contract` are seconds, `simulation` is CPU, `infra` installs 320 MB once, `journey` starts real
 * processes and a browser, `stores` starts a radosgw that its files share.
 */
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
            '{core,adapters,clients,providers,functions,relay,agent,local,cli}/**/*.test.ts',
            'test/{agent,engine,fleet,web,providers,relay,cli,api,functions,clients,receipts,webhooks}/**/*.test.ts',
          ],
        },
      },
      {
        extends: true,
        test: { name: 'contract', include: ['test/{contract,bucket,probe}/**/*.test.ts', ...BY_HAND], exclude: STORES },
      },
      { extends: true, test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'], testTimeout: 300_000 } },
      {
        extends: true,
        test: {
          name: 'infra',
          include: ['test/infra/**/*.test.ts'],
          // The first of them installs SST's platform.
          testTimeout: 300_000,
          hookTimeout: 1_200_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'journey',
          include: ['test/{journey,lambda,containers}/**/*.test.ts'],
          exclude: STORES,
          testTimeout: 300_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'stores',
          include: STORES,
          globalSetup: ['test/support/radosgw-setup.ts'],
          testTimeout: 300_000,
        },
      },
    ],
  },
});
