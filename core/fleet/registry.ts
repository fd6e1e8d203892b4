/** What is known of each agent, in a cell of its own: who it says it is, when it was heard, how its files ended, who wants it gone. */
import type { AgentFacts, AgentId, AgentView } from '#core/wire/agent.ts';
import { type Busy, busyAgents } from './busy.ts';
import type { CellDeps } from './cell.ts';
import {
  type Known,
  metBy,
  OFFLINE_MS,
  refusedAddresses,
  registeredBy,
  type SaidFacts,
  viewOf,
  welcome,
} from './known.ts';
import { knownCells } from './known-cells.ts';
import type { AgentPaces } from './paces.ts';
import { type AgentPins, agentPins } from './pins.ts';

export interface AgentRegistry {
  /** It has attached. Throws Fault `rejected` `agent.revoked`, and `agents.too_many` beyond 256. */
  met(facts: AgentFacts, address: string): Promise<void>;
  /** Its heartbeat: one write. Throws Fault `rejected` `agent.revoked` or `agent.unknown`: its connection is to be ended. */
  heard(id: AgentId, news: { readonly memoryBytes: number | null }): Promise<void>;
  /**
   * It says by HTTP who it is: shown at once, and no call is run there before it has attached. What only its line tells stays as it was.
   * Throws as `met` does.
   */
  registered(facts: SaidFacts, address: string): Promise<void>;
  /** It says by HTTP that it is there. For its files only its line counts. Throws as `heard` does. */
  reported(id: AgentId, news: { readonly memoryBytes?: number }): Promise<void>;
  /** A file ended there; written with the next heartbeat. */
  ended(id: AgentId, how: 'done' | 'failed'): void;
  /** A service, or a person whom it wants, asked its address for less. Never rejects: it is written with the next heartbeat if not now. */
  refused(id: AgentId, code: string): Promise<void>;

  list(): Promise<readonly AgentView[]>;
  /** Its connection ends and it may not attach any more. Throws Fault `rejected` `agent.unknown`, as the next two do. */
  revoke(id: AgentId): Promise<AgentView>;
  restore(id: AgentId): Promise<AgentView>;
  /** All of it, also that it was revoked. Throws Fault `rejected` `agent.online` of one that was heard within 90 s. */
  forget(id: AgentId): Promise<void>;

  standing(): Promise<Standing>;
  /** Refusals that are still known, of the last 16 of each agent, with the addresses that they were told to. */
  refusals(): Promise<readonly AddressRefusal[]>;
  /** How long its line has been silent, as far as this process can tell; null: it is unknown or revoked, and not waited for. */
  silentMs(id: AgentId): Promise<number | null>;
  /** A part of so many bytes arrived by way of it. */
  sent(id: AgentId, sizeBytes: number): void;
  /** Since this process began. */
  sentBytes(): ReadonlyMap<AgentId, number>;
  readonly busy: Busy;
  readonly pins: AgentPins;
}

export interface AddressRefusal {
  readonly agent: AgentId;
  readonly address: string;
  readonly atMs: number;
  readonly code: string;
}

/** What a choice must know. */
export interface Standing {
  readonly revoked: ReadonlySet<AgentId>;
  /** Addresses that were refused within the last hour. */
  readonly refused: ReadonlySet<string>;
}

export interface RegistryDeps extends CellDeps {
  readonly pace: AgentPaces;
  /** Ends the connection of one that was revoked. */
  readonly onRevoked: (id: AgentId) => void;
}

export function agentRegistry(deps: RegistryDeps): AgentRegistry {
  const { clock, pace, onRevoked } = deps;
  const startedAtMs = clock.now();
  const busy = busyAgents(clock);
  const known = knownCells(deps);
  /** Only of agents that have a cell, of which there are few. */
  const sent = new Map<AgentId, number>();

  async function view(agent: Known): Promise<AgentView> {
    const restsUntilMs = await pace.restsUntil(agent.address);
    return viewOf(agent, { files: busy.files(agent.facts.id), restsUntilMs, now: clock.now() });
  }

  return {
    busy,
    pins: agentPins(deps),

    met: (facts, address) => known.upsert(facts.id, (agent) => metBy(agent, facts, address, clock.now())),

    heard: async (id, { memoryBytes }) => {
      const now = clock.now();
      await known.update(id, (agent) => ({ ...welcome(agent), memoryBytes, lastSeenAtMs: now, lineAtMs: now }));
    },

    registered: (said, address) => known.upsert(said.id, (agent) => registeredBy(agent, said, address, clock.now())),

    reported: async (id, news) => {
      await known.update(id, (agent) => ({ ...welcome(agent), ...news, lastSeenAtMs: clock.now() }));
    },

    ended: (id, how) => known.note(id, how === 'done' ? { filesDone: 1 } : { filesFailed: 1 }),

    refused: async (id, code) => {
      known.note(id, { refusals: [{ atMs: clock.now(), code: code.slice(0, 64) }] });
      // What cannot be written now stays among the news.
      await known.update(id, (agent) => agent).catch(() => null);
    },

    list: async () => Promise.all((await known.all()).map(view)),

    revoke: async (id) => {
      const agent = await known.update(id, (now) => ({ ...now, isRevoked: true }));
      onRevoked(id);
      return view(agent);
    },

    restore: async (id) => view(await known.update(id, (now) => ({ ...now, isRevoked: false }))),

    forget: async (id) => {
      await known.drop(id, ({ lastSeenAtMs }) => clock.now() - lastSeenAtMs > OFFLINE_MS);
      sent.delete(id);
    },

    standing: async () => {
      const agents = await known.all();
      const revoked = agents.filter(({ isRevoked }) => isRevoked).map(({ facts }) => facts.id);
      return { revoked: new Set(revoked), refused: refusedAddresses(agents, clock.now()) };
    },

    refusals: async () =>
      (await known.all()).flatMap(({ facts, refusals }) =>
        refusals.map((refusal) => ({ agent: facts.id, ...refusal })),
      ),

    sent: (id, sizeBytes) => void sent.set(id, (sent.get(id) ?? 0) + sizeBytes),
    sentBytes: () => sent,

    silentMs: async (id) => {
      const agent = await known.read(id);
      if (agent === null || agent.isRevoked) return null;
      // Nobody could be heard before this process was there to listen.
      return clock.now() - Math.max(agent.lineAtMs ?? 0, startedAtMs);
    },
  };
}
