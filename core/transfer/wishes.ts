/** What people want of a transfer: pause, resume, cancel, retry. Written beside the holder's fields, never over them. */
import { Fault } from '#core/fault.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { HeadState, headKey, queueOf, readyAt, uploadKey, withEvent } from '#core/state.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { IDLE_EXPIRY_MS } from './collect.ts';
import type { Engine } from './engine.ts';

export type WishEngine = Pick<Engine, 'table' | 'dispatcher' | 'clock'>;

/** Holders let go at their next look, parts under way are finished. Fault `rejected` `transfer.ended`, `transfer.finishing`, `transfer.canceling`. */
export async function pause(engine: WishEngine, id: TransferId): Promise<void> {
  await wish(engine, id, 'pause');
}

export async function resume(engine: WishEngine, id: TransferId): Promise<void> {
  await wish(engine, id, null);
}

/** Final. The remote session is discarded once nobody sends any more. */
export async function cancel(engine: WishEngine, id: TransferId): Promise<void> {
  const row = await headRow(engine, id);
  if (row.phase === 'canceled') return;
  await wish(engine, id, 'cancel');
}

/** A failed transfer goes on where it stopped: same session, same receipts. The upload is touched first, so that it stays. */
export async function retry(engine: WishEngine, id: TransferId): Promise<void> {
  const { table, clock, dispatcher } = engine;
  const row = await headRow(engine, id);
  const head = HeadState.parse(row.state);
  if (head.step.phase !== 'failed') {
    throw new Fault('rejected', 'transfer.not_failed', 'only a failed transfer can be tried again');
  }
  const now = clock.now();
  if (!(await table.touch(uploadKey(head.file.uploadId), now + IDLE_EXPIRY_MS, 'open', now))) {
    throw new Fault('rejected', 'upload.expired', 'the staged bytes are no longer kept: upload the file again');
  }
  const next: HeadState = {
    ...withEvent(head, now, 'retry'),
    attempt: head.attempt + 1,
    streak: 0,
    step: head.step.resume.phase === 'opening' ? { ...head.step.resume, rounds: 0 } : head.step.resume,
  };
  const queue = queueOf(head, head.sessionNo === 0 ? 'waiting' : 'begun');
  const as = { queue, dueAt: readyAt(head), phase: next.step.phase, state: next };
  if (!(await table.revive(row, row.token, as, now))) {
    throw new Fault('rejected', 'transfer.not_failed', 'this transfer has been tried again already');
  }
  // Who tries again does not want it paused any more.
  if (row.wish === 'pause') await table.wish(row, null, clock.now());
  await dispatcher.send([headKey(id)]);
}

async function wish(engine: WishEngine, id: TransferId, wanted: 'pause' | 'cancel' | null): Promise<void> {
  const { table, clock, dispatcher } = engine;
  const key = headKey(id);
  if (!(await table.wish(key, wanted, clock.now()))) {
    const row = await headRow(engine, id);
    if (row.queue !== null && row.phase === 'finishing') {
      throw new Fault('rejected', 'transfer.finishing', 'this transfer is being finished at the destination');
    }
    if (row.queue !== null && row.wish === 'cancel') {
      throw new Fault('rejected', 'transfer.canceling', 'this transfer is being cancelled');
    }
    throw new Fault('rejected', 'transfer.ended', 'this transfer has ended');
  }
  await table.wake(key, wanted === 'cancel' ? 0 : clock.now(), clock.now(), wanted === 'pause' ? 'wait' : 'rest');
  await dispatcher.send([key]);
}

async function headRow({ table }: WishEngine, id: TransferId): Promise<WorkRow> {
  const row = await table.get(headKey(id));
  if (row === null) throw new Fault('rejected', 'transfer.unknown', 'there is no such transfer');
  return row;
}
