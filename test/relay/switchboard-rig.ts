/** Relays that hold agents' lines, as functions reach them: one process each but for that, over one table. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ServerType, serve } from '@hono/node-server';
import { onTestFinished } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { switchboardAgents } from '#adapters/switchboard/agents.ts';
import { systemClock } from '#adapters/system/clock.ts';
import { jsonLog } from '#adapters/system/log.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { type AgentRegistry, agentRegistry } from '#core/fleet/registry.ts';
import type { AgentCall, Agents } from '#core/ports/agents.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Destination } from '#core/ports/destinations.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import type { StagingLinks } from '#core/ports/staging.ts';
import { Placement } from '#core/wire/agent.ts';
import { type RelayFleet, relayFleet } from '../../relay/switchboard/fleet.ts';
import { KEY } from '../agent/rig.ts';
import { scripted } from '../contract/agents-rig.ts';
import { passOn } from '../support/recording-proxy.ts';

export const POST_SECRET = 'what functions and relays sign with';

export interface Switchboard extends AsyncDisposable {
  readonly cells: Cells;
  readonly clock: Clock;
  readonly relays: readonly TestRelay[];
  /** As functions have it; what they post comes to the first relay. */
  readonly agents: Agents;
  /** Where functions post. */
  readonly relayUrl: string;
  readonly registry: AgentRegistry;
}

export interface TestRelay {
  readonly url: string;
  /** Where agents come in. */
  readonly port: number;
  readonly fleet: RelayFleet;
  /** It answers nobody any more, as if it had died. */
  kill(): Promise<void>;
}

export interface SwitchboardOptions {
  readonly links: StagingLinks;
  readonly relays?: number;
  /** Of functions. */
  readonly time?: Partial<Clock>;
  /** Stands before what functions post to. */
  readonly before?: (relayUrl: string) => Promise<string>;
}

export async function switchboard({
  links,
  relays: count = 2,
  time,
  before,
}: SwitchboardOptions): Promise<Switchboard> {
  const cells = memoryCells();
  const clock = systemClock();
  const calls = new Map<string, AgentCall>();
  const relays: TestRelay[] = [];
  for (let at = 0; at < count; at++) relays.push(await startRelay({ cells, clock, links }));
  const registry = agentRegistry({
    ...{ cells, clock, pace: agentPaces({ cells, clock }), shared: { holder: null } },
    onRevoked: (id) => agents.detach(id),
  });
  const first = relays[0]?.url ?? '';
  const relayUrl = (await before?.(first)) ?? first;
  const agents = switchboardAgents({
    relayUrl,
    secret: POST_SECRET,
    clock: { ...clock, ...time },
    lines: registry.lines,
  });
  return {
    cells,
    clock,
    relays,
    relayUrl,
    registry,
    agents: {
      ...agents,
      call: (id, call, ctx) => {
        calls.set(call.connection.destinationId, call);
        for (const { fleet } of relays) put(fleet, call);
        return agents.call(id, call, ctx);
      },
    },
    [Symbol.asyncDispose]: async () => {
      for (const { fleet, kill } of relays) {
        await fleet.close();
        await kill();
      }
    },
  };
}

/** Takes every request to the relay, and loses the answers to as many as it is told to. */
export function lossyWay() {
  let lost = 0;
  const asked: string[] = [];
  /** Resolves when it is on its way: what is answered, and when, nobody hears. */
  const swallowed = async (relayUrl: string, request: IncomingMessage): Promise<void> => {
    const { method = 'POST', headers, url = '' } = request;
    const given = Object.entries(headers).filter(([name]) => /^x-|type/.test(name));
    const body = Buffer.concat(await request.toArray());
    asked.push(JSON.parse(body.toString()).ask);
    fetch(new URL(url, relayUrl), {
      method,
      headers: given.map(([name, value]) => [name, String(value)] as [string, string]),
      body,
    }).then(
      (answer) => answer.body?.cancel(),
      () => undefined,
    );
  };
  return {
    /** What was asked for where the answer was lost. */
    asked,
    loseNext: (answers: number): void => {
      lost = answers;
    },
    before: async (relayUrl: string): Promise<string> => {
      const server = createServer((request, response) => {
        const isLost = lost > 0;
        lost = Math.max(0, lost - 1);
        const passed = isLost ? swallowed(relayUrl, request) : passOn(relayUrl, request, response);
        passed.then(
          () => isLost && response.destroy(),
          () => response.destroy(),
        );
      });
      onTestFinished(() => void server.close());
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      return `http://127.0.0.1:${port}`;
    },
  };
}

/** The relay has such a destination from now on. */
function put(fleet: RelayFleet, { connection }: AgentCall): void {
  // Connected as a push driver, which it is.
  const local = scripted(() => ({})).connect({ ...connection, clock: systemClock() }) as PushProvider;
  const placement = Placement.parse({ on: 'agents' });
  if (placement.on === 'agents') fleet.place(local, connection, placement);
}

async function startRelay({ cells, clock, links }: { cells: Cells; clock: Clock; links: StagingLinks }) {
  let fleet: RelayFleet | null = null;
  const started = await new Promise<{ http: ServerType; port: number }>((resolve) => {
    const answer = (request: Request) => fleet?.answer(request) ?? new Response(null, { status: 503 });
    const http = serve({ fetch: answer, hostname: '127.0.0.1', port: 0 }, ({ port }) => resolve({ http, port }));
  });
  const url = `http://127.0.0.1:${started.port}`;
  const log = jsonLog(() => undefined, 'error');
  const own = { key: KEY, tokenSecret: 'signs tokens', postSecret: POST_SECRET };
  fleet = relayFleet({ ...own, holder: { url, epoch: randomUUID() } }, { cells, clock, log, links });
  const placed = { placement: Placement.parse({ on: 'agents' }) } as Destination;
  const destinations = { get: async () => placed, provider: async () => ({}) as PushProvider };
  const port = await fleet.listen(destinations, { port: 0, security: 'loopback' });
  return {
    url,
    port,
    fleet,
    kill: () =>
      new Promise<void>((resolve) => {
        started.http.close(() => resolve());
        if ('closeAllConnections' in started.http) started.http.closeAllConnections();
      }),
  };
}
