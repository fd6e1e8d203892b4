/** A destination that asks, in memory: one stream of questions per device, replayed when it is opened anew. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { type Ask, type Item, type ServeProvider, serveProvider } from '#core/ports/provider.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { type AskingSession, type AskingTraits, askingSession } from './session.ts';

export interface AskedFile {
  readonly item: Item;
  readonly content: Uint8Array;
}

export interface FarSide {
  readonly files: readonly AskedFile[];
  readonly sessions: readonly AskingSession[];
  /** As another process would have it. */
  provider(): ServeProvider;
  /** For sessions from now on, and for the rest of those there are. */
  behave(traits: Partial<AskingTraits>): void;
  /** What it was thinking about is done. */
  settle(): void;
  /** The stream of questions breaks; what is said until it is opened again reaches nobody. */
  disconnect(fault: Fault): void;
  /** The next streams cannot be opened. Null: they can again. */
  refuse(fault: Fault | null): void;
  /** Streams opened so far. */
  connections(): number;
}

const Held = z.object({ asking: z.string() });

const PLAIN: AskingTraits = { readBytes: 10, readsMax: 3, digests: [], habits: new Set() };

export function farSide(first: Partial<AskingTraits> = {}): FarSide {
  const sessions = new Map<string, AskingSession>();
  const files: AskedFile[] = [];
  let traits: AskingTraits = { ...PLAIN, ...first };
  let stream: Stream | null = null;
  let refusal: Fault | null = null;
  let connections = 0;

  const find = (id: string): AskingSession | undefined => sessions.get(id);

  async function open(item: Item, signal: AbortSignal): Promise<{ asking: string }> {
    signal.throwIfAborted();
    const id = `remote-${sessions.size + 1}`;
    const session = askingSession({
      id,
      item,
      traits: () => traits,
      say: (ask) => stream?.say(ask),
      whenEnded: (content) => files.push({ item, content }),
    });
    sessions.set(id, session);
    session.begin();
    if (traits.habits.has('asks before open answers')) await new Promise((resolve) => setImmediate(resolve));
    return { asking: id };
  }

  async function* asks(signal: AbortSignal): AsyncGenerator<Ask> {
    signal.throwIfAborted();
    if (refusal !== null) throw refusal;
    connections += 1;
    stream?.fail(new Fault('transient', 'asking.replaced', 'another process has opened the stream of this device'));
    const own = streamOf(signal);
    stream = own;
    for (const session of sessions.values()) for (const ask of session.outstanding()) own.say(ask);
    try {
      for (;;) yield await own.next();
    } finally {
      if (stream === own) stream = null;
    }
  }

  const provider = () =>
    serveProvider(Held, {
      id: 'asking',
      needs: [],
      instant: 'never',
      open: async (item, { signal }) => ({ kind: 'ready', session: await open(item, signal), notes: ['way.memory'] }),
      remoteId: ({ asking }) => asking,
      asks: ({ signal }) => asks(signal),
      attach: async (_session, _item, { signal }) => signal.throwIfAborted(),
      detach: () => undefined,
      answer: async (ask, answer, { signal }) => {
        signal.throwIfAborted();
        const session = find(ask.remoteId);
        if (session === undefined) throw new Fault('gone', 'asking.gone', 'there is no such session');
        await session.take(ask, answer, signal);
      },
      hold: async ({ asking }, _item, what, { signal }) => {
        signal.throwIfAborted();
        const session = find(asking);
        if (session?.state() === (what === 'pause' ? 'open' : 'paused')) {
          session.become(what === 'pause' ? 'paused' : 'open');
        }
      },
      inspect: async ({ asking }, _item, { signal }) => {
        signal.throwIfAborted();
        const session = find(asking);
        switch (session?.state()) {
          case 'open':
          case 'paused':
            return { kind: 'partial', heldBytes: session.heldBytes() };
          case 'held':
            return { kind: 'settling', lookAgainMs: 5 * 60_000 };
          case 'ended':
            return { kind: 'complete', receipt: receiptOf(session) };
          case 'refused':
            throw new Fault('rejected', 'asking.refused', 'the destination refuses this file');
          default:
            return { kind: 'gone' };
        }
      },
      discard: async ({ asking }, _item, { signal }) => {
        signal.throwIfAborted();
        const session = find(asking);
        if (session?.state() === 'open' || session?.state() === 'paused') session.become('discarded');
      },
      check: async ({ signal }) => {
        signal.throwIfAborted();
        if (refusal !== null) throw refusal;
        return { message: 'asks for everything' };
      },
    });

  return {
    files,
    get sessions() {
      return [...sessions.values()];
    },
    provider,
    behave: (change) => {
      traits = { ...traits, ...change };
    },
    settle: () => {
      for (const session of sessions.values()) if (session.state() === 'held') session.become('ended');
    },
    disconnect: (fault) => stream?.fail(fault),
    refuse: (fault) => {
      refusal = fault;
    },
    connections: () => connections,
  };
}

function receiptOf({ item }: AskingSession): Receipt {
  const { folder, name, sizeBytes, transferId } = item;
  return { evidence: 'C', sizeBytes, location: `${folder}/${name}`, remoteId: transferId };
}

interface Stream {
  say(ask: Ask): void;
  fail(error: unknown): void;
  next(): Promise<Ask>;
}

function streamOf(signal: AbortSignal): Stream {
  const queue: Ask[] = [];
  let failure: { readonly error: unknown } | null = null;
  let wake = () => {};
  const fail = (error: unknown): void => {
    failure ??= { error };
    wake();
  };
  signal.addEventListener('abort', () => fail(signal.reason), { once: true });
  return {
    say: (ask) => {
      queue.push(ask);
      wake();
    },
    fail,
    next: async () => {
      for (;;) {
        if (failure !== null) throw failure.error;
        const ask = queue.shift();
        if (ask !== undefined) return ask;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
