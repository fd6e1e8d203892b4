/**
 * The probe on any store, by hand: `PROBE_ENDPOINT`, `PROBE_ACCESS_KEY_ID`, `PROBE_SECRET_ACCESS_KEY`, and if need be
 * `PROBE_REGION` (us-east-1), `PROBE_BUCKET` (a new one) and `PROBE_DIFFERENCES` (`swift`; else none are expected).
 */
import { ulid } from 'ulid';
import { beforeAll, describe } from 'vitest';
import { probe } from './check.ts';
import { checks } from './checks.ts';
import { swiftDifferences } from './differences.ts';
import { setUp } from './set-up.ts';

const {
  PROBE_ENDPOINT: endpoint = '',
  PROBE_ACCESS_KEY_ID: accessKeyId = '',
  PROBE_SECRET_ACCESS_KEY: secretAccessKey = '',
  PROBE_REGION: region = 'us-east-1',
  PROBE_BUCKET: bucket = `probe-${ulid().toLowerCase()}`,
  PROBE_DIFFERENCES: differences,
} = process.env;

describe.runIf(endpoint !== '')('the probe', () => {
  const address = { endpoint, accessKeyId, secretAccessKey, region, bucket, forcePathStyle: true };
  // A store without CORS rules of its own is told by the checks about pages.
  beforeAll(() => setUp(address).catch((error: Error) => process.stderr.write(`set-up: ${error.name}\n`)));

  const known = differences === 'swift' ? swiftDifferences : [];
  probe({ name: endpoint, address: () => address, differences: known }, checks);
});
