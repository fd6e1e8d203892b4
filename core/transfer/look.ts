/**
 * The look after a release: what came between the last read and the release is found here, so that a hint which met a held row
 * may be dropped.
 */
import { Fault } from '#core/fault.ts';
import type { RowKey, WorkRow } from '#core/ports/work-table.ts';
import { DigestState, HeadState, headKey, readyAt, StripeState, UploadState } from '#core/state.ts';
import { isRemovable } from './collect.ts';
import { CANCEL_LOOK_MS, type Engine } from './engine.ts';
import { isPaused } from './head-step.ts';
import {
  claimedAlgorithms,
  claimedDigests,
  computedDigests,
  hasBytesToHash,
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
  const isFinishing = row.phase === 'finishing';
  if (row.wish === 'cancel' && !isFinishing) {
    const isSoon = row.hold === 'rest' && (row.dueAt ?? 0) <= engine.clock.now() + CANCEL_LOOK_MS;
    if (!isSoon) await wakeAndSend(engine, key, 0, 'rest');
    return;
  }
  if (row.hold === 'rest') {
    if (isPaused(head) && row.wish === null) await wakeAndSend(engine, key, readyAt(head), 'rest');
    return;
  }
  const isWanted = row.dueAt === null || (row.wish === 'pause' && !isFinishing);
  if (isWanted || (await orFault(headHasWork(engine, row, head)))) await wakeAndSend(engine, key, readyAt(head));
}

/** Looks at a stripe once more. */
export async function lookAtStripe(engine: Engine, key: RowKey): Promise<void> {
  const row = await engine.table.get(key);
  if (row === null) return;
  const stripe = StripeState.parse(row.state);
  const own = headKey(stripe.transferId);
  const headRow = await engine.table.get(own);
  if (headRow === null) return;
  const head = HeadState.parse(headRow.state);
  if (headRow.wish === 'cancel') return wakeAndSend(engine, own, 0, 'rest');
  if (row.queue === null || stripe.fault?.attempt === head.attempt) return wakeAndSend(engine, own, readyAt(head));
  const { step } = head;
  if (row.hold !== 'wait' || step.phase !== 'moving' || head.sessionNo !== stripe.sessionNo) return;
  if (headRow.wish === 'pause') return;
  if (row.dueAt === null || (await orFault(hasReadyPart(engine, head, step, stripe)))) {
    await wakeAndSend(engine, key, readyAt(head));
  }
}

/** Looks at a digest row once more. */
export async function lookAtDigest(engine: Engine, key: RowKey): Promise<void> {
  const row = await engine.table.get(key);
  if (row === null || row.queue === null || row.hold !== 'wait') return;
  if (await orFault(hasBytesToHash(engine, DigestState.parse(row.state)))) {
    await wakeAndSend(engine, key, engine.clock.now());
  }
}

/** Looks at an upload once more: its last transfer may have ended meanwhile. */
export async function lookAtUpload(engine: Engine, key: RowKey): Promise<void> {
  const row = await engine.table.get(key);
  if (row === null || row.queue === null || row.hold !== 'wait') return;
  const now = engine.clock.now();
  const isDue = row.dueAt !== null && row.dueAt <= now;
  if (isDue || (row.phase === 'open' && (await isRemovable(engine, UploadState.parse(row.state))))) {
    await wakeAndSend(engine, key, now);
  }
}

async function headHasWork(engine: Engine, row: WorkRow, head: HeadState): Promise<boolean> {
  const { step } = head;
  if (step.phase === 'finishing') return false;
  if (step.phase === 'moving' && head.lane === 'serve') {
    // It may have waited for digests of what was claimed.
    return claimedAlgorithms(head).length > 0 && (await claimedDigests(engine, head, [])) !== null;
  }
  if (step.phase === 'moving') {
    const stripes = await stripesOf(engine, row, head);
    if (stripes.length < step.plan.stripes) return true;
    if (stripes.some(({ state }) => state.fault?.attempt === head.attempt)) return true;
    if (stripes.some((stripe) => stripe.row.queue !== null)) {
      return stripes.some((stripe) => stripe.row.queue !== null && stripe.row.dueAt === null);
    }
    const states = stripes.map(({ state }) => state);
    return (await claimedDigests(engine, head, states)) !== null;
  }
  const provider = await engine.destinations.provider(head.file.destinationId);
  if (step.phase === 'staging') return mayOpen(engine, head, provider);
  if (step.phase !== 'opening') return false;
  if ((await computedDigests(engine, head, missingDigests(head, provider))) === null) return false;
  return mayReopen(engine, head, step, row.answers);
}

/** Where a question cannot be answered, whoever holds the row next meets the fault and deals with it. */
async function orFault(question: Promise<boolean>): Promise<boolean> {
  try {
    return await question;
  } catch (error) {
    if (error instanceof Fault) return true;
    throw error;
  }
}

async function wakeAndSend(engine: Engine, key: RowKey, at: number, from: 'wait' | 'rest' = 'wait'): Promise<void> {
  await engine.table.wake(key, at, engine.clock.now(), from);
  await engine.dispatcher.send([{ pk: key.pk, sk: key.sk }]);
}
