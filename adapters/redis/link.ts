/** One connection to a Redis or Valkey that is there most of the time: kept, given up when silent, and made anew. */
import { createClient } from '@redis/client';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';

export interface RedisLinkOptions {
  /** `redis://` or `rediss://`, with `user:password@` where one is wanted. */
  readonly url: string;
  readonly channel: string;
  readonly clock: Clock;
  /** What somebody said in the channel, we among them. Must not throw. */
  readonly onMessage: (text: string) => void;
  /** Connected and listening: for the first time, and each time after an absence. What was said meanwhile is lost. */
  readonly onBack: () => void;
  /** Once per absence, with a reason that quotes nothing, like `ECONNREFUSED`, `WRONGPASS` or `redis.silent`. */
  readonly onAway: (reason: string) => void;
}

/** Calls reject with the Fault `redis.away` at once when there is no connection, `redis.silent` when none answers in time. */
export interface RedisLink {
  isThere(): boolean;
  /** Resolves when it is said, within 5 s. A rejection ends the connection, so that the next one may do better. */
  say(text: string): Promise<void>;
  /** True for whoever is the first to take this name within `ttlMs`. Within a second. */
  take(name: string, ttlMs: number): Promise<boolean>;
  close(): void;
}

const CONNECT_MS = 5_000;
const SAY_MS = 5_000;
/** Somebody waits at the door for it. */
const TAKE_MS = 1_000;
/** A far side that vanished without a word is noticed after twice this. */
const BEAT_MS = 5_000;
const WAIT_FIRST_MS = 250;
const WAIT_MOST_MS = 10_000;
/** Commands that wait for their answer; more are refused. */
const COMMANDS_MAX = 1_000;

/** Begins to connect at once. Throws a TypeError when the URL is none. */
export function redisLink(options: RedisLinkOptions): RedisLink {
  const { clock, channel, onMessage, onBack, onAway } = options;
  const closing = new AbortController();
  let opening: Client | null = clientOf(options.url);
  let current: { readonly client: Client; readonly drop: (reason: unknown) => void } | null = null;
  let waits = 0;
  let isToldAway = false;

  async function keep(): Promise<void> {
    while (!closing.signal.aborted) {
      const client = opening ?? clientOf(options.url);
      opening = client;
      await use(client).catch((error: unknown) => {
        if (closing.signal.aborted || isToldAway) return;
        isToldAway = true;
        onAway(reasonOf(error));
      });
      const longestMs = Math.min(WAIT_MOST_MS, WAIT_FIRST_MS * 2 ** waits++);
      await clock.sleep(longestMs * (0.5 + clock.random() / 2), closing.signal).catch(() => undefined);
    }
  }

  /** Rejects when the connection has ended or could not be made. */
  async function use(client: Client): Promise<never> {
    const dropped = Promise.withResolvers<never>();
    dropped.promise.catch(() => undefined);
    client.on('error', dropped.reject);
    try {
      await Promise.race([within(CONNECT_MS, open(client)), dropped.promise]);
      current = { client, drop: dropped.reject };
      isToldAway = false;
      onBack();
      return await Promise.race([beat(client), dropped.promise]);
    } finally {
      opening = null;
      current = null;
      client.destroy();
    }
  }

  async function open(client: Client): Promise<void> {
    await client.connect();
    await client.subscribe(channel, onMessage);
  }

  async function beat(client: Client): Promise<never> {
    for (;;) {
      await clock.sleep(BEAT_MS, closing.signal);
      await within(BEAT_MS, client.ping());
      // Only who stays is believed: what lets us in and throws us out again is asked less and less often.
      waits = 0;
    }
  }

  async function within<T>(ms: number, work: Promise<T>): Promise<T> {
    const settled = new AbortController();
    const late = clock.sleep(ms, settled.signal).then(() => {
      throw new Fault('transient', 'redis.silent', 'Redis does not answer');
    });
    return Promise.race([work, late]).finally(() => settled.abort());
  }

  function there() {
    if (current === null) throw new Fault('transient', 'redis.away', 'there is no connection to Redis');
    return current;
  }

  void keep();
  return {
    isThere: () => current !== null,
    say: async (text) => {
      const { client, drop } = there();
      await within(SAY_MS, client.publish(channel, text)).catch((error: unknown) => {
        drop(error);
        throw error;
      });
    },
    take: async (name, ttlMs) => {
      const expiration = { type: 'PX', value: Math.max(1, Math.ceil(ttlMs)) } as const;
      return (await within(TAKE_MS, there().client.set(name, '', { condition: 'NX', expiration }))) !== null;
    },
    close: () => {
      closing.abort();
      opening?.destroy();
    },
  };
}

type Client = ReturnType<typeof clientOf>;

/** For one connection: when to try another is decided here, not there. */
function clientOf(url: string) {
  return createClient({
    url,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
    // The newer protocol lets one connection both listen and speak.
    RESP: 3,
    disableOfflineQueue: true,
    commandsQueueMaxLength: COMMANDS_MAX,
    disableClientInfo: true,
    maintNotifications: 'disabled',
  });
}

/** A code or a name, never a message: that may quote what was sent. */
function reasonOf(error: unknown): string {
  if (error instanceof Fault) return error.code;
  if (!(error instanceof Error)) return 'unknown';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return /^[A-Z]{3,20}(?= )/.exec(error.message)?.[0] ?? error.constructor.name;
}
