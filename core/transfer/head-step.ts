/** What the steps of a head share: how they commit, wait, and end. */
import { Fault } from '#core/fault.ts';
import type { Provider, PushProvider } from '#core/ports/provider.ts';
import type { Release } from '#core/ports/work-table.ts';
import {
  type HeadState,
  headRank,
  isHigher,
  type Live,
  type Opening,
  queueOf,
  type Step,
  withEvent,
} from '#core/state.ts';
import { type Engine, idleDelayMs, PAUSE_LOOK_MS } from './engine.ts';
import { errorOf } from './kept-fault.ts';
import type { Lease } from './lease.ts';
import { publishTransfer } from './publish.ts';

/** What a step of the head works with. `commit` raises the rank, publishes, and gives the head as it now is. */
export interface HeadStep<P extends Provider = PushProvider> {
  readonly engine: Engine;
  readonly lease: Lease;
  readonly provider: P;
  readonly head: HeadState;
  readonly signal: AbortSignal;
  /** Parts that the head may put itself. */
  readonly granted: number;
  /** What a step has committed before it is over: whoever deals with its fault goes on from there. */
  kept(head: HeadState): void;
}

/** A step either moves on (another head, looked at at once) or lets the row go. */
export type Onward = { readonly head: HeadState } | { readonly release: Release };

const UNOPENED: Opening = { phase: 'opening', rounds: 0, asks: [], known: {} };

/** Lets go until a hint comes, or until twice the time since something last happened has passed. */
export function waiting(engine: Engine, head: HeadState): Release & { to: 'wait' } {
  const since = head.events.at(-1)?.at ?? head.file.createdAt;
  return { to: 'wait', dueAt: engine.clock.now() + idleDelayMs(engine.clock.now() - since) };
}

/** Lets go until the pause is taken back. It is written down once, so that the look after it can tell. */
export function paused(engine: Engine, head: HeadState): Release {
  const now = engine.clock.now();
  const release = { to: 'rest', dueAt: now + PAUSE_LOOK_MS } as const;
  if (isPaused(head)) return release;
  return { ...release, advance: { phase: head.step.phase, state: withEvent(head, now, 'paused') } };
}

/** The last thing that happened is that it was paused. */
export function isPaused(head: HeadState): boolean {
  return head.events.at(-1)?.type === 'paused';
}

/** Commits the next step, whose rank must be higher, and tells the viewers. */
export async function commitStep(
  { engine, lease, head }: Pick<HeadStep<Provider>, 'engine' | 'lease' | 'head'>,
  step: Live,
  change: Partial<Pick<HeadState, 'attempt' | 'sessionNo' | 'startedAt'>> = {},
): Promise<Onward> {
  const next = stepped(engine, { ...head, ...change, streak: 0 }, step);
  if (!isHigher(headRank(next), headRank(head))) {
    throw new Fault('bug', 'engine.rank', `a commit must raise the rank: ${head.step.phase} to ${step.phase}`);
  }
  const guard = step.phase === 'finishing' ? { unlessWish: 'cancel' as const } : undefined;
  const queue = step.phase === 'moving' ? { queue: queueOf(head, 'begun') } : {};
  const isCommitted = await lease.commit({ phase: step.phase, state: next, ...queue }, guard);
  if (!isCommitted) return { head };
  engine.log.info('transfer.commit', logged(next));
  await publishTransfer(engine, lease.key, 0);
  return { head: next };
}

/** The end of work: the release that writes the last step. */
export function endWith(engine: Engine, head: HeadState, step: Step): Release {
  const next = stepped(engine, head, step);
  engine.log.info('transfer.end', logged(next));
  return { to: 'ended', advance: { phase: step.phase, state: next } };
}

function stepped(engine: Engine, head: HeadState, step: Step): HeadState {
  const code = step.phase === 'failed' ? step.error.code : step.phase === 'canceled' ? step.code : undefined;
  return { ...withEvent(head, engine.clock.now(), step.phase, code), step };
}

/** The remote session is dead: another attempt, which asks the destination anew. */
export function reopened(head: HeadState): HeadState {
  return { ...head, attempt: head.attempt + 1, step: UNOPENED };
}

export function failure(engine: Engine, head: HeadState, fault: Fault): Step & { phase: 'failed' } {
  if (head.step.phase === 'done' || head.step.phase === 'failed' || head.step.phase === 'canceled') {
    throw new Fault('bug', 'engine.phase', 'an ended transfer cannot fail');
  }
  // Behind a session that is dead a retry has to open another one.
  const resume = fault.kind === 'gone' ? UNOPENED : head.step;
  return { phase: 'failed', error: errorOf(fault), endedAt: engine.clock.now(), resume };
}

export function logged({ file, attempt, sessionNo, step }: HeadState) {
  const { transferId, uploadId, destinationId } = file;
  return { transferId, uploadId, destinationId, phase: step.phase, attempt, sessionNo };
}
