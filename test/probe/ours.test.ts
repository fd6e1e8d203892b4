/** The probe on our own bucket. */
import { afterAll, beforeAll } from 'vitest';
import { BUCKET, CREDENTIAL, type Harness, REGION, startHarness } from '../bucket/support.ts';
import { probe } from './check.ts';
import { checks } from './checks.ts';
import { ourDifferences } from './differences.ts';
import { PAGE } from './store.ts';

let harness: Harness;

beforeAll(async () => {
  harness = await startHarness({ allowedOrigins: [PAGE] });
});
afterAll(() => harness?.stop());

probe(
  {
    name: 'our bucket',
    address: () => ({
      ...CREDENTIAL,
      endpoint: harness.server.url,
      region: REGION,
      bucket: BUCKET,
      forcePathStyle: true,
    }),
    differences: ourDifferences,
  },
  checks,
);
