/** The probe on Debian's radosgw, whose answers tell us where ours are only our own opinion. */
import { ulid } from 'ulid';
import { beforeAll, describe, inject } from 'vitest';
import { probe } from './check.ts';
import { checks } from './checks.ts';
import { radosgwDifferences } from './differences.ts';
import { setUp } from './set-up.ts';

const given = inject('radosgw');
const bucket = `probe-${ulid().toLowerCase()}`;

describe.runIf(given !== null)('the probe', () => {
  beforeAll(() => setUp(address()));

  probe({ name: 'radosgw 16', address, differences: radosgwDifferences }, checks);
});

function address() {
  if (given === null) throw new Error('no radosgw');
  return { ...given, bucket };
}
