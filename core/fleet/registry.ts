/** What is known of each agent, in a cell of its own: who it says it is, when it was heard, how its files ended, who wants it gone. */
import type { AgentLines, LineHolder } from '#core/ports/agents.ts';
import type { AgentBytes, AgentFacts, AgentId, AgentView } from '#core/wire/agent.ts';
import { type Busy, busyHere, type UnderWay } from './busy.ts';
import { busyInCells } from './busy-cells.ts';
import type { CellDeps } from './cell.ts';
import {
  heardBy,
  heldOf,
  type Known,
  leftBy,
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
  /**
   * It has attached; answers the other process that held its line until now, if one did. Throws Fault `rejected` `agent.revoked`, and
   * `agents.too_many` beyond 256.
   */
  met(facts: AgentFacts, address: string): Promise<LineHolder | null>;
  /** Its heartbeat: one write. Throws Fault `rejected` `agent.revoked`, `agent.unknown` or `agent.elsewhere`: its connection is to be ended. */
  heard(id: AgentId, news: { readonly memoryBytes: number | null; readonly bytes?: AgentBytes }): Promise<void>;
  /**
   * It says by HTTP who it is: shown at once, and no call is run there before it has attached. What only its line tells stays as it was.
   * Throws as `met` does.
   */
  registered(facts: SaidFacts, address: string): Promise<void>;
  /** It says by HTTP that it is there. For its files only its line counts. Throws as `heard` does. */
  reported(id: AgentId, news: { readonly memoryBytes?: number }): Promise<void>;
  /** The line that was attached then has ended, at this process: nobody need wait until it is silent. */
  left(id: AgentId, attachedAtMs: number): Promise<void>;
  /** A file ended there; written with the next heartbeat, or now where none is heard. Never rejects. */
  ended(id: AgentId, how: 'done' | 'failed'): Promise<void>;
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
  readonly lines: AgentLines;
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
  readonly onRevoked: (id: AgentId) => void | Promise<void>;
  /** Several processes hold lines and run calls. Absent: this one does all of it. */
  readonly shared?: {
    /** This one; null: it holds none, and hears no heartbeats. */
    readonly holder: LineHolder | null;
  };
}

export function agentRegistry(deps: RegistryDeps): AgentRegistry {
  const { clock, pace, onRevoked, shared } = deps;
  const holder = shared?.holder ?? null;
  const hearsNothing = shared?.holder === null;
  const startedAtMs = clock.now();
  const known = knownCells(deps);
  const busy = shared === undefined ? busyHere(clock) : busyInCells(known, clock);
  // Both only of agents that have a cell, of which there are few.
  /** What heartbeats told last: one that is slow to be written must not undo a later one. */
  const told = new Map<AgentId, Parameters<AgentRegistry['heard']>[1]>();
  const sent = new Map<AgentId, number>();

  async function view(agent: Known, { files }: UnderWay): Promise<AgentView> {
    const restsUntilMs = await pace.restsUntil(agent.address);
    return viewOf(agent, { files: files(agent.facts.id), restsUntilMs, now: clock.now() });
  }

  /** With the news; what cannot be written now stays among them. */
  async function writeNews(id: AgentId): Promise<void> {
    await known.update(id, (agent) => agent).catch(() => null);
  }

  return {
    busy,
    pins: agentPins(deps),
    lines: {
      all: async () => {
        const now = clock.now();
        return (await known.all()).flatMap((agent) => heldOf(agent, now) ?? []);
      },
      of: async (id) => {
        const agent = await known.read(id);
        return agent && heldOf(agent, clock.now());
      },
    },

    met: async (facts, address) => {
      let before: LineHolder | null = null;
      await known.upsert(facts.id, (agent) => {
        before = agent?.line ?? null;
        return metBy(agent, facts, address, { holder, now: clock.now() });
      });
      return otherThan(holder, before);
    },

    heard: async (id, news) => {
      told.set(id, news);
      await known.update(id, (agent) => ({ ...heardBy(agent, { holder, now: clock.now() }), ...told.get(id) }));
    },

    left: async (id, attachedAtMs) => {
      if (holder !== null) await known.update(id, (agent) => leftBy(agent, { holder, sinceMs: attachedAtMs }));
    },

    registered: (said, address) => known.upsert(said.id, (agent) => registeredBy(agent, said, address, clock.now())),

    reported: async (id, news) => {
      await known.update(id, (agent) => ({ ...welcome(agent), ...news, lastSeenAtMs: clock.now() }));
    },

    ended: async (id, how) => {
      known.note(id, how === 'done' ? { filesDone: 1 } : { filesFailed: 1 });
      if (hearsNothing) await writeNews(id);
    },

    refused: async (id, code) => {
      known.note(id, { refusals: [{ atMs: clock.now(), code: code.slice(0, 64) }] });
      await writeNews(id);
    },

    list: async () => {
      const [agents, underWay] = await Promise.all([known.all(), busy.look()]);
      return Promise.all(agents.map((agent) => view(agent, underWay)));
    },

    revoke: async (id) => {
      const agent = await known.update(id, (now) => ({ ...now, isRevoked: true }));
      await onRevoked(id);
      return view(agent, await busy.look());
    },

    restore: async (id) => {
      const agent = await known.update(id, (now) => ({ ...now, isRevoked: false }));
      return view(agent, await busy.look());
    },

    forget: async (id) => {
      await known.drop(id, ({ lastSeenAtMs }) => clock.now() - lastSeenAtMs > OFFLINE_MS);
      sent.delete(id);
      told.delete(id);
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
      return clock.now() - Math.max(agent.lineAtMs ?? 0, hearsNothing ? 0 : startedAtMs);
    },
  };
}

function otherThan(holder: LineHolder | null, before: LineHolder | null): LineHolder | null {
  return before === null || before.epoch === holder?.epoch ? null : { url: before.url, epoch: before.epoch };
}
