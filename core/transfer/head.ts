/** One lease of a transfer's head: opens, arms the stripes, finishes; or ends it by a wish or a fault. */

import { Fault, LeaseLost, toFault } from '#core/fault.ts';
import type { Release } from '#core/ports/work-table.ts';
import { HeadState, readyAt, withEvent } from '#core/state.ts';
import { faultTrace } from '#core/trace.ts';
import { arm } from './arming.ts';
import { backoffMs, isWorthRetrying } from './backoff.ts';
import { cancel, endStale } from './canceling.ts';
import { ensureDigest } from './digest-row.ts';
import { type Budget, type Engine, MAX_SESSIONS } from './engine.ts';
import { finish } from './finishing.ts';
import {
  commitStep,
  endWith,
  failure,
  type HeadStep,
  logged,
  type Onward,
  paused,
  reopened,
  waiting,
} from './head-step.ts';
import type { Lease } from './lease.ts';
import { open } from './opening.ts';
import { mayOpen, missingDigests } from './readiness.ts';

export async function advanceHead(engine: Engine, lease: Lease, budget: Budget): Promise<Release | null> {
  let head = HeadState.parse(lease.row.state);
  const signal = AbortSignal.any([lease.signal, budget.signal]);
  for (;;) {
    lease.signal.throwIfAborted();
    const row = await engine.table.get(lease.key);
    if (row === null || row.token !== lease.token) throw new LeaseLost();
    const phase = head.step.phase;
    if (phase === 'done' || phase === 'failed' || phase === 'canceled') return { to: 'ended' };
    const current = head;
    try {
      if (row.wish === 'cancel' && phase !== 'finishing') {
        return await cancel({ engine, lease, head: current, signal }, 'canceled');
      }
      if (row.wish === 'pause' && phase !== 'finishing') return paused(engine, current);
      const provider = await engine.destinations.provider(head.file.destinationId);
      if (provider.mode !== 'push') throw new Fault('bug', 'engine.lane', 'a serving destination belongs to the relay');
      const onward = await step({ engine, lease, provider, head, signal });
      if ('release' in onward) return onward.release;
      head = onward.head;
    } catch (error) {
      if (lease.signal.aborted || error instanceof LeaseLost) throw error;
      if (budget.signal.aborted) return { to: 'wait', dueAt: readyAt(current) };
      const fault = toFault(error);
      if (fault.code === 'staging.changed') return endStale({ engine, lease, head: current, signal });
      return afterFault(engine, current, fault);
    }
  }
}

async function step(context: HeadStep): Promise<Onward> {
  const { engine, head, provider } = context;
  const current = head.step;
  switch (current.phase) {
    case 'staging': {
      if (await mayOpen(engine, head, provider)) {
        return commitStep(context, { phase: 'opening', rounds: 0, asks: [], known: {} });
      }
      const missing = missingDigests(head, provider);
      if (missing.length > 0) return { release: await waitForDigest(context, missing) };
      return { release: waiting(engine, head) };
    }
    case 'opening':
      return open(context, current);
    case 'moving':
      return arm(context, current);
    case 'finishing':
      return finish(context, current);
    default:
      throw new Fault('bug', 'engine.phase', `nothing to do in phase ${current.phase}`);
  }
}

async function waitForDigest({ engine, head }: HeadStep, missing: ReturnType<typeof missingDigests>): Promise<Release> {
  await ensureDigest(engine, head.file, missing, 'prompt');
  const marked = head.events.at(-1)?.type === 'hashing' ? head : withEvent(head, engine.clock.now(), 'hashing');
  return { ...waiting(engine, head), advance: { phase: head.step.phase, state: marked } };
}

function afterFault(engine: Engine, head: HeadState, fault: Fault): Release {
  const now = engine.clock.now();
  const counted: HeadState = { ...head, failures: head.failures + 1, streak: head.streak + 1 };
  engine.log.error('transfer.fault', { ...logged(head), ...faultTrace(fault) });
  if (isWorthRetrying(fault, counted.streak)) {
    const noted = withEvent(counted, now, 'fault', fault.code);
    return {
      to: 'rest',
      dueAt: now + backoffMs(engine.clock, fault, counted.streak),
      advance: { phase: head.step.phase, state: noted },
    };
  }
  if (fault.kind === 'gone' && 'session' in head.step && head.sessionNo < MAX_SESSIONS) {
    const again = reopened(withEvent(counted, now, 'gone', fault.code));
    return { to: 'wait', dueAt: readyAt(head), advance: { phase: 'opening', state: again } };
  }
  return endWith(engine, counted, failure(engine, counted, fault));
}
