/** Holding a work row: renewed by a timer apart from commits, and let go before anybody else may take it. */

import { LeaseLost } from '#core/fault.ts';
import type { Claim, CommitGuard, Move, Release, RowKey, WorkRow } from '#core/ports/work-table.ts';
import { traceOf } from '#core/trace.ts';
import { type Engine, LEASE_MS, MARGIN_MS, RENEW_MS } from './engine.ts';
import { repeated } from './repeat.ts';

export interface Lease {
  readonly key: RowKey;
  readonly token: number;
  /** The row as the claim read it. */
  readonly row: WorkRow;
  /** The holder before us died with effects that may be done and not committed. */
  readonly unclean: boolean;
  readonly holder: string;
  /** Aborts with LeaseLost before the lease could end under us. */
  readonly signal: AbortSignal;
  /** Throws LeaseLost when the row is no longer ours; false when only the guard stood in the way. */
  commit(advance: Move, guard?: CommitGuard): Promise<boolean>;
}

export interface LeaseTerms {
  readonly leaseMs: number;
  readonly renewMs: number;
}

export interface Held {
  readonly engine: Engine;
  readonly key: RowKey;
  readonly claim: Claim;
  readonly holder: string;
  /** End of the lease as claimed. */
  readonly untilMs: number;
  /** Called with each renewal's new end; false ends the lease. */
  readonly onRenew?: (untilMs: number) => Promise<boolean>;
  /** How long a lease lasts, and how often it is renewed: `LEASE_MS` and `RENEW_MS` unless told. */
  readonly terms?: LeaseTerms;
}

/**
 * Runs `work` under the lease and writes what it answers. Answers the release that took effect, or null: the lease was lost, or
 * `work` answered null, and the row is left to the next holder.
 */
export async function underLease(held: Held, work: (lease: Lease) => Promise<Release | null>): Promise<Release | null> {
  const { engine, key, claim, holder } = held;
  const lost = new AbortController();
  const stopped = new AbortController();
  const renewing = renewUntilStopped(held, lost, stopped.signal);
  try {
    const release = await work({
      key,
      token: claim.token,
      row: claim.row,
      unclean: claim.unclean,
      holder,
      signal: lost.signal,
      commit: (advance, guard) => commit(held, lost, advance, guard),
    });
    if (release === null || lost.signal.aborted) return null;
    stopped.abort('over');
    await renewing;
    const isReleased = await repeated(engine.clock, () =>
      engine.table.release(key, claim.token, release, engine.clock.now()),
    );
    return isReleased ? release : null;
  } catch (error) {
    if (error instanceof LeaseLost || lost.signal.aborted) return null;
    throw error;
  } finally {
    stopped.abort('over');
    await renewing;
  }
}

async function commit(held: Held, lost: AbortController, advance: Move, guard?: CommitGuard): Promise<boolean> {
  const { engine, key, claim } = held;
  lost.signal.throwIfAborted();
  if (await repeated(engine.clock, () => engine.table.commit(key, claim.token, advance, engine.clock.now(), guard)))
    return true;
  if (guard !== undefined && (await isStillMine(held))) return false;
  const reason = new LeaseLost();
  lost.abort(reason);
  throw reason;
}

async function isStillMine({ engine, key, claim }: Held): Promise<boolean> {
  const row = await engine.table.get(key);
  return row !== null && row.token === claim.token && row.hold === 'lease';
}

async function renewUntilStopped(held: Held, lost: AbortController, stopped: AbortSignal): Promise<void> {
  const { engine, key } = held;
  const { clock } = engine;
  const { leaseMs, renewMs } = held.terms ?? { leaseMs: LEASE_MS, renewMs: RENEW_MS };
  let untilMs = held.untilMs;
  let waitMs = renewMs;
  for (;;) {
    const left = () => untilMs - MARGIN_MS - clock.now();
    await sleptUnlessStopped(engine, Math.min(waitMs, left()), stopped);
    if (stopped.aborted || lost.signal.aborted) return;
    if (left() <= 0) return lost.abort(new LeaseLost());
    const next = clock.now() + leaseMs;
    // A renewal that hangs must not keep us from stopping in time.
    const late = sleptUnlessStopped(engine, left(), stopped).then(() => 'late' as const);
    try {
      const answer = await Promise.race([renewOnce(held, next), late]);
      if (stopped.aborted) return;
      if (answer !== 'renewed') return lost.abort(new LeaseLost());
      untilMs = next;
      waitMs = renewMs;
    } catch (error) {
      waitMs = 1_000;
      engine.log.error('lease.renew_failed', { ...key, ...traceOf(error) });
    }
  }
}

async function renewOnce({ engine, key, claim, onRenew }: Held, next: number): Promise<'renewed' | 'lost'> {
  if (!(await engine.table.renew(key, claim.token, next, engine.clock.now()))) return 'lost';
  return onRenew === undefined || (await onRenew(next)) ? 'renewed' : 'lost';
}

async function sleptUnlessStopped({ clock }: Engine, ms: number, stopped: AbortSignal): Promise<void> {
  try {
    await clock.sleep(Math.max(0, ms), stopped);
  } catch (error) {
    if (!stopped.aborted) throw error;
  }
}
