/** The queues of one process: hints to functions that move, storage events to functions that receive. */
import { type LaneStats, laneDispatcher, lanes } from '#adapters/lanes/dispatcher.ts';
import type { Intake } from '#core/intake/intake.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import { traceOf } from '#core/trace.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { budgetOf } from '../functions/budget.ts';
import { moveHandler } from '../functions/move.ts';
import { stagedHandler } from '../functions/staged.ts';

export interface Queues {
  readonly hints: Dispatcher;
  /** Takes the body of a storage event; drops it when too many wait. */
  tell(body: string): void;
  stats(): { readonly hints: LaneStats; readonly events: LaneStats };
  /** Tells functions that their budget is over, and later to stop. Bounded: what does not stop in time is left to its lease. */
  drain(): Promise<void>;
}

/** Parallel functions: each drives one row. Files are limited by their destination's gate, so this is room for several. */
const MOVERS = 16;
const RECEIVERS = 4;
const EVENTS_PER_CALL = 10;
/** Deliveries of a message that makes its function fail, before it is set aside and logged. */
const MAX_RECEIVES = 5;
/** Drain: functions are told that their budget is over; what is still under way after this is told to stop. */
const PATIENCE_MS = 8_000;

export function localQueues(parts: {
  readonly engine: Engine;
  readonly intake: Intake;
  readonly budgetMs: number;
}): Queues {
  const { engine, intake, budgetMs } = parts;
  const { clock, log } = engine;
  const draining = new AbortController();
  const lastCall = new AbortController();
  const onFailure = (body: string, error: unknown): void =>
    log.error('message.set_aside', { bytes: body.length, ...traceOf(error) });
  const shared = { clock, budgetMs, maxReceives: MAX_RECEIVES, onFailure };
  const move = moveHandler(engine, (context) => budgetOf(context, lastCall.signal));
  const moving = lanes({
    ...shared,
    handler: (event, context) =>
      move(event, {
        getRemainingTimeInMillis: () => (draining.signal.aborted ? 0 : context.getRemainingTimeInMillis()),
      }),
    concurrency: MOVERS,
    batchSize: 1,
  });
  const received = lanes({
    ...shared,
    handler: stagedHandler(intake),
    concurrency: RECEIVERS,
    batchSize: EVENTS_PER_CALL,
  });
  return {
    hints: laneDispatcher(moving),
    tell: (body) => received.send([body]),
    stats: () => ({ hints: moving.stats(), events: received.stats() }),
    drain: async () => {
      draining.abort();
      const timer = setTimeout(() => lastCall.abort(new Error('the process is ending')), PATIENCE_MS);
      const limit = AbortSignal.timeout(2 * PATIENCE_MS);
      await Promise.allSettled([received.drain(limit), moving.drain(limit)]);
      clearTimeout(timer);
    },
  };
}
