/** Which files are under way at which agent, as this process knows it: it holds the connections of all of them. */
import type { Clock } from '#core/ports/clock.ts';
import type { AgentId } from '#core/wire/agent.ts';
import type { TransferId } from '#core/wire/ids.ts';

export interface Busy {
  /** A call begins. What it answers is to be called once, when the call is over. */
  begin(agent: AgentId, transferId: TransferId): () => void;
  /** The file has ended there, or never began; false: it was not under way. Calls that still run do not count any more. */
  over(agent: AgentId, transferId: TransferId): boolean;
  has(agent: AgentId, transferId: TransferId): boolean;
  files(agent: AgentId): number;
}

interface UnderWay {
  calls: number;
  lastMs: number;
}

/** A file whose bytes are slow in coming keeps its place for as long after its last call. */
const LINGER_MS = 30_000;

export function busyAgents(clock: Clock): Busy {
  const agents = new Map<AgentId, Map<TransferId, UnderWay>>();

  /** Those still under way; the others are forgotten here, so the maps stay as small as the work is. */
  function at(agent: AgentId): Map<TransferId, UnderWay> {
    const files = agents.get(agent) ?? new Map<TransferId, UnderWay>();
    const sinceMs = clock.now() - LINGER_MS;
    for (const [transferId, { calls, lastMs }] of files) {
      if (calls === 0 && lastMs <= sinceMs) files.delete(transferId);
    }
    if (files.size === 0) agents.delete(agent);
    return files;
  }

  return {
    begin: (agent, transferId) => {
      const files = at(agent);
      const known = files.get(transferId) ?? { calls: 0, lastMs: 0 };
      known.calls += 1;
      agents.set(agent, files.set(transferId, known));
      return () => {
        known.calls -= 1;
        known.lastMs = clock.now();
      };
    },
    over: (agent, transferId) => at(agent).delete(transferId),
    has: (agent, transferId) => at(agent).has(transferId),
    files: (agent) => at(agent).size,
  };
}
