/** Queue of storage events → uploads and hints. */
import { z } from 'zod';
import type { Intake } from '#core/intake/intake.ts';
import { receive } from '#core/intake/receive.ts';
import { eachMessage, type QueueAnswer } from './queue.ts';
import { traceOf } from './trace.ts';

/** The S3 event shape: keys are form-encoded, so that a space is `+`. S3 sends a test event once, when the queue is wired. */
const StorageEvent = z.union([
  z.object({
    Records: z.array(z.object({ eventName: z.string(), s3: z.object({ object: z.object({ key: z.string() }) }) })),
  }),
  z.object({ Event: z.literal('s3:TestEvent') }),
]);

export function stagedHandler(intake: Intake) {
  return (event: unknown): Promise<QueueAnswer> =>
    eachMessage(
      event,
      async (body) => {
        await receive(intake, createdKeys(JSON.parse(body)));
      },
      (error) => intake.log.error('staged.failed', traceOf(error)),
    );
}

/** Decoded keys of the objects that an event says were created. Throws for what is not a storage event. */
export function createdKeys(event: unknown): string[] {
  const parsed = StorageEvent.parse(event);
  if ('Event' in parsed) return [];
  return parsed.Records.filter(({ eventName }) => /^(s3:)?ObjectCreated:/.test(eventName)).map(({ s3 }) =>
    decodeURIComponent(s3.object.key.replaceAll('+', ' ')),
  );
}
