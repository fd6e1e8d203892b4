import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planParts } from './plan.ts';

const MIB = 1024 ** 2;
const wanted = fc.option(fc.integer({ min: 5 * MIB, max: 1024 * MIB }), { nil: undefined });

it('parts are of a size that every S3 takes, and at most 10,000, for every size, chunk and wish', () => {
  const sizes = fc.integer({ min: 0, max: 48 * 1024 ** 4 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 5 * 1024 * MIB }), wanted, (sizeBytes, chunkBytes, wish) => {
      const { partBytes } = planParts(sizeBytes, chunkBytes, wish);
      const count = Math.ceil(sizeBytes / partBytes);
      expect(Number.isSafeInteger(partBytes) && partBytes > 0).toBe(true);
      expect(count).toBeLessThanOrEqual(10_000);
      if (count > 1) expect(partBytes).toBeGreaterThanOrEqual(5 * MIB);
    }),
  );
});

it('parts of several chunks are a multiple or divisor of them', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 512 }), wanted, (count, mib, wish) => {
      const chunkBytes = mib * MIB;
      const { partBytes } = planParts(count * chunkBytes, chunkBytes, wish);
      if (count > 1) expect(partBytes % chunkBytes === 0 || chunkBytes % partBytes === 0).toBe(true);
    }),
  );
});

it.each([
  ['a part is a chunk', 26 * MIB, 10 * MIB, undefined, 10 * MIB],
  ['chunks too large for one lease are cut', 5_120 * MIB, 512 * MIB, undefined, 64 * MIB],
  ['small chunks are joined', 20 * MIB, 2 * MIB, undefined, 6 * MIB],
  ['small chunks of a large file are joined further', 100_000 * MIB, 8 * MIB, undefined, 16 * MIB],
  ['a wish joins chunks', 100 * MIB, 10 * MIB, 25 * MIB, 20 * MIB],
  ['a wish cuts chunks', 100 * MIB, 20 * MIB, 10 * MIB, 10 * MIB],
  ['one staged object is cut as it suits', 101 * MIB + 1, 101 * MIB + 1, undefined, 16 * MIB],
  ['one staged object is cut as wished', 101 * MIB + 1, 101 * MIB + 1, 5 * MIB, 5 * MIB],
  ['a small staged object is one part', 7, 7, undefined, 7],
])('%s', (_law, sizeBytes, chunkBytes, wish, partBytes) => {
  expect(planParts(sizeBytes, chunkBytes, wish)).toEqual({ partBytes, inFlightMax: 16, order: 'any' });
});
