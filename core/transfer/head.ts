/** One lease of a transfer's head, whoever drives it: ends it by a wish or a fault, else takes one step after the other. */
import { type Fault, LeaseLost, toFault } from '#core/fault.ts';
import type { Provider } from '#core/ports/provider.ts';
import type { Release } from '#core/ports/work-table.ts';
import { HeadState, queueOf, readyAt, withEvent } from '#core/state.ts';
import { faultTrace } from '#core/trace.ts';
import { backoffMs, isWorthRetrying } from './backoff.ts';
import { cancel, endStale } from './canceling.ts';
import { type Engine, MAX_SESSIONS } from './engine.ts';
import { endWith, failure, type HeadStep, isPaused, logged, type Onward, reopened } from './head-step.ts';
import type { Lease } from './lease.ts';

/** What differs between heads that functions drive and those that a relay drives. */
export interface HeadLane<P extends Provider> {
  /** Parts that a head may put itself under its place at the gate; 0: none. */
  readonly granted: number;
  /** The provider, if it is one of this lane. */
  of(provider: Provider): P | null;
  /** Takes the step of the head's phase. */
  step(context: HeadStep<P>): Promise<Onward>;
  /** Lets go until the pause is taken back. */
  pause(context: Omit<HeadStep<P>, 'provider' | 'granted'>): Promise<Release>;
}

/** `stop` aborts when the work must end in good order: the head is then left to whoever comes next. */
export async function advanceHead<P extends Provider>(
  engine: Engine,
  lease: Lease,
  stop: AbortSignal,
  lane: HeadLane<P>,
): Promise<Release | null> {
  let head = HeadState.parse(lease.row.state);
  const signal = AbortSignal.any([lease.signal, stop]);
  for (;;) {
    lease.signal.throwIfAborted();
    const row = await engine.table.get(lease.key);
    if (row === null || row.token !== lease.token) throw new LeaseLost();
    const phase = head.step.phase;
    // Written down with whatever comes of this lease.
    const resumed = row.wish === null && isPaused(head) ? withEvent(head, engine.clock.now(), 'resumed') : null;
    head = resumed ?? head;
    if (phase === 'done' || phase === 'failed' || phase === 'canceled') return { to: 'ended' };
    let current = head;
    const kept = (next: HeadState): void => {
      current = next;
    };
    try {
      if (row.wish === 'cancel' && phase !== 'finishing') {
        return await cancel({ engine, lease, head: current, signal }, 'canceled');
      }
      if (row.wish === 'pause' && phase !== 'finishing') {
        return await lane.pause({ engine, lease, head, signal, kept });
      }
      const found = await engine.destinations.provider(head.file.destinationId);
      const provider = lane.of(found);
      if (provider === null) return await toLaneOf(found, engine, lease, current);
      const onward = await lane.step({ engine, lease, provider, head, signal, kept, granted: lane.granted });
      if ('release' in onward) return current === resumed ? withNews(onward.release, resumed) : onward.release;
      head = onward.head;
    } catch (error) {
      if (lease.signal.aborted || error instanceof LeaseLost) throw error;
      if (stop.aborted) return { to: 'wait', dueAt: readyAt(current) };
      const fault = toFault(error);
      if (fault.code === 'staging.changed') return endStale({ engine, lease, head: current, signal });
      return afterFault(engine, current, fault);
    }
  }
}

/** A release that writes nothing by itself takes along what has happened. */
function withNews(release: Release, head: HeadState): Release {
  return release.advance === undefined ? { ...release, advance: { phase: head.step.phase, state: head } } : release;
}

/** Nobody knew whose it was when it was made: from now on it waits where those look who can drive it. */
async function toLaneOf(provider: Provider, engine: Engine, lease: Lease, head: HeadState): Promise<Release> {
  const { lane: _, ...bare } = head;
  const moved: HeadState =
    provider.mode === 'serve' ? { ...bare, lane: 'serve' } : { ...bare, attempt: head.attempt + 1 };
  const queue = queueOf(moved, head.sessionNo === 0 ? 'waiting' : 'begun');
  await lease.commit({ phase: head.step.phase, state: moved, queue });
  engine.log.info('transfer.lane', { ...logged(head), lane: provider.mode });
  return { to: 'wait', dueAt: readyAt(head) };
}

function afterFault(engine: Engine, head: HeadState, fault: Fault): Release {
  const now = engine.clock.now();
  if (fault.isQueued) return inLine(engine, head, fault);
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

/** However often it is told to wait, its history says so once. */
function inLine(engine: Engine, head: HeadState, fault: Fault): Release {
  const now = engine.clock.now();
  const last = head.events.at(-1);
  const isTold = last?.type === 'queued' && last.code === fault.code;
  // What it waits for may change many times a day: there is one line of it.
  const before = last?.type === 'queued' ? { ...head, events: head.events.slice(0, -1) } : head;
  engine.log.info('transfer.queued', { ...logged(head), ...faultTrace(fault) });
  return {
    to: 'rest',
    dueAt: now + backoffMs(engine.clock, fault, 0),
    ...(isTold ? {} : { advance: { phase: head.step.phase, state: withEvent(before, now, 'queued', fault.code) } }),
  };
}
