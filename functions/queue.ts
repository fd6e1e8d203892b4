/** What a queue-triggered function is called with, and how it answers: failed messages come again, the others are done. */
import * as z from 'zod';

export const QueueEvent = z.object({
  Records: z.array(z.object({ messageId: z.string(), body: z.string() })),
});

export interface QueueAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** Calls `handle` for each body in turn; what throws is reported as failed, to be delivered again and in the end set aside. */
export async function eachMessage(
  event: unknown,
  handle: (body: string) => Promise<void>,
  onError: (error: unknown) => void,
): Promise<QueueAnswer> {
  const failures: { itemIdentifier: string }[] = [];
  for (const { messageId, body } of QueueEvent.parse(event).Records) {
    try {
      await handle(body);
    } catch (error) {
      onError(error);
      failures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures: failures };
}
