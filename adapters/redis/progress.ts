/** Rumours among relays: told to those who watch here at once, and by way of Redis to those who watch elsewhere. */
import { randomUUID } from 'node:crypto';
import type { ProgressFeed, ProgressSink, Rumour } from '#core/ports/progress.ts';
import { type RedisLink, type RedisLinkOptions, redisLink } from './link.ts';

export interface RedisProgressOptions extends Pick<RedisLinkOptions, 'url' | 'clock' | 'onBack' | 'onAway'> {
  /** What others on the same Redis do not have: begins the names of our channel and keys. */
  readonly prefix: string;
  /** Whom this process tells. */
  readonly near: ProgressSink & ProgressFeed;
  /** What waits while Redis is slow or away: bounded, and of news that grew stale only the last. */
  readonly pending: PendingTexts;
  /** What others sent: `{"rumours":[…]}`; `null` when it is none. */
  readonly read: (text: string) => readonly Rumour[] | null;
}

export interface PendingTexts {
  add(rumours: readonly Rumour[]): void;
  /** As JSON, the oldest first, together at most `bytesMax`. */
  take(bytesMax: number): readonly string[];
  size(): number;
}

export interface RedisProgress extends ProgressSink, ProgressFeed, Pick<RedisLink, 'take'> {
  stats(): { readonly said: number; readonly unsaid: number; readonly heard: number; readonly waiting: number };
  close(): void;
}

const MESSAGE_BYTES_MAX = 256 * 1024;

/**
 * `publish` waits for nobody: one message of at most 256 KiB is on its way at a time, and what comes meanwhile goes with the next.
 * What Redis does not take is lost for the other relays, never for the viewers of this one.
 */
export function redisProgress({ prefix, near, pending, read, ...options }: RedisProgressOptions): RedisProgress {
  const head = `{"from":"${randomUUID()}","rumours":[`;
  const counts = { said: 0, unsaid: 0, heard: 0 };
  let isSending = false;

  async function send(): Promise<void> {
    if (isSending) return;
    isSending = true;
    while (link.isThere() && pending.size() > 0) {
      const rumours = pending.take(MESSAGE_BYTES_MAX - head.length - ']}'.length);
      if (rumours.length === 0) continue;
      await link.say(`${head}${rumours.join()}]}`).then(
        () => counts.said++,
        // A rumour: whoever missed it reads the table.
        () => counts.unsaid++,
      );
    }
    isSending = false;
  }

  function hear(text: string): void {
    // Our own viewers were told before it went out.
    if (text.startsWith(head) || text.length > MESSAGE_BYTES_MAX) return;
    const rumours = read(text);
    if (rumours === null) return;
    counts.heard++;
    void near.publish(rumours);
  }

  const link = redisLink({
    ...options,
    channel: `${prefix}progress`,
    onMessage: hear,
    onBack: () => {
      options.onBack();
      void send();
    },
  });
  return {
    publish: async (rumours) => {
      pending.add(rumours);
      void send();
      await near.publish(rumours);
    },
    subscribe: near.subscribe,
    take: (name, ttlMs) => link.take(`${prefix}${name}`, ttlMs),
    stats: () => ({ ...counts, waiting: pending.size() }),
    close: link.close,
  };
}
