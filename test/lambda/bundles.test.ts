import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, bundle, ENTRIES } from './bundle.ts';

const ZIPPED_BYTES_MAX = 2 * 1024 * 1024;
/** Large, and of use to few calls. */
const HEAVY = ['ali-oss', '@grpc/grpc-js', '@grpc/proto-loader'];
/** What Node reads before the first call is what a cold start takes: a new hundred KiB is some 10 ms. */
const EAGER_BYTES_MAX = { api: 1_350_000, move: 850_000, staged: 650_000, sweep: 650_000 };
/** The clients of the services that each calls, and nothing of what others need. */
const DRIVERLESS = ['staged', 'sweep'];

describe.each(ENTRIES)('the bundle of %s', (entry) => {
  let scratch: string;
  let made: Bundle;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'entrepot-bundle-'));
    made = await bundle(entry, scratch);
  });
  afterAll(() => rm(scratch, { recursive: true }));

  test('is at most 2 MiB in its zip', () => {
    expect(made.zippedBytes).toBeLessThanOrEqual(ZIPPED_BYTES_MAX);
  });

  test('loads the libraries of destinations only when one is asked', () => {
    expect(HEAVY.filter((name) => made.eager.has(name))).toEqual([]);
    expect(HEAVY.some((name) => made.lazy.has(name))).toBe(!DRIVERLESS.includes(entry));
  });

  test('reads no more than it needs at its start, and nothing that loads undici', () => {
    expect(made.eagerBytes).toBeLessThanOrEqual(EAGER_BYTES_MAX[entry]);
    expect(made.builtins.has('http')).toBe(false);
  });

  test('has no server and nothing of the tests in it', () => {
    const all = made.eager.union(made.lazy);
    expect(['ws', '@hono/node-server', 'commander', 'dynalite', 'vitest'].filter((name) => all.has(name))).toEqual([]);
  });
});
