/** Finds the agent for a file: a new one's, at its address's pace, or one for a file that began at another. */
import { Fault } from '#core/fault.ts';
import type { Agents, AttachedAgent } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Item } from '#core/ports/provider.ts';
import type { AgentId, Placement } from '#core/wire/agent.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { choose, FIRST_TURN, type Turn } from './choose.ts';
import { OFFLINE_MS } from './known.ts';
import type { PaceRules } from './pace.ts';
import type { AgentPaces, PaceLook } from './paces.ts';
import { allBusy, allResting, assignedAway, busyWith, isFit, noneFit, restingFor } from './passed-over.ts';
import type { AgentRegistry, Standing } from './registry.ts';

export type AgentPlacement = Extract<Placement, { on: 'agents' }>;

export interface PickDeps {
  readonly provider: string;
  readonly placement: AgentPlacement;
  readonly agents: Agents;
  readonly registry: AgentRegistry;
  readonly pace: AgentPaces;
  readonly clock: Clock;
}

/** A call's place at an agent, to be left when the call is over. */
export interface Place {
  readonly id: AgentId;
  leave(): void;
}

export interface Picker {
  /** For a file that begins. Throws Fault `throttled` `agents.none`, `agents.assigned_away`, `agents.busy` or `agents.resting`. */
  begin(item: Item): Promise<Place>;
  /**
   * For a file that began at this agent. Throws Fault `transient` `agent.away` as long as it may come back, then as `begin`, but
   * no address has to rest for it.
   */
  follow(id: AgentId, transferId: TransferId): Promise<Place>;
  /** Any that would do, however busy. Throws Fault `throttled` `agents.none`. */
  any(): Promise<AgentId>;
}

/** It tries to come back after a minute at most. */
const AWAY_RETRY_MS = 15_000;

/** What is known of each address, for one file. */
type Looks = Map<string, PaceLook>;

interface Choosing extends PickDeps {
  readonly rules: PaceRules;
  turn: Turn;
}

export function picker(deps: PickDeps): Picker {
  const { spacingSeconds, perHourMax } = deps.placement;
  const choosing: Choosing = { ...deps, rules: { spacingMs: spacingSeconds * 1000, perHourMax }, turn: FIRST_TURN };
  return {
    begin: (item) => begin(choosing, item),
    follow: (id, transferId) => follow(choosing, id, transferId),
    any: () => any(choosing),
  };
}

async function begin(own: Choosing, item: Item): Promise<Place> {
  const { clock } = own;
  const { fit, standing } = await fitting(own, await assigned(own, item));
  const looks = await look(own, fit, item);
  const atMs = ({ address }: AttachedAgent) => looks.get(address)?.atMs ?? 0;
  // Each round but the last finds that an address which was free rests now.
  for (let round = 0; round <= looks.size; round++) {
    const roomy = fit.filter((agent) => hasRoom(own, agent, item.transferId));
    const ready = roomy.filter((agent) => atMs(agent) <= clock.now());
    const picked = chosenFor(own, item.transferId, ready, standing, looks) ?? soonest(roomy, atMs);
    if (picked === null) throw allBusy(fit);
    const started = await start(own, picked, item, looks);
    if (typeof started !== 'number') {
      await leaveTurns(own, looks, picked.address, item);
      return started;
    }
    const known = looks.get(picked.address);
    if (known !== undefined) looks.set(picked.address, { ...known, atMs: started, hasTurn: true });
    if (ready.length > 0) continue;
    await leaveTurns(own, looks, picked.address, item);
    const passed = fit.map((agent) => ({
      id: agent.facts.id,
      why: roomy.includes(agent) ? restingFor(atMs(agent) - clock.now()) : busyWith(agent.facts),
    }));
    throw allResting(passed, Math.max(1, started - clock.now()));
  }
  throw new Fault('transient', 'agents.contended', 'others were faster at every agent: try again');
}

async function follow(own: Choosing, id: AgentId, transferId: TransferId): Promise<Place> {
  const { agents, registry, provider } = own;
  const agent = agents.attached().find(({ facts }) => facts.id === id);
  if (agent?.facts.providers.includes(provider)) return placeAt(own, agent, transferId);
  const silentMs = agent === undefined ? await registry.silentMs(id) : null;
  if (silentMs !== null && silentMs < OFFLINE_MS) {
    const retryAfterMs = Math.min(OFFLINE_MS - silentMs, AWAY_RETRY_MS);
    const message = `agent ${id}, which has this file, is away`;
    throw new Fault('transient', 'agent.away', message, { retryAfterMs, isQueued: true });
  }
  const { fit, standing } = await fitting(own);
  const roomy = fit.filter((other) => hasRoom(own, other, transferId));
  const picked = chosenFor(own, transferId, roomy, standing, new Map());
  if (picked === null) throw allBusy(fit);
  return placeAt(own, picked, transferId);
}

