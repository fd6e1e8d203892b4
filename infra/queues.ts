/** Hints and storage events. Each queue sets aside what failed five times; losing any of it loses nothing but time. */
import { RECEIVES_MAX, seconds, VISIBILITY_SECONDS } from './timeouts.ts';

const DAY_SECONDS = 86_400;
/** The longest there is. A message that is set aside keeps its first day, so this must be more than the queue's own. */
const DEAD_SECONDS = 14 * DAY_SECONDS;

export const deadHints = deadLetters('DeadHints');
export const deadEvents = deadLetters('DeadEvents');

/** A hint is of no use after a day: the sweeper has sent others. */
export const hints = new sst.aws.Queue('Hints', {
  visibilityTimeout: seconds(VISIBILITY_SECONDS.hints),
  dlq: { queue: deadHints.arn, retry: RECEIVES_MAX },
  transform: { queue: { messageRetentionSeconds: DAY_SECONDS, sqsManagedSseEnabled: true } },
});

export const events = new sst.aws.Queue('Events', {
  visibilityTimeout: seconds(VISIBILITY_SECONDS.events),
  dlq: { queue: deadEvents.arn, retry: RECEIVES_MAX },
  transform: { queue: { messageRetentionSeconds: 4 * DAY_SECONDS, sqsManagedSseEnabled: true } },
});

function deadLetters(name: string): sst.aws.Queue {
  return new sst.aws.Queue(name, {
    transform: { queue: { messageRetentionSeconds: DEAD_SECONDS, sqsManagedSseEnabled: true } },
  });
}
