/** Which parts a stripe works on. Pure, so that the look after a release sees what its driver saw. */
import { blockCount, blockParts, type PlanState } from '#core/plan.ts';
import type { StripeState } from '#core/state.ts';

/** Parts of the next block that may be begun while the last ones of a block are under way; bounds the row too. */
const AHEAD_MOST = 8;

type Place = Pick<StripeState, 'block' | 'want' | 'have'>;

/** Numbers of the parts in reach, ascending: the block under way, then the first ones of the next block that it owns. */
export function partsInReach(plan: PlanState, { block, want }: Place): number[] {
  const numbers = numbersOf(plan, block);
  if (plan.order === 'any') numbers.push(...numbersOf(plan, block + plan.stripes).slice(0, Math.min(want, AHEAD_MOST)));
  return numbers;
}

/** Those in reach that have no receipt yet. */
export function missingParts(plan: PlanState, place: Place): number[] {
  return partsInReach(plan, place).filter((number) => !(number in place.have));
}

/** Every block is written out: nothing is left to put. */
export function isThrough(plan: PlanState, { block }: Place): boolean {
  return block >= blockCount(plan);
}

/** The receipts of the block under way when they are all there, and those that go beyond it. */
export function splitFull(
  plan: PlanState,
  place: Place,
): { readonly full: Record<string, string>; readonly rest: Record<string, string> } | null {
  if (isThrough(plan, place)) return null;
  const { from, to } = blockParts(plan, place.block);
  const isMine = ([number]: [string, string]) => Number(number) >= from && Number(number) <= to;
  const all = Object.entries(place.have);
  const full = all.filter(isMine);
  if (full.length !== to - from + 1) return null;
  return { full: Object.fromEntries(full), rest: Object.fromEntries(all.filter((entry) => !isMine(entry))) };
}

function numbersOf(plan: PlanState, block: number): number[] {
  if (block >= blockCount(plan)) return [];
  const { from, to } = blockParts(plan, block);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
