/** What a queue's consumer Worker is called with, and how each message of it ends: done, or to be delivered again later. */

/** As workerd gives them. */
export interface QueueMessage {
  readonly body: unknown;
  /** Deliveries so far, this one included. */
  readonly attempts: number;
  ack(): void;
  retry(options: { readonly delaySeconds: number }): void;
}

export interface BatchHandler {
  /** A message as text: JSON, unless a producer has sent text. */
  handle(text: string): Promise<void>;
  /** Told of each message that failed; must not throw. */
  onError(error: unknown): void;
}

/** Handles each message in turn, and ends it before the next is begun: a Worker that dies leaves those that are done done. Never throws. */
export async function handleBatch(
  batch: { readonly messages: readonly QueueMessage[] },
  { handle, onError }: BatchHandler,
): Promise<void> {
  for (const message of batch.messages) {
    try {
      await handle(textOf(message.body));
      message.ack();
    } catch (error) {
      onError(error);
      message.retry({ delaySeconds: comeBackSeconds(message.attempts) });
    }
  }
}

const COME_BACK_SECONDS_MAX = 60;

/** How long a message that failed stays away after that many deliveries: 1, 2, 4 … s, 60 s at most. */
function comeBackSeconds(attempts: number): number {
  return Math.min(2 ** (Math.max(1, attempts) - 1), COME_BACK_SECONDS_MAX);
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
}
