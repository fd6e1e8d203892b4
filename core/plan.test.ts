import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockCount, blockParts, type PlanState, partRange } from './plan.ts';

const plans = fc
  .record({ sizeBytes: fc.integer({ min: 0, max: 5_000 }), partBytes: fc.integer({ min: 1, max: 400 }) })
  .map(({ sizeBytes, partBytes }) => {
    const partCount = Math.ceil(sizeBytes / partBytes);
    const plan: PlanState = { partBytes, partCount, inFlightMax: 4, order: 'any', stripes: 1 };
    return { sizeBytes, plan };
  });

const numbersIn = ({ from, to }: { from: number; to: number }) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

test('blocks hold every part once, in order, and none is empty', () => {
  fc.assert(
    fc.property(plans, ({ plan }) => {
      const blocks = Array.from({ length: blockCount(plan) }, (_, block) => numbersIn(blockParts(plan, block)));
      expect(blocks.flat()).toEqual(Array.from({ length: plan.partCount }, (_, i) => i + 1));
      expect(blocks.every((numbers) => numbers.length >= 1 && numbers.length <= 32)).toBe(true);
    }),
  );
});

test('parts cover the file without a gap, and all but the last are of the same size', () => {
  fc.assert(
    fc.property(plans, ({ plan, sizeBytes }) => {
      let at = 0;
      for (let number = 1; number <= plan.partCount; number++) {
        const { start, end } = partRange(plan, number, sizeBytes);
        expect(start).toBe(at);
        expect(end - start).toBe(number < plan.partCount ? plan.partBytes : sizeBytes - at);
        at = end;
      }
      expect(at).toBe(sizeBytes);
    }),
  );
});
