/** Agents that are no processes: their drivers run here, behind everything that a connection would put between. */
import { Fault, toFault } from '#core/fault.ts';
import type { AgentCall, AgentsHere, AttachedAgent, RemoteConnection } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { CredentialHandle, ProviderKind, SharedValue } from '#core/ports/connection.ts';
import type { CallContext, PartBody, PushProvider } from '#core/ports/provider.ts';
import type { AgentFacts, AgentId } from '#core/wire/agent.ts';
import { type MemoryBucket, pulled } from './pulled.ts';

export interface MemoryAgents extends AgentsHere {
  /** In place of another one of this id. */
  attach(facts: AgentFacts, at: MemoryPlace): MemoryAgent;
}

export interface MemoryPlace {
  readonly address: string;
  readonly kinds: readonly ProviderKind[];
  /** Where it reads parts by itself. Absent: it is given them. */
  readonly bucket?: MemoryBucket;
}

export interface MemoryAgent {
  /** Aborts when its connection has ended. */
  readonly gone: AbortSignal;
  /** It says that it is there. */
  heard(memoryBytes: number): void;
  /** Its connection breaks. */
  stop(): void;
}

interface Seat extends AttachedAgent {
  readonly kinds: readonly ProviderKind[];
  readonly bucket: MemoryBucket | null;
  readonly ending: AbortController;
}

export function memoryAgents(clock: Clock): MemoryAgents {
  const seats = new Map<AgentId, Seat>();

  function end(seat: Seat): void {
    if (seats.get(seat.facts.id)?.ending === seat.ending) seats.delete(seat.facts.id);
    seat.ending.abort(new Fault('transient', 'agent.lost', `the connection of agent ${seat.facts.id} ended`));
  }

  return {
    attach: (facts, { address, kinds, bucket = null }) => {
      const known = seats.get(facts.id);
      const now = clock.now();
      const ending = new AbortController();
      const seat = { facts, address, kinds, bucket, ending, attachedAt: now, lastHeardAt: now, memoryBytes: null };
      seats.set(facts.id, seat);
      if (known !== undefined) end(known);
      return {
        gone: ending.signal,
        heard: (memoryBytes) => {
          if (!ending.signal.aborted) seats.set(facts.id, { ...seat, lastHeardAt: clock.now(), memoryBytes });
        },
        stop: () => end(seat),
      };
    },

    attached: () => [...seats.values()].map(({ kinds: _, bucket: __, ending: ___, ...agent }) => agent),

    detach: (id) => {
      const seat = seats.get(id);
      if (seat !== undefined) end(seat);
    },

    call: async (id, call, ctx) => {
      ctx.signal.throwIfAborted();
      const seat = seats.get(id);
      if (seat === undefined) throw new Fault('transient', 'agent.away', `agent ${id} is not attached`);
      return callAt(seat, clock, call, ctx);
    },
  };
}

/** Ends with the driver's answer, with the caller's abort, or with the connection, whichever is first. */
async function callAt(seat: Seat, clock: Clock, call: AgentCall, { signal }: CallContext): Promise<unknown> {
  const over = new AbortController();
  const ended = AbortSignal.any([signal, seat.ending.signal]);
  const until = AbortSignal.any([ended, over.signal]);
  try {
    const provider = connect(seat, clock, remote(call.connection, until));
    const { part, bucket } = { ...call, ...seat };
    const read = part && (bucket === null ? part.open : async () => pulled(part, bucket));
    const given = part && read && { ...part, open: () => bound(read, until) };
    return json(await within(ended, () => perform(provider, call, given, { signal: ended }).catch(overTheWire)));
  } finally {
    over.abort(new Fault('transient', 'agent.call_over', 'the call that this was lent for is over'));
  }
}

function connect(seat: Seat, clock: Clock, connection: RemoteConnection): PushProvider {
  const kind = seat.kinds.find(({ id }) => id === connection.provider);
  const provider = kind?.connect({ ...connection, clock });
  if (provider?.mode === 'push') return provider;
  throw new Fault('rejected', 'agent.no_provider', `agent ${seat.facts.id} does not run ${connection.provider}`);
}

function perform(
  provider: PushProvider,
  { method, args }: AgentCall,
  part: PartBody | undefined,
  ctx: CallContext,
): Promise<unknown> {
  const given = json(args);
  if (!Array.isArray(given)) throw new Fault('bug', 'agent.args', 'the arguments of a call are an array');
  // They were taken from the signature of the very method that is called here, and are what JSON made of them.
  const arg = <T>(index: number): T => given[index] as T;
  switch (method) {
    case 'open':
      return provider.open(arg(0), ctx);
    case 'put': {
      if (part === undefined) throw new Fault('bug', 'agent.no_part', 'a put needs a part');
      return provider.put(arg(0), arg(1), part, ctx);
    }
    case 'inspect':
      return provider.inspect(arg(0), arg(1), arg(2), ctx);
    case 'finish':
      return provider.finish(arg(0), arg(1), arg(2), ctx);
    case 'discard':
      return provider.discard(arg(0), arg(1), ctx);
    case 'check':
      return provider.check(ctx);
    default:
      return method satisfies never;
  }
}

/** The part's stream, which is canceled when the call is over, whatever the driver does with it. */
async function bound(open: PartBody['open'], until: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  until.throwIfAborted();
  const reader = (await open()).getReader();
  const onEnd = () => void reader.cancel(until.reason).catch(() => {});
  until.addEventListener('abort', onEnd, { once: true });
  if (until.aborted) onEnd();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await reader.read();
        until.throwIfAborted();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** As the agent sees it: what it asks for is answered as long as the call lasts. */
function remote(connection: RemoteConnection, until: AbortSignal): RemoteConnection {
  return {
    ...connection,
    settings: json(connection.settings),
    credentials: lent(connection.credentials, until),
    shared: (name) => lentValue(connection.shared(name), until),
  };
}

function lent({ read, rotate }: CredentialHandle<unknown>, until: AbortSignal): CredentialHandle<unknown> {
  return {
    read: () => within(until, async () => json(await read())),
    rotate: (replace) =>
      within(until, async () =>
        json(await rotate(async (current) => json(await within(until, () => replace(json(current)))))),
      ),
  };
}

function lentValue({ read, swap }: SharedValue, until: AbortSignal): SharedValue {
  return {
    read: () =>
      within(until, async () => {
        const found = await read();
        return found === null ? null : { v: found.v, value: json(found.value) };
      }),
    swap: (v, value) => within(until, () => swap(v, json(value))),
  };
}

/** Rejects with the signal's reason as soon as it aborts, whatever becomes of the work. */
async function within<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const cut = Promise.withResolvers<never>();
  const onEnd = () => cut.reject(signal.reason);
  signal.addEventListener('abort', onEnd, { once: true });
  try {
    return await Promise.race([work(), cut.promise]);
  } finally {
    signal.removeEventListener('abort', onEnd);
  }
}

function overTheWire(error: unknown): never {
  const { kind, code, message, retryAfterMs, isQueued } = toFault(error);
  throw new Fault(kind, code, message, { ...(retryAfterMs === undefined ? {} : { retryAfterMs }), isQueued });
}

function json(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}
