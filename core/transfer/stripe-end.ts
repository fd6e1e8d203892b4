/** How a stripe's driver lets go of its row. */

import { Fault } from '#core/fault.ts';
import type { Release } from '#core/ports/work-table.ts';
import type { StripeState } from '#core/state.ts';
import { faultTrace } from '#core/trace.ts';
import { backoffMs, isWorthRetrying } from './backoff.ts';
import type { Drive } from './drive.ts';
import { idleDelayMs } from './engine.ts';
import { errorOf } from './kept-fault.ts';

export function ended(stripe: StripeState): Release {
  return { to: 'ended', advance: { phase: 'ended', state: still(stripe) } };
}

export function parked(stripe: StripeState): Release {
  return { to: 'parked', advance: { phase: 'moving', state: still(stripe) } };
}

/** No part is ready: until a hint comes, or until twice the time since a part last landed has passed. */
export function idle({ engine }: Drive, stripe: StripeState): Release {
  const now = engine.clock.now();
  return waiting('wait', now + idleDelayMs(now - stripe.movedAt), stripe);
}

/** The budget is over. A part that is cut off twice before any is through would be cut off for ever. */
export function handedOver(drive: Drive, stripe: StripeState, landedInLease: number): Release {
  const wasCut = drive.budget.signal.aborted && landedInLease === 0;
  const next = { ...stripe, starved: wasCut ? stripe.starved + 1 : stripe.starved };
  if (next.starved < 2) return waiting('wait', stripe.readyAt, next);
  const reason =
    'two functions in a row ended before a single part was through: deliver to this destination from a relay or agent';
  return afterFault(drive, next, new Fault('rejected', 'part.too_slow_for_function', reason));
}

/** A fault that time may mend rests; any other is written down for the head to deal with. */
export function afterFault(drive: Drive, stripe: StripeState, fault: Fault): Release {
  const { engine, head } = drive;
  if (fault.isQueued) {
    engine.log.info('stripe.queued', { ...logged(drive, stripe), ...faultTrace(fault) });
    const inLine = { ...stripe, waitsFor: fault.code };
    return waiting('rest', engine.clock.now() + backoffMs(engine.clock, fault, 0), inLine);
  }
  engine.log.error('stripe.fault', { ...logged(drive, stripe), ...faultTrace(fault) });
  const next = { ...stripe, failures: stripe.failures + 1, streak: stripe.streak + 1 };
  if (isWorthRetrying(fault, next.streak)) {
    return waiting('rest', engine.clock.now() + backoffMs(engine.clock, fault, next.streak), next);
  }
  return parked({ ...next, fault: { attempt: head.attempt, kind: fault.kind, error: errorOf(fault) } });
}

export function logged({ head }: Drive, stripe: StripeState) {
  return {
    transferId: head.file.transferId,
    destinationId: head.file.destinationId,
    stripe: stripe.index,
    attempt: head.attempt,
    doneParts: stripe.doneParts,
    doneBytes: stripe.doneBytes,
  };
}

function waiting(to: 'wait' | 'rest', dueAt: number, stripe: StripeState): Release {
  return { to, dueAt, advance: { phase: 'moving', state: still(stripe) } };
}

/** Nobody moves bytes while nobody holds the row. */
function still(stripe: StripeState): StripeState {
  return { ...stripe, rateBytesPerSecond: 0 };
}
