/** Agents of a home whose work is done by functions: this relay holds their lines, and runs calls there that others ask for. */
import { CALLS_PATH } from '#clients/posts/calls.ts';
import { signedPost } from '#clients/posts/signed-post.ts';
import { Fault } from '#core/fault.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { placedProvider } from '#core/fleet/placed.ts';
import { agentRegistry } from '#core/fleet/registry.ts';
import { turnsInCells } from '#core/fleet/turns.ts';
import type { LineHolder, RemoteConnection } from '#core/ports/agents.ts';
import type { Destinations } from '#core/ports/destinations.ts';
import { traceOf } from '#core/trace.ts';
import type { AgentId } from '#core/wire/agent.ts';
import type { CloudFleet, FleetBase } from '../../functions/deps.ts';
import { agentServer, type Where } from '../agents/server.ts';
import { wayLog } from '../agents/way-log.ts';
import { every } from '../timers.ts';
import { switchboardAnswer } from './answer.ts';
import { callDesk, type RunCall } from './desk.ts';

export interface RelayFleet extends CloudFleet {
  /** `POST /internal/agents` */
  readonly answer: (request: Request) => Promise<Response>;
  /** From now on agents come in; answers the port. Where to find connections to destinations must be known by then. */
  listen(destinations: Pick<Destinations, 'get' | 'provider'>, where: Where): Promise<number>;
  /** Sends all agents to other relays. Bounded. */
  close(): Promise<void>;
}

export interface RelayFleetParts {
  readonly holder: LineHolder;
  /** Lets agents in. */
  readonly key: string;
  readonly tokenSecret: string;
  /** Signs what relays and functions post to each other. */
  readonly postSecret: string;
}

const SWEEP_MS = 5_000;
const LEAVING_MS = 3_000;

export function relayFleet({ holder, key, tokenSecret, postSecret }: RelayFleetParts, base: FleetBase): RelayFleet {
  const { cells, clock, log, links } = base;
  const pace = agentPaces({ cells, clock });
  const onRevoked = (id: AgentId): void => server.agents.detach(id);
  const registry = agentRegistry({ cells, clock, pace, onRevoked, shared: { holder } });
  const connections = new Map<string, RemoteConnection>();
  const stopped = new AbortController();
  const leaving = new Set<Promise<void>>();
  const onError = (error: unknown): void => log.error('agents.failed', traceOf(error));
  let destinations: Pick<Destinations, 'get' | 'provider'> | null = null;

  const server = agentServer({
    clock,
    key,
    tokenSecret,
    bytes: { way: 'bucket', links },
    onBytes: wayLog(log),
    book: {
      met: async (facts, address) => {
        const before = await registry.met(facts, address);
        log.info('agent.met', { agent: facts.id });
        // One that does not hear of it learns it with the next heartbeat on its line, if that is still there.
        if (before !== null) tellReplaced(before, facts.id).catch(() => undefined);
      },
      heard: registry.heard,
      left: (id, attachedAtMs) => {
        const left = registry.left(id, attachedAtMs).finally(() => leaving.delete(left));
        leaving.add(left);
        return left;
      },
    },
    onError,
  });

  async function tellReplaced(before: LineHolder, agent: AgentId): Promise<void> {
    const ask = { ask: 'agent.detach', holder: before, agent, isForwarded: true, why: 'replaced' };
    const response = await signedPost(
      { url: `${before.url}${CALLS_PATH}`, secret: postSecret, clock },
      JSON.stringify(ask),
    );
    await response.body?.cancel();
  }

  /** As the destination is now. Throws Fault `rejected` `destination.not_placed`, also where it is not there any more. */
  async function connectionTo(destinationId: string): Promise<RemoteConnection> {
    const found = await destinations?.get(destinationId);
    if (found?.placement.on === 'agents') {
      // Connects it, if it has changed since.
      await destinations?.provider(destinationId);
      const connection = connections.get(destinationId);
      if (connection !== undefined) return connection;
    }
    connections.delete(destinationId);
    throw new Fault('rejected', 'destination.not_placed', 'the calls of this destination are not run at agents');
  }

  const run: RunCall = async ({ agent, destinationId, method, args, part }, signal, flowed) => {
    const call = { connection: await connectionTo(destinationId), method, args };
    const given = part === null ? {} : { part: { ...part, flowed, open: noBytesHere } };
    return server.agents.call(agent, { ...call, ...given }, { signal });
  };
  const desk = callDesk({ clock, run });

  return {
    registry,
    place: (local, connection, placement) => {
      connections.set(connection.destinationId, connection);
      const turns = turnsInCells({ cells, clock }, connection.destinationId);
      return placedProvider({ local, connection, placement, agents: server.agents, registry, pace, clock, turns });
    },
    answer: switchboardAnswer({
      holder,
      desk,
      detach: server.agents.detach,
      secret: postSecret,
      secrets: [postSecret],
      clock,
    }),
    listen: async (given, where) => {
      destinations = given;
      every(clock, SWEEP_MS, stopped.signal, async () => desk.sweep(), onError);
      return server.listen(where);
    },
    close: async () => {
      stopped.abort();
      await server.close();
      const patience = new AbortController();
      const late = clock.sleep(LEAVING_MS, patience.signal).catch(() => undefined);
      await Promise.race([Promise.allSettled(leaving), late]);
      patience.abort();
    },
  };
}

async function noBytesHere(): Promise<never> {
  throw new Fault('rejected', 'agent.no_line_bytes', 'this home sends no bytes of files over the lines of agents');
}
