/** Queue of jobs → one lease of work each. */
import { traceOf } from '#core/trace.ts';
import { advance } from '#core/transfer/advance.ts';
import type { Budget, Engine } from '#core/transfer/engine.ts';
import { Job } from '#core/wire/job.ts';
import type { RuntimeContext } from './budget.ts';
import { eachMessage, type QueueAnswer } from './queue.ts';

export function moveHandler(engine: Engine, budgetFor: (context: RuntimeContext) => Budget) {
  return (event: unknown, context: RuntimeContext): Promise<QueueAnswer> => {
    const budget = budgetFor(context);
    return eachMessage(
      event,
      (body) => moveOne(engine, body, budget),
      (error) => engine.log.error('move.failed', traceOf(error)),
    );
  };
}

/** Of one message: JSON of a job. */
export function moveOne(engine: Engine, body: string, budget: Budget): Promise<void> {
  return advance(engine, Job.parse(JSON.parse(body)), budget);
}
