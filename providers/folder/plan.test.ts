import fc from 'fast-check';
import { expect, it } from 'vitest';
import { planParts } from './plan.ts';

const MIB = 1024 ** 2;

it('parts are a multiple or divisor of the chunks, at most 10,000, for every size and chunk', () => {
  const sizes = fc.integer({ min: 0, max: 53_687_091_200_000 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 6 * 1024 ** 3 }), (sizeBytes, chunkBytes) => {
      const { partBytes } = planParts(sizeBytes, chunkBytes);
      expect(Number.isInteger(partBytes) && partBytes > 0).toBe(true);
      expect(partBytes % chunkBytes === 0 || chunkBytes % partBytes === 0).toBe(true);
      expect(Math.ceil(sizeBytes / partBytes)).toBeLessThanOrEqual(10_000);
    }),
  );
});

it.each([
  ['a small file has parts of one chunk', 26 * MIB, 10 * MIB, 10 * MIB],
  ['chunks too large for one lease are cut', 5_120 * MIB, 512 * MIB, 64 * MIB],
  ['small chunks of a large file are joined', 100_000 * MIB, 8 * MIB, 16 * MIB],
])('%s', (_law, sizeBytes, chunkBytes, partBytes) => {
  expect(planParts(sizeBytes, chunkBytes)).toEqual({ partBytes, inFlightMax: 8, order: 'any' });
});
