/** A stripe's receipts: how they are kept, and how what a dead holder left behind is found again. */
import { Fault } from '#core/fault.ts';
import { partRange } from '#core/plan.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import { isHigher, ReceiptsState, receiptsKey, type StripeState, stripeRank } from '#core/state.ts';
import type { Drive } from './drive.ts';
import { itemOf } from './item.ts';
import { partsInReach, splitFull } from './stripe-parts.ts';

export function sizeOf({ moving, head }: Pick<Drive, 'moving' | 'head'>, number: number): number {
  const range = partRange(moving.plan, number, head.file.sizeBytes);
  return range.end - range.start;
}

/** The stripe with more receipts. */
export function withReceipts(drive: Drive, stripe: StripeState, receipts: ReadonlyMap<number, string>): StripeState {
  let doneBytes = stripe.doneBytes;
  const have = { ...stripe.have };
  for (const [number, tag] of receipts) {
    have[number] = tag;
    doneBytes += sizeOf(drive, number);
  }
  return { ...stripe, have, doneBytes, doneParts: stripe.doneParts + receipts.size };
}

/** Writes out every full block as a row of its own, then commits the stripe at its next block. */
export async function commitStripe(drive: Drive, before: StripeState, after: StripeState): Promise<StripeState> {
  const { engine, lease, moving, head } = drive;
  let next = after;
  for (let split = splitFull(moving.plan, next); split !== null; split = splitFull(moving.plan, next)) {
    const key = receiptsKey(head.file.transferId, head.sessionNo, next.block);
    const state: ReceiptsState = { v: 1, have: split.full };
    await engine.table.create({ ...key, queue: null, dueAt: null, phase: 'kept', state }, engine.clock.now());
    next = { ...next, block: next.block + moving.plan.stripes, have: split.rest };
  }
  if (!isHigher(stripeRank(next), stripeRank(before))) {
    throw new Fault('bug', 'engine.rank', 'a commit of a stripe must raise its rank');
  }
  await lease.commit({ phase: 'moving', state: next });
  return next;
}

/**
 * Receipts of parts that may have landed without our knowing, in reach of the stripe: the destination is asked, and what it holds
 * in the size that we would send is not sent again. None when there is no doubt. Throws the provider's Faults; Fault `gone`
 * `session.gone` when the destination has dropped the session.
 */
export async function foundThere(drive: Drive, provider: PushProvider): Promise<ReadonlyMap<number, string>> {
  const { lease, moving, head, budget, stripe } = drive;
  const reach = partsInReach(moving.plan, stripe);
  const [from, to] = [reach[0], reach.at(-1)];
  if (!stripe.unsure || from === undefined || to === undefined) return new Map();
  const signal = AbortSignal.any([lease.signal, budget.signal]);
  const holding = await provider.inspect(moving.session, itemOf(head), { from, to }, { signal });
  if (holding.kind === 'gone') {
    throw new Fault('gone', 'session.gone', 'the destination has dropped the upload session');
  }
  const mine = new Set(reach.filter((number) => !(number in stripe.have)));
  const held = (holding.kind === 'partial' ? holding.held : [])
    .filter(({ number, sizeBytes }) => mine.has(number) && sizeBytes === sizeOf(drive, number))
    .map(({ number, tag }): [number, string] => [number, tag]);
  return new Map([...held, ...(await writtenOut(drive))]);
}

/** The stripe as it goes on in this lease, with what was found. */
export async function adopted(drive: Drive, found: ReadonlyMap<number, string>): Promise<StripeState> {
  const { head } = drive;
  const { waitsFor: _, ...stripe } = drive.stripe;
  const sure = { ...stripe, unsure: false };
  const next =
    stripe.attempt === head.attempt ? sure : { ...sure, attempt: head.attempt, streak: 0, starved: 0, fault: null };
  return found.size === 0 ? next : commitStripe(drive, stripe, withReceipts(drive, next, found));
}

/**
 * Receipts that a holder wrote out who died before it could move on: of the block under way, and of the next one, when that is so
 * short that it was in reach as a whole.
 */
async function writtenOut({ engine, head, moving, stripe }: Drive): Promise<[number, string][]> {
  const found: [number, string][] = [];
  for (const block of [stripe.block, stripe.block + moving.plan.stripes]) {
    const row = await engine.table.get(receiptsKey(head.file.transferId, head.sessionNo, block));
    if (row === null) break;
    for (const [number, tag] of Object.entries(ReceiptsState.parse(row.state).have)) {
      if (!(number in stripe.have)) found.push([Number(number), tag]);
    }
  }
  return found;
}
