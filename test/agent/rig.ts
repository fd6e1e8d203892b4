/** A home with a door for agents, and agents of this process that come in through real sockets which can be broken. */
import { setDefaultHighWaterMark } from 'node:stream';
import { systemClock } from '#adapters/system/clock.ts';
import type { AgentCall, Agents, RemoteConnection } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import type { CallContext, PartBody, PushProvider } from '#core/ports/provider.ts';
import type { AgentFacts, AgentId } from '#core/wire/agent.ts';
import { type Attachment, attach } from '../../agent/attachment.ts';
import { bucketDoor } from '../../agent/bucket-door.ts';
import { type HomeLine, homeLine } from '../../agent/home-line.ts';
import type { AgentBook } from '../../relay/agents/links.ts';
import { type AgentServer, type AgentServerParts, agentServer } from '../../relay/agents/server.ts';
import { type CountingTunnel, countingTunnel } from '../support/counting-tunnel.ts';

export const KEY = 'the-key-of-this-fleet';

export interface Home extends AsyncDisposable {
  readonly server: AgentServer;
  readonly port: number;
  readonly clock: Clock;
  /** Resolves when the condition holds, looked at in each turn of the event loop. */
  until(condition: () => boolean): Promise<void>;
}

export interface DialOptions {
  readonly key?: string;
  /** Of the agent; the home's own unless told. */
  readonly clock?: Clock;
  readonly token?: () => string;
  /** Sees the line before the agent does. */
  readonly wrap?: (line: HomeLine) => HomeLine;
  readonly onBucket?: (code: string | null) => void;
  /** What stands between. */
  readonly tunnel?: (target: string) => Promise<Pick<CountingTunnel, 'url' | typeof Symbol.asyncDispose>>;
}

export interface Dialled {
  readonly line: HomeLine;
  readonly attachment: Attachment;
  /** Breaks its connections, without a word. */
  cut(): Promise<void>;
}

export const openBook: AgentBook = { met: async () => {}, heard: async () => {} };

// As in the process: what is read ahead of a driver is measured here too.
setDefaultHighWaterMark(true, 1);

export async function startHome(parts: Partial<AgentServerParts> = {}): Promise<Home> {
  const clock = parts.clock ?? systemClock();
  const errors: unknown[] = [];
  const server = agentServer({
    clock,
    key: KEY,
    tokenSecret: 'a secret of the test',
    book: openBook,
    onError: (error) => errors.push(error),
    ...parts,
  });
  const port = await server.listen({ port: 0, security: 'loopback' });
  return {
    server,
    port,
    clock,
    until: async (condition) => {
      while (!condition()) await new Promise((resolve) => setImmediate(resolve));
    },
    [Symbol.asyncDispose]: async () => {
      await server.close();
      if (errors.length > 0) throw errors[0];
    },
  };
}

/** Resolves when it is attached; rejects with the Fault that it is refused with. */
export async function dial(
  home: Pick<Home, 'port' | 'clock'>,
  facts: AgentFacts,
  kinds: readonly ProviderKind[],
  options: DialOptions = {},
): Promise<Dialled> {
  const { key = KEY, clock = home.clock } = options;
  const tunnel = await (options.tunnel ?? countingTunnel)(`http://127.0.0.1:${home.port}`);
  const line = homeLine({ host: '127.0.0.1', port: Number(new URL(tunnel.url).port), security: 'plain' });
  const bucket = bucketDoor('plain');
  const cut = async (): Promise<void> => {
    bucket.close();
    await tunnel[Symbol.asyncDispose]();
    line.close();
  };
  try {
    const { token } = await line.enrol(key, facts.id);
    const attachment = attach({
      line: options.wrap?.(line) ?? line,
      facts,
      kinds,
      clock,
      token: options.token ?? (() => token),
      memoryBytes: () => 50_000_000,
      onHeard: () => {},
      onCall: () => {},
      onBucket: options.onBucket ?? (() => {}),
      bucket,
    });
    await attachment.welcome;
    return { line, attachment, cut };
  } catch (error) {
    await cut();
    throw error;
  }
}

/** The driver as the engine has it whose calls run at this agent. */
export function throughAgent(
  agents: Agents,
  id: AgentId,
  kind: ProviderKind,
  connection: RemoteConnection,
): PushProvider {
  const local = kind.connect({ ...connection, clock: systemClock() });
  if (local.mode !== 'push') throw new Error('only calls of push drivers run at agents');
  const call = (method: AgentCall['method'], args: readonly unknown[], ctx: CallContext, part?: PartBody) =>
    agents.call(id, { connection, method, args, ...(part === undefined ? {} : { part }) }, ctx) as Promise<any>;
  return {
    ...local,
    open: (item, ctx) => call('open', [item], ctx),
    put: (session, item, part, ctx) => call('put', [session, item], ctx, part),
    inspect: (session, item, parts, ctx) => call('inspect', [session, item, parts], ctx),
    finish: (session, item, parts, ctx) => call('finish', [session, item, parts], ctx),
    discard: (session, item, ctx) => call('discard', [session, item], ctx),
    check: (ctx) => call('check', [], ctx),
  };
}
