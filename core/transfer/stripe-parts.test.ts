import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blockCount, type PlanState } from '#core/plan.ts';
import { isThrough, missingParts, partsInReach, splitFull } from './stripe-parts.ts';

const planOf = (partCount: number, stripes: number, order: 'any' | 'ascending' = 'any'): PlanState => ({
  partBytes: 10,
  partCount,
  inFlightMax: 16,
  order,
  stripes,
});

/** Puts a stripe's parts in an order that `chance` decides; answers their numbers. */
function driven(plan: PlanState, index: number, want: number, chance: Iterator<number>): number[] {
  const done: number[] = [];
  let place = { block: index, want, have: {} as Record<string, string> };
  while (!isThrough(plan, place)) {
    const missing = missingParts(plan, place);
    const number = missing[(chance.next().value ?? 0) % missing.length];
    if (number === undefined) throw new Error('a block that is neither full nor missing anything');
    done.push(number);
    place = { ...place, have: { ...place.have, [number]: 'tag' } };
    for (let split = splitFull(plan, place); split !== null; split = splitFull(plan, place)) {
      place = { ...place, block: place.block + plan.stripes, have: split.rest };
    }
    expect(Object.keys(place.have).length).toBeLessThan(32 + 8);
  }
  return done;
}

describe('the stripes of a plan', () => {
  test('put every part once between them, whatever lands first', () => {
    const plans = fc.record({ partCount: fc.integer({ min: 1, max: 400 }), stripes: fc.integer({ min: 1, max: 8 }) });
    fc.assert(
      fc.property(plans, fc.integer({ min: 1, max: 20 }), fc.infiniteStream(fc.nat()), (sizes, want, chance) => {
        const plan = planOf(sizes.partCount, sizes.stripes);
        const indexes = Array.from({ length: sizes.stripes }, (_, index) => index);
        const done = indexes.flatMap((index) => driven(plan, index, want, chance));
        expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: sizes.partCount }, (_, i) => i + 1));
      }),
      { numRuns: 30 },
    );
  });

  test('reach into the next block they own, but only where the order allows', () => {
    const place = { block: 1, want: 3, have: {} };
    expect(partsInReach(planOf(200, 2), place).slice(-3)).toEqual([97, 98, 99]);
    expect(partsInReach(planOf(200, 2, 'ascending'), place).at(-1)).toBe(64);
    expect(partsInReach(planOf(200, 2), { ...place, want: 64 })).toHaveLength(32 + 8);
  });

  test('are through when there is no block left', () => {
    const plan = planOf(33, 1);
    expect(blockCount(plan)).toBe(2);
    expect(isThrough(plan, { block: 1, want: 1, have: {} })).toBe(false);
    expect(isThrough(plan, { block: 2, want: 1, have: {} })).toBe(true);
    expect(partsInReach(plan, { block: 2, want: 1, have: {} })).toEqual([]);
  });
});
