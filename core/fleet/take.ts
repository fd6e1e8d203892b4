/** Takes a place for a file at one of the agents that may have it. */
import type { AttachedAgent } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { AgentId, AgentStrategy } from '#core/wire/agent.ts';
import type { TransferId } from '#core/wire/ids.ts';
import type { Busy, UnderWay } from './busy.ts';
import { type Candidate, choose, FIRST_TURN, type Turn } from './choose.ts';
import type { PaceLook } from './paces.ts';
import type { Standing } from './registry.ts';
import type { Turns } from './turns.ts';

export interface Taking {
  readonly busy: Busy;
  readonly strategy: AgentStrategy;
  readonly turns: Turns;
  readonly clock: Clock;
  /** One after the other, so that each sees what the one before has chosen. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
}

/** A call's place at an agent, to be left when the call is over. */
export interface Place {
  readonly id: AgentId;
  leave(): void;
}

/** What is known of each address, for one file. */
export type Looks = Map<string, PaceLook>;

/** What one choice is made from. */
export interface Round {
  readonly standing: Standing;
  readonly looks: Looks;
  readonly underWay: UnderWay;
}

export interface Taken {
  /** Null: nobody has room. */
  readonly picked: AttachedAgent | null;
  /** Null: others, of another process, have taken the room meanwhile. */
  readonly place: Place | null;
  readonly wasThere: boolean;
  readonly roomy: readonly AttachedAgent[];
  /** Those of them that need not rest. */
  readonly ready: readonly AttachedAgent[];
}

/** A place at the one that is chosen of those with room. With `atMs`, one that rests is chosen where all do. */
export function take(
  own: Taking,
  transferId: TransferId,
  fit: readonly AttachedAgent[],
  seen: Omit<Round, 'underWay'>,
  atMs: (agent: AttachedAgent) => number = () => 0,
): Promise<Taken> {
  return own.alone(async () => {
    const underWay = await own.busy.look();
    const roomy = fit.filter((agent) => hasRoom(underWay, agent, transferId));
    const ready = roomy.filter((agent) => atMs(agent) <= own.clock.now());
    const picked = (await chosenFor(own, transferId, ready, { ...seen, underWay })) ?? soonest(roomy, atMs);
    const place = picked && (await placeAt(own, picked, transferId));
    const wasThere = picked !== null && underWay.has(picked.facts.id, transferId);
    return { picked, place, wasThere, roomy, ready };
  });
}

/** Null: it has enough files by now. */
export async function placeAt(
  { busy }: Pick<Taking, 'busy'>,
  { facts: { id, filesMax } }: AttachedAgent,
  transferId: TransferId,
  most = filesMax,
): Promise<Place | null> {
  const leave = await busy.begin(id, transferId, most);
  return leave && { id, leave };
}

/** What the choice knows of each. */
export function candidatesOf(
  from: readonly AttachedAgent[],
  { standing, looks, underWay }: Round,
): readonly Candidate[] {
  return from.map(({ facts: { id, bandwidthMbps }, address }) => ({
    id,
    bandwidthMbps,
    files: underWay.files(id),
    lastStartMs: looks.get(address)?.lastStartMs ?? null,
    isRefused: standing.refused.has(address),
  }));
}

/** For `Taking.alone`. */
export function oneByOne(): Taking['alone'] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next;
    return next;
  };
}

/** One where the file is already, or whose address it started from, or whichever the strategy says. */
async function chosenFor(
  own: Taking,
  transferId: TransferId,
  ready: readonly AttachedAgent[],
  round: Round,
): Promise<AttachedAgent | null> {
  const same = ready.find(({ facts }) => round.underWay.has(facts.id, transferId));
  if (same !== undefined) return same;
  const known = ready.filter(({ address }) => round.looks.get(address)?.isKnown);
  const from = known.length > 0 ? known : ready;
  const candidates = candidatesOf(from, round);
  const { strategy } = own;
  const next = (turn: Turn) => choose(strategy, candidates, turn);
  const choice = GO_BY_TURNS.has(strategy) ? await own.turns.next(next) : next(FIRST_TURN);
  return from.find(({ facts }) => facts.id === choice?.picked.id) ?? null;
}

const GO_BY_TURNS: ReadonlySet<AgentStrategy> = new Set(['round-robin', 'weighted']);

function hasRoom(underWay: UnderWay, { facts }: AttachedAgent, transferId: TransferId): boolean {
  return underWay.files(facts.id) < facts.filesMax || underWay.has(facts.id, transferId);
}

function soonest(agents: readonly AttachedAgent[], atMs: (agent: AttachedAgent) => number): AttachedAgent | null {
  return agents.reduce<AttachedAgent | null>(
    (best, agent) => (best === null || atMs(agent) < atMs(best) ? agent : best),
    null,
  );
}
