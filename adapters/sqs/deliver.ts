/** One call of a handler with messages of a queue: hidden while it runs, removed where it succeeded, back later where not. */
import { type SqsMessage, type SqsSource, sqsRecord } from '#clients/sqs/event.ts';
import { comeBackMs, type Invocation, invoke } from '#clients/sqs/invoke.ts';
import type { SqsQueue } from './queue.ts';

export interface DeliveryOptions extends Invocation {
  readonly queue: SqsQueue;
  readonly source: SqsSource;
  readonly visibilitySeconds: number;
  onError(error: unknown): void;
}

export interface Delivery {
  /** Messages that will be delivered again because the handler did not do them. */
  readonly failed: number;
  /** Messages that will be delivered again although the handler did them: the queue would not let go of them. */
  readonly lapsed: number;
}

/** At most 10 messages. Never rejects. */
export async function deliver(messages: readonly SqsMessage[], options: DeliveryOptions): Promise<Delivery> {
  const { queue, source, onError } = options;
  const ended = new AbortController();
  const hiding = keepHidden(messages, options, ended.signal);
  const { failed, error } = await invoke(
    options,
    messages.map((message) => sqsRecord(message, source)),
  );
  ended.abort();
  // A renewal under way would undo the time at which a failed message comes back.
  await hiding;
  if (error !== undefined) onError(error);
  const back = messages.filter(({ messageId }) => failed.has(messageId));
  const done = messages.filter(({ messageId }) => !failed.has(messageId));
  const orReport = (work: Promise<number>, otherwise: number) =>
    work.catch((fault: unknown) => {
      onError(fault);
      return otherwise;
    });
  const [lapsed] = await Promise.all([
    orReport(queue.remove(done), done.length),
    orReport(
      queue.hide(back, ({ receives }) => comeBackMs(receives) / 1000),
      0,
    ),
  ]);
  return { failed: back.length, lapsed };
}

/**
 * Renews at each third of the time, counted from the start of the last renewal, so that one may fail or be slow. Bounded: the call
 * that it accompanies ends at twice its budget.
 */
async function keepHidden(
  messages: readonly SqsMessage[],
  { queue, clock, visibilitySeconds, onError }: DeliveryOptions,
  ended: AbortSignal,
): Promise<void> {
  const everyMs = (visibilitySeconds * 1000) / 3;
  for (let nextMs = clock.now() + everyMs; ; nextMs = Math.max(nextMs + everyMs, clock.now())) {
    await clock.sleep(nextMs - clock.now(), ended).catch(() => undefined);
    if (ended.aborted) return;
    await queue.hide(messages, () => visibilitySeconds).catch(onError);
  }
}