/** Whose turn it is stays as it is. */
async function any(own: Choosing): Promise<AgentId> {
  const { fit, standing } = await fitting(own);
  const picked = chosen({ ...own }, fit, standing, new Map());
  if (picked === null) throw noneFit(fit, own.provider, own.placement.tags);
  return picked.facts.id;
}

interface Fitting {
  /** One at least. */
  readonly fit: readonly AttachedAgent[];
  readonly standing: Standing;
}

/** `only`: null, or the one that the file was given to. */
async function fitting(
  { agents, registry, provider, placement: { tags } }: Choosing,
  only: AgentId | null = null,
): Promise<Fitting> {
  const standing = await registry.standing();
  const attached = agents.attached();
  const all = attached.filter(({ facts }) => isFit(facts, provider, tags) && !standing.revoked.has(facts.id));
  const fit = only === null ? all : all.filter(({ facts }) => facts.id === only);
  if (fit.length > 0) return { fit, standing };
  throw only === null ? noneFit(attached, provider, tags) : assignedAway(only);
}

/** Whom a person gave it to, unless nobody waits for that one any more. */
async function assigned({ registry }: Choosing, { transferId }: Item): Promise<AgentId | null> {
  const id = await registry.pins.of(transferId);
  return id === null || (await registry.silentMs(id)) === null ? null : id;
}

/** One where the file is already, or whose address it started from, or whichever the strategy says. */
function chosenFor(
  own: Choosing,
  transferId: TransferId,
  ready: readonly AttachedAgent[],
  standing: Standing,
  looks: Looks,
): AttachedAgent | null {
  const same = ready.find(({ facts }) => own.registry.busy.has(facts.id, transferId));
  const known = ready.filter(({ address }) => looks.get(address)?.isKnown);
  return same ?? chosen(own, known.length > 0 ? known : ready, standing, looks);
}

function chosen(own: Choosing, from: readonly AttachedAgent[], standing: Standing, looks: Looks): AttachedAgent | null {
  const candidates = from.map(({ facts: { id, bandwidthMbps }, address }) => ({
    id,
    bandwidthMbps,
    files: own.registry.busy.files(id),
    lastStartMs: looks.get(address)?.lastStartMs ?? null,
    isRefused: standing.refused.has(address),
  }));
  const choice = choose(own.placement.strategy, candidates, own.turn);
  if (choice === null) return null;
  own.turn = choice.turn;
  return from.find(({ facts }) => facts.id === choice.picked.id) ?? null;
}

function hasRoom({ registry: { busy } }: Choosing, { facts }: AttachedAgent, transferId: TransferId): boolean {
  return busy.files(facts.id) < facts.filesMax || busy.has(facts.id, transferId);
}

function placeAt({ registry: { busy } }: Choosing, { facts: { id } }: AttachedAgent, transferId: TransferId): Place {
  return { id, leave: busy.begin(id, transferId) };
}

async function look({ pace, rules }: Choosing, fit: readonly AttachedAgent[], { transferId }: Item): Promise<Looks> {
  const addresses = [...new Set(fit.map(({ address }) => address))];
  const looks = addresses.map(async (address) => [address, await pace.look(address, transferId, rules)] as const);
  return new Map(await Promise.all(looks));
}

/** When it may start there, or its place: taken before the start is written down, so that two files do not take one. */
async function start(own: Choosing, agent: AttachedAgent, item: Item, looks: Looks): Promise<Place | number> {
  const { registry, pace, rules, clock } = own;
  const { id } = agent.facts;
  const wasThere = registry.busy.has(id, item.transferId);
  const place = placeAt(own, agent, item.transferId);
  // With answers to what it was asked there: the same start goes on.
  const hasAnswers = Object.keys(item.answers).length > 0;
  if (hasAnswers && looks.get(agent.address)?.isKnown) return place;
  let restsUntilMs: number | null = clock.now();
  try {
    restsUntilMs = await pace.reserve(agent.address, item.transferId, rules);
  } finally {
    if (restsUntilMs !== null) {
      place.leave();
      if (!wasThere) registry.busy.over(id, item.transferId);
    }
  }
  return restsUntilMs ?? place;
}

/** Its turns at other addresses are nobody's; where that cannot be written they run out. */
async function leaveTurns({ pace }: Choosing, looks: Looks, stays: string, { transferId }: Item): Promise<void> {
  const others = [...looks].filter(([address, { hasTurn }]) => hasTurn && address !== stays);
  await Promise.allSettled(others.map(([address]) => pace.leave(address, transferId)));
}

function soonest(agents: readonly AttachedAgent[], atMs: (agent: AttachedAgent) => number): AttachedAgent | null {
  return agents.reduce<AttachedAgent | null>(
    (best, agent) => (best === null || atMs(agent) < atMs(best) ? agent : best),
    null,
  );
}
