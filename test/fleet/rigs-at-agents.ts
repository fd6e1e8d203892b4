/** A simulated world whose destinations are placed on agents. */
import { memoryAgents } from '#adapters/memory/agents.ts';
import { memoryCells } from '#adapters/memory/cells.ts';
import type { MemoryBucket } from '#adapters/memory/pulled.ts';
import { agentPaces } from '#core/fleet/paces.ts';
import { placedProvider } from '#core/fleet/placed.ts';
import { agentRegistry } from '#core/fleet/registry.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { PushProvider, Session } from '#core/ports/provider.ts';
import { connectionTo, factsOf, scripted } from '../contract/agents-rig.ts';

export const ADDRESS = '203.0.113.7';

const placement = {
  on: 'agents',
  tags: {},
  strategy: 'round-robin',
  spacingSeconds: 300,
  perHourMax: 0,
} as const;

export function rigsAtAgents(clock: Clock) {
  const cells = memoryCells();
  const pace = agentPaces({ cells, clock });
  const agents = memoryAgents(clock);
  const start = () => agentRegistry({ cells, clock, pace, onRevoked: (id) => agents.detach(id) });
  const drivers: PushProvider[] = [];
  const opened = new Map<unknown, Session>();
  // Which process calls is told to the audit, and none of the agent's business.
  const kind = scripted(({ settings }) => drivers[Number(Object(settings).driver)] ?? {});
  let registry = start();
  return {
    attach: async (id: string, bucket?: MemoryBucket) => {
      const facts = factsOf(id, { filesMax: 5 });
      await registry.met(facts, ADDRESS);
      return agents.attach(facts, { address: ADDRESS, kinds: [kind], ...(bucket === undefined ? {} : { bucket }) });
    },

    /** Nothing is left of what was in memory. */
    restart: (): void => {
      registry = start();
    },

    placed: (bare: PushProvider): PushProvider => {
      const connection = connectionTo({ settings: { driver: drivers.push(bare) - 1 } });
      const local = { ...bare, id: 'scripted' };
      return underItsOwnId(placedProvider({ local, connection, placement, agents, registry, pace, clock }), opened);
    },
  };
}

/** The audits know sessions by the ids of the rig: rows keep those, and `opened` what they stand for. */
function underItsOwnId(placed: PushProvider, opened: Map<unknown, Session>): PushProvider {
  const of = (id: Session): Session => opened.get(id) ?? id;
  return {
    ...placed,
    open: async (item, ctx) => {
      const opening = await placed.open(item, ctx);
      if (opening.kind !== 'ready') return opening;
      const id: Session = Object(opening.session).of;
      opened.set(id, opening.session);
      return { ...opening, session: id };
    },
    plan: (id, ...rest) => placed.plan(of(id), ...rest),
    put: (id, ...rest) => placed.put(of(id), ...rest),
    inspect: (id, ...rest) => placed.inspect(of(id), ...rest),
    finish: (id, ...rest) => placed.finish(of(id), ...rest),
    discard: (id, ...rest) => placed.discard(of(id), ...rest),
  };
}
