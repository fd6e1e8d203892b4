/** Moving, seen from the head: stripes are made, woken, and found to be done. */
import type { Release } from '#core/ports/work-table.ts';
import { begunQueue, type Moving, readyAt, type StripeState, stripeKey, withEvent } from '#core/state.ts';
import { carriedAlone } from './alone.ts';
import { endStale } from './canceling.ts';
import { mismatched, wrongClaim } from './claims.ts';
import { ensureDigest } from './digest-row.ts';
import { idleDelayMs, MAX_SESSIONS } from './engine.ts';
import { commitStep, endWith, failure, type HeadStep, type Onward, reopened, waiting } from './head-step.ts';
import { faultOf } from './kept-fault.ts';
import { claimedAlgorithms, claimedDigests, stripesOf } from './readiness.ts';

export async function arm(context: HeadStep, moving: Moving): Promise<Onward> {
  const { engine, lease, head } = context;
  if (moving.alone === lease.token) {
    const carried = await carriedAlone(context, moving);
    if (carried.kind === 'landed') return finishIfVerified(context, moving, [], carried.tag);
    if (carried.kind === 'canceled') return { head };
  }
  let stripes = await stripesOf(engine, lease.row, head);
  if (stripes.length < moving.plan.stripes) {
    await hashClaimed(context);
    await makeStripes(context, moving);
    stripes = await stripesOf(engine, lease.row, head);
  }
  const fault = stripes.map(({ state }) => state.fault).find((found) => found?.attempt === head.attempt);
  if (fault) return { release: await afterStripeFault(context, fault) };

  const doneParts = stripes.reduce((total, { state }) => total + state.doneParts, 0);
  if (stripes.every(({ row }) => row.queue === null) && doneParts === moving.plan.partCount) {
    return finishIfVerified(
      context,
      moving,
      stripes.map(({ state }) => state),
    );
  }
  for (const { row } of stripes) {
    if (row.queue !== null && row.dueAt === null) await engine.table.wake(row, readyAt(head), engine.clock.now());
  }
  const ready = stripes.filter(({ row }) => row.queue !== null && row.hold !== 'lease').map(({ row }) => row);
  await engine.dispatcher.send(ready.map(({ pk, sk }) => ({ pk, sk })));
  const movedAt = Math.max(head.startedAt ?? 0, ...stripes.map(({ state }) => state.movedAt));
  return { release: { to: 'wait', dueAt: engine.clock.now() + idleDelayMs(engine.clock.now() - movedAt) } };
}

/** Begun with the parts, so that claims are known to hold or not when the last part is through. */
async function hashClaimed({ engine, head }: HeadStep): Promise<void> {
  const claimed = claimedAlgorithms(head);
  if (claimed.length > 0) await ensureDigest(engine, head.file, claimed, 'meanwhile');
}

/** Stripes are a pure function of the plan: making them again finds them made. */
async function makeStripes({ engine, head }: HeadStep, { plan, alone }: Moving): Promise<void> {
  const { transferId, destinationId } = head.file;
  const parts = Math.min(engine.limits.parts, plan.inFlightMax);
  for (let index = 0; index < plan.stripes; index++) {
    const state: StripeState = {
      v: 1,
      transferId,
      sessionNo: head.sessionNo,
      index,
      attempt: head.attempt,
      want: shareOf(parts, plan.stripes, index),
      readyAt: readyAt(head),
      block: index,
      have: {},
      doneParts: 0,
      doneBytes: 0,
      movedAt: engine.clock.now(),
      failures: 0,
      streak: 0,
      starved: 0,
      rateBytesPerSecond: 0,
      unsure: alone !== undefined,
      fault: null,
    };
    await engine.table.create(
      {
        ...stripeKey(transferId, head.sessionNo, index),
        queue: begunQueue(destinationId),
        dueAt: readyAt(head),
        phase: 'moving',
        state,
      },
      engine.clock.now(),
    );
  }
}

/** Parts are dealt out whole, so that the gate has room for every stripe of a transfer that it lets in. */
function shareOf(parts: number, stripes: number, index: number): number {
  return Math.max(1, Math.floor(parts / stripes) + (index < parts % stripes ? 1 : 0));
}

/** Claimed digests are compared with the staged bytes before anything is called finished. */
async function finishIfVerified(
  context: HeadStep,
  moving: Moving,
  stripes: readonly StripeState[],
  tag?: string,
): Promise<Onward> {
  const { engine, lease, head } = context;
  const computed = await claimedDigests(engine, head, stripes);
  if (computed === null) {
    await ensureDigest(engine, head.file, claimedAlgorithms(head), 'prompt');
    return { release: waiting(engine, head) };
  }
  const wrong = wrongClaim(head, computed);
  if (wrong !== undefined) {
    return { release: mismatched(engine, head, wrong) };
  }
  if (await isReplaced(context)) return { release: await endStale(context) };
  const { session, plan } = moving;
  return commitStep(context, {
    phase: 'finishing',
    session,
    plan,
    startedBy: lease.token,
    startedAt: engine.clock.now(),
    settlingSince: null,
    ...(tag === undefined ? {} : { tag }),
  });
}

async function isReplaced({ engine, head }: HeadStep): Promise<boolean> {
  const { layout } = head.file;
  if (layout.kind !== 'object') return false;
  return (await engine.source.stat(layout.key))?.version !== layout.version;
}

async function afterStripeFault(context: HeadStep, fault: NonNullable<StripeState['fault']>): Promise<Release> {
  const { engine, head } = context;
  if (fault.error.code === 'staging.changed') return endStale(context);
  if (fault.kind === 'gone' && head.sessionNo < MAX_SESSIONS) {
    const noted = withEvent(head, engine.clock.now(), 'gone', fault.error.code);
    const again = reopened({ ...noted, failures: head.failures + 1 });
    return { to: 'wait', dueAt: readyAt(head), advance: { phase: 'opening', state: again } };
  }
  return endWith(engine, head, failure(engine, head, faultOf(fault)));
}
