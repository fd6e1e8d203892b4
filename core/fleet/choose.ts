/** Which agent a new file goes to. Pure: whose turn it was is given and answered. */
import type { AgentId, AgentStrategy } from '#core/wire/agent.ts';

/** An agent that may take the file now. */
export interface Candidate {
  readonly id: AgentId;
  /** Files under way there. */
  readonly files: number;
  readonly bandwidthMbps: number;
  /** When its address last started a file; null: it never did. */
  readonly lastStartMs: number | null;
  /** A service or a person asked its address for less within the last hour. */
  readonly isRefused: boolean;
}

/** What one choice leaves for the next. */
export interface Turn {
  readonly lastId: string | null;
  /** Of smooth weighted round robin. */
  readonly weights: ReadonlyMap<string, number>;
}

export interface Choice {
  readonly picked: Candidate;
  readonly turn: Turn;
}

export const FIRST_TURN: Turn = { lastId: null, weights: new Map() };

/** Weights of agents that are long gone would be kept for ever; losing all of them costs one round. */
const WEIGHTS_MAX = 512;

/** One of those whose address was not refused lately, if there is one; null without candidates. The order given does not matter. */
export function choose(strategy: AgentStrategy, candidates: readonly Candidate[], turn: Turn): Choice | null {
  const wanted = candidates.filter(({ isRefused }) => !isRefused);
  const ranked = [...(wanted.length > 0 ? wanted : candidates)].sort((a, b) => (a.id < b.id ? -1 : 1));
  const [first] = ranked;
  if (first === undefined) return null;
  switch (strategy) {
    case 'least-busy':
      return { picked: best(ranked, first, isLessBusy), turn };
    case 'longest-rested':
      return { picked: best(ranked, first, hasRestedLonger), turn };
    case 'round-robin': {
      const picked = ranked.find(({ id }) => turn.lastId !== null && id > turn.lastId) ?? first;
      return { picked, turn: { ...turn, lastId: picked.id } };
    }
    case 'weighted':
      return weighted(ranked, first, turn);
    default:
      return strategy satisfies never;
  }
}

/** Each gains its bandwidth, the one that has most is picked and pays what all have gained: 5, 1, 1 give a a b a c a a. */
function weighted(ranked: readonly Candidate[], first: Candidate, turn: Turn): Choice {
  const weights = new Map(turn.weights.size > WEIGHTS_MAX ? [] : turn.weights);
  for (const { id, bandwidthMbps } of ranked) weights.set(id, (weights.get(id) ?? 0) + bandwidthMbps);
  const of = ({ id }: Candidate) => weights.get(id) ?? 0;
  const picked = best(ranked, first, (a, b) => of(a) > of(b));
  const total = ranked.reduce((sum, { bandwidthMbps }) => sum + bandwidthMbps, 0);
  weights.set(picked.id, of(picked) - total);
  return { picked, turn: { ...turn, weights } };
}

/** The first of those that none is better than. */
function best(
  ranked: readonly Candidate[],
  first: Candidate,
  isBetter: (a: Candidate, b: Candidate) => boolean,
): Candidate {
  return ranked.reduce((found, candidate) => (isBetter(candidate, found) ? candidate : found), first);
}

/** By files for each Mbps, compared crosswise. */
function isLessBusy(a: Candidate, b: Candidate): boolean {
  const difference = a.files * b.bandwidthMbps - b.files * a.bandwidthMbps;
  return difference < 0 || (difference === 0 && hasRestedLonger(a, b));
}

function hasRestedLonger(a: Candidate, b: Candidate): boolean {
  return (a.lastStartMs ?? Number.NEGATIVE_INFINITY) < (b.lastStartMs ?? Number.NEGATIVE_INFINITY);
}
