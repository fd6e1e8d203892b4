/**
 * The look after a release: what came between the last read and the release is found here, so that a hint which met a held row
 * may be dropped.
 */
import { BLOCK_PARTS, blockCount, blockParts } from '#core/plan.ts';
import type { RowKey, WorkRow } from '#core/ports/work-table.ts';
import { HeadState, headKey, readyAt, StripeState } from '#core/state.ts';
import type { Engine } from './engine.ts';
import {
  claimedAlgorithms,
  computedDigests,
  hasReadyPart,
  mayOpen,
  mayReopen,
  missingDigests,
  stripesOf,
} from './readiness.ts';

/** Looks at a head once more; wakes it when there is something to do. */
export async function lookAtHead(engine: Engine, key: RowKey): Promise<void> {
  const row = await engine.table.get(key);
  if (row === null || row.queue === null || row.hold === 'lease') return;
  const head = HeadState.parse(row.state);
  if (row.wish === 'cancel' && row.phase !== 'finishing') {
    if (row.hold === 'wait') await wakeAndSend(engine, key, 0);
    return;
  }
  if (row.hold === 'rest') return;
  if (row.wish === 'pause' && row.phase !== 'finishing') {
    if (row.dueAt !== null) await wakeAndSend(engine, key, readyAt(head));
    return;
  }
  if (row.dueAt === null || (await headHasWork(engine, row, head))) await wakeAndSend(engine, key, readyAt(head));
}

/** Looks at a stripe once more. */
export async function lookAtStripe(engine: Engine, key: RowKey): Promise<void> {
  const row = await engine.table.get(key);
  if (row === null) return;
  const stripe = StripeState.parse(row.state);
  const headRow = await engine.table.get(headKey(stripe.transferId));
  if (headRow === null) return;
  const head = HeadState.parse(headRow.state);
  const isFaulty = stripe.fault?.attempt === head.attempt;
  if (row.queue === null || isFaulty || headRow.wish === 'cancel') {
    return wakeAndSend(engine, headKey(stripe.transferId), headRow.wish === 'cancel' ? 0 : readyAt(head));
  }
  if (row.hold !== 'wait' || head.step.phase !== 'moving' || head.sessionNo !== stripe.sessionNo) return;
  if (headRow.wish === 'pause') return;
  if (row.dueAt === null || (await hasReadyPart(engine, head, head.step, partsOf(stripe, head.step.plan)))) {
    await wakeAndSend(engine, key, readyAt(head));
  }
}

async function headHasWork(engine: Engine, row: WorkRow, head: HeadState): Promise<boolean> {
  const { step } = head;
  if (step.phase === 'finishing') return false;
  if (step.phase === 'moving') {
    const stripes = await stripesOf(engine, row, head);
    if (stripes.length < step.plan.stripes) return true;
    if (stripes.some(({ state }) => state.fault?.attempt === head.attempt)) return true;
    if (stripes.some((stripe) => stripe.row.queue !== null)) {
      return stripes.some((stripe) => stripe.row.queue !== null && stripe.row.dueAt === null);
    }
    return (await computedDigests(engine, head, claimedAlgorithms(head))) !== null;
  }
  const provider = await engine.destinations.provider(head.file.destinationId);
  if (step.phase === 'staging') return mayOpen(engine, head, provider);
  if (step.phase !== 'opening') return false;
  if ((await computedDigests(engine, head, missingDigests(head, provider))) === null) return false;
  return mayReopen(engine, head, step, row);
}

/** Missing parts of the block under way. */
function partsOf(stripe: StripeState, plan: Parameters<typeof blockParts>[0]): number[] {
  if (stripe.block >= blockCount(plan)) return [];
  const { from } = blockParts(plan, stripe.block);
  return Array.from({ length: BLOCK_PARTS }, (_, i) => from + i).filter(
    (number) => number <= plan.partCount && !(number in stripe.have),
  );
}

async function wakeAndSend(engine: Engine, key: RowKey, at: number): Promise<void> {
  await engine.table.wake(key, at, engine.clock.now(), at === 0 ? 'rest' : 'wait');
  await engine.dispatcher.send([{ pk: key.pk, sk: key.sk }]);
}
