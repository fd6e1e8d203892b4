/** Which files are under way at which agent. */
import type { Clock } from '#core/ports/clock.ts';
import type { AgentId } from '#core/wire/agent.ts';
import type { TransferId } from '#core/wire/ids.ts';

export interface Busy {
  /** A call begins. What it answers is to be called once, when the call is over; null: the agent has `filesMax` other files. */
  begin(agent: AgentId, transferId: TransferId, filesMax: number): Promise<(() => void) | null>;
  /** The file has ended there, or never began; false: it was not under way. Calls that still run do not count any more. */
  over(agent: AgentId, transferId: TransferId): Promise<boolean>;
  look(): Promise<UnderWay>;
}

export interface UnderWay {
  has(agent: AgentId, transferId: TransferId): boolean;
  files(agent: AgentId): number;
}

interface Calls {
  calls: number;
  lastMs: number;
}

/** A file whose bytes are slow in coming keeps its place for as long after its last call. */
const LINGER_MS = 30_000;

/** As this process knows it, which holds the connections of all of them. */
export function busyHere(clock: Clock): Busy {
  const agents = new Map<AgentId, Map<TransferId, Calls>>();

  /** Those still under way; the others are forgotten here, so the maps stay as small as the work is. */
  function at(agent: AgentId): Map<TransferId, Calls> {
    const files = agents.get(agent) ?? new Map<TransferId, Calls>();
    const sinceMs = clock.now() - LINGER_MS;
    for (const [transferId, { calls, lastMs }] of files) {
      if (calls === 0 && lastMs <= sinceMs) files.delete(transferId);
    }
    if (files.size === 0) agents.delete(agent);
    return files;
  }

  return {
    begin: async (agent, transferId, filesMax) => {
      const files = at(agent);
      const known = files.get(transferId) ?? { calls: 0, lastMs: 0 };
      if (!files.has(transferId) && files.size >= filesMax) return null;
      known.calls += 1;
      agents.set(agent, files.set(transferId, known));
      return () => {
        known.calls -= 1;
        known.lastMs = clock.now();
      };
    },
    over: async (agent, transferId) => at(agent).delete(transferId),
    look: async () => ({
      has: (agent, transferId) => at(agent).has(transferId),
      files: (agent) => at(agent).size,
    }),
  };
}
