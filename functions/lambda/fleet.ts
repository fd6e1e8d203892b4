/** Agents as functions see them: known by their cells, called by way of the relay that holds their lines. */
import { switchboardAgents } from '#adapters/switchboard/agents.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { placedProvider } from '#core/fleet/placed.ts';
import { agentRegistry } from '#core/fleet/registry.ts';
import { turnsInCells } from '#core/fleet/turns.ts';
import { traceOf } from '#core/trace.ts';
import type { AgentId } from '#core/wire/agent.ts';
import type { CloudFleet, FleetBase } from '../deps.ts';

/** For `composeCloud`. `secret` signs what is posted to the relay. */
export function fleetByRelay(relayUrl: string, secret: string): (base: FleetBase) => CloudFleet {
  return (base) => fleetOn(base, relayUrl, secret);
}

function fleetOn({ cells, clock, log }: FleetBase, relayUrl: string, secret: string): CloudFleet {
  const pace = agentPaces({ cells, clock });
  // Who cannot be told now is refused at the agent's next heartbeat.
  const onRevoked = async (id: AgentId): Promise<void> => {
    try {
      await agents.detach(id);
    } catch (error) {
      log.error('agent.not_told', traceOf(error));
    }
  };
  const registry = agentRegistry({ cells, clock, pace, onRevoked, shared: { holder: null } });
  const agents = switchboardAgents({ relayUrl, secret, clock, lines: registry.lines });
  return {
    registry,
    place: (local, connection, placement) => {
      const turns = turnsInCells({ cells, clock }, connection.destinationId);
      return placedProvider({
        ...{ local, connection, placement, agents, registry, pace, clock, turns },
        find: async (id) => {
          const held = await registry.lines.of(id);
          return held === null || held.isRevoked ? null : held.agent;
        },
        bytes: 'from-bucket',
      });
    },
  };
}
