/** The one stream of asks: what the server asks over its channel, and what our own ways ask for. */
import type { RemoteAsk } from '#clients/clouddrive2/remote-asks.ts';
import type { Ask } from '#core/ports/provider.ts';
import { type AskQueue, askQueue } from './ask-queue.ts';

export interface Hub {
  /** What it yields is told to the newest reader only. */
  asks(signal: AbortSignal): AsyncGenerator<Ask, never, undefined>;
  /** Lost when nobody reads: a new reader is told again. */
  tell(ask: Ask): void;
  /** Opens the channel for the reader that there is. Resolves when it stands, or nobody reads. */
  needChannel(): Promise<void>;
}

export interface HubSources {
  /** The server's channel. It ends by a Fault or by the signal. */
  channel(signal: AbortSignal): AsyncIterable<RemoteAsk>;
  /** Without need its failure is nobody's, and a new reader goes without it. */
  isChannelNeeded(): boolean;
  /** Null: nothing that anybody must be told. */
  heard(ask: RemoteAsk): Ask | null;
  /** What our own ways have asked and got no answer to. */
  outstanding(): readonly Ask[];
}

interface Reader {
  readonly queue: AskQueue;
  readonly signal: AbortSignal;
  channel: PromiseWithResolvers<void> | null;
}

export function hub({ channel, isChannelNeeded, heard, outstanding }: HubSources): Hub {
  let reader: Reader | null = null;

  function open(one: Reader): Promise<void> {
    if (one.channel !== null) return one.channel.promise;
    const stands = Promise.withResolvers<void>();
    one.channel = stands;
    pump(one, stands.resolve).catch((error: unknown) => {
      stands.resolve();
      one.channel = null;
      if (isChannelNeeded()) one.queue.fail(error);
    });
    return stands.promise;
  }

  async function pump({ queue, signal }: Reader, stands: () => void): Promise<void> {
    for await (const said of channel(signal)) {
      if (said.kind === 'connected') stands();
      const ask = heard(said);
      if (ask === null) continue;
      await queue.room(signal);
      queue.push(ask);
    }
  }

  async function* asks(signal: AbortSignal): AsyncGenerator<Ask, never, undefined> {
    const stop = new AbortController();
    const own: Reader = { queue: askQueue(), signal: AbortSignal.any([signal, stop.signal]), channel: null };
    reader = own;
    try {
      for (const ask of outstanding()) own.queue.push(ask);
      if (isChannelNeeded()) open(own);
      for (;;) yield await own.queue.next(signal);
    } finally {
      stop.abort();
      if (reader === own) reader = null;
    }
  }

  return {
    asks,
    tell: (ask) => reader?.queue.push(ask),
    needChannel: async () => {
      if (reader !== null) await open(reader);
    },
  };
}
