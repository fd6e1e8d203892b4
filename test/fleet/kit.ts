/** A home with agents in this process, on virtual time. */
import { memoryAgents } from '#adapters/memory/agents.ts';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { placedProvider } from '#core/fleet/placed.ts';
import { agentRegistry } from '#core/fleet/registry.ts';
import type { RemoteConnection } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import { type AgentFacts, AgentId, Placement } from '#core/wire/agent.ts';
import { connectionTo, factsOf } from '../contract/agents-rig.ts';

export const START_MS = 1_800_000_000_000;

export function createFleet() {
  return fleetOn(virtualClock({ seed: 1, startMs: START_MS }));
}

export function fleetOn<C extends Clock>(clock: C) {
  const cells = memoryCells();
  const agents = memoryAgents(clock);
  const pace = agentPaces({ cells, clock });
  /** A process that starts anew has another registry over the same cells. */
  const newRegistry = () => agentRegistry({ cells, clock, pace, onRevoked: (id) => agents.detach(id) });
  const registry = newRegistry();
  return {
    clock,
    cells,
    agents,
    pace,
    registry,
    newRegistry,

    /** As the server does it: met, then attached. Each has an address of its own unless told. */
    attach: async (
      id: string,
      kinds: readonly ProviderKind[],
      more: Partial<AgentFacts> & { address?: string } = {},
    ) => {
      const { address = `203.0.113.${id.length}${id.charCodeAt(0)}`, ...facts } = more;
      const providers = kinds.map((kind) => kind.id);
      const agent = factsOf(id, { providers, ...facts });
      await registry.met(agent, address);
      return agents.attach(agent, { address, kinds });
    },

    /** The driver of a destination whose calls run at agents. */
    placed: (
      kind: ProviderKind,
      placement: Partial<Extract<Placement, { on: 'agents' }>> = {},
      connection: Partial<RemoteConnection> = {},
    ) => {
      const remote = connectionTo({ provider: kind.id, ...connection });
      const local = kind.connect({ ...remote, clock });
      const parsed = Placement.parse({ on: 'agents', ...placement });
      if (local.mode !== 'push' || parsed.on !== 'agents') throw new Error('only push drivers are placed on agents');
      return placedProvider({ local, connection: remote, placement: parsed, agents, registry, pace, clock });
    },
  };
}

export const idOf = (id: string): AgentId => AgentId.parse(id);
