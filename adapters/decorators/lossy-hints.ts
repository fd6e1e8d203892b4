/** Hints for those who must not fail for want of one: the row is the truth, and the sweep finds what nobody was told of. */
import { toFault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import type { Log } from '#core/ports/log.ts';

export interface LossyHintsParts {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  readonly log: Log;
}

/** Then the caller goes on. What is under way by then may still arrive. */
const PATIENCE_MS = 3_000;

/** `send` never rejects, and answers within 3 s: a hint that was not sent in that time is logged as `hint.lost`. */
export function lossyHints({ dispatcher, clock, log }: LossyHintsParts): Dispatcher {
  return {
    send: async (jobs, options) => {
      const lost = (code: string): void => log.error('hint.lost', { jobs: jobs.length, code });
      const sent = new AbortController();
      const sending = dispatcher
        .send(jobs, options)
        .catch((error: unknown) => lost(toFault(error).code))
        .finally(() => sent.abort('sent'));
      const late = clock.sleep(PATIENCE_MS, sent.signal).then(
        () => lost('queue.late'),
        // Ends by the abort alone.
        () => undefined,
      );
      await Promise.race([sending, late]);
    },
  };
}
