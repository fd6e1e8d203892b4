/** The fleet of the one-machine home: agents come in where a port is named for them. */
import { getConnInfo } from '@hono/node-server/conninfo';
import type { Place } from '#adapters/vault/placement.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { placedProvider } from '#core/fleet/placed.ts';
import { agentRegistry } from '#core/fleet/registry.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Log } from '#core/ports/log.ts';
import type { StagingLinks } from '#core/ports/staging.ts';
import { traceOf } from '#core/trace.ts';
import type { AgentId } from '#core/wire/agent.ts';
import type { AgentDoor } from '../functions/routes/agent-http.ts';
import { bareAddress } from '../relay/agents/address.ts';
import type { AgentServer, Where } from '../relay/agents/server.ts';
import { wayLog } from '../relay/agents/way-log.ts';
import type { DataDir } from './data-dir.ts';
import type { Env } from './env.ts';

export interface Fleet {
  readonly place: Place;
  readonly door: AgentDoor;
  /** From now on agents come in. Rejects when the port cannot be had. */
  listen(): Promise<void>;
  close(): Promise<void>;
}

const KEY_FILE = 'agent-key';
const TOKEN_SECRET_FILE = 'agent-token-key';

/** Null: this home takes no agents, and their library is not even loaded. */
export async function openFleet(parts: {
  readonly env: Env;
  readonly data: DataDir;
  readonly cells: Cells;
  readonly links: StagingLinks;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Fleet | null> {
  const { env, data, cells, links, clock, log } = parts;
  const { ENTREPOT_AGENT_PORT: port, ENTREPOT_AGENT_BYTES: way } = env;
  if (port === undefined) return null;
  const { agentServer } = await import('../relay/agents/server.ts');
  const pace = agentPaces({ cells, clock });
  const onRevoked = (id: AgentId): void => {
    log.info('agent.revoked', { agent: id });
    server.agents.detach(id);
  };
  const registry = agentRegistry({ cells, clock, pace, onRevoked });
  const server: AgentServer = agentServer({
    clock,
    key: env.ENTREPOT_AGENT_KEY ?? data.secret(KEY_FILE),
    tokenSecret: data.secret(TOKEN_SECRET_FILE),
    book: {
      met: async (facts, address) => {
        await registry.met(facts, address);
        log.info('agent.met', { agent: facts.id });
      },
      heard: registry.heard,
    },
    ...(way === 'line' ? {} : { bytes: { way, links } }),
    onBytes: wayLog(log),
    onError: (error) => log.error('agents.failed', traceOf(error)),
  });
  const { agents } = server;
  return {
    place: (local, connection, placement) =>
      placedProvider({ local, connection, placement, agents, registry, pace, clock }),
    door: {
      registry,
      enrol: (key, id, address) => server.enrol({ key, agent_id: id }, address),
      agentBy: async (token) => (await server.readPass(token))?.id ?? null,
      addressOf: (c) => bareAddress(getConnInfo(c).remote.address ?? ''),
    },
    listen: async () => {
      const listened = await server.listen({
        host: env.ENTREPOT_AGENT_HOST ?? env.HOST,
        port,
        security: securityOf(env),
      });
      data.write('agent-port', `${listened}\n`);
      log.info('agents.listening', { port: listened });
    },
    close: () => server.close(),
  };
}

function securityOf(env: Env): Where['security'] {
  const { ENTREPOT_AGENT_TLS_CERT: certificate, ENTREPOT_AGENT_TLS_KEY: key } = env;
  if (certificate !== undefined && key !== undefined) {
    return { certificate: Buffer.from(certificate), key: Buffer.from(key) };
  }
  return env.ENTREPOT_AGENT_PLAIN === 'yes' ? 'plain' : 'loopback';
}
