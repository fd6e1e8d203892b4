/** Finds the agent for a file: a new one's, at its address's pace, or one for a file that began at another. */
import { Fault } from '#core/fault.ts';
import type { Agents, AttachedAgent } from '#core/ports/agents.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Item } from '#core/ports/provider.ts';
import type { AgentId, Placement } from '#core/wire/agent.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { choose, FIRST_TURN } from './choose.ts';
import { OFFLINE_MS } from './known.ts';
import type { PaceRules } from './pace.ts';
import type { AgentPaces } from './paces.ts';
import { allBusy, allResting, assignedAway, busyWith, isFit, noneFit, restingFor } from './passed-over.ts';
import type { AgentRegistry, Standing } from './registry.ts';
import { candidatesOf, type Looks, oneByOne, type Place, placeAt, type Taking, take } from './take.ts';
import type { Turns } from './turns.ts';

export type AgentPlacement = Extract<Placement, { on: 'agents' }>;

export interface PickDeps {
  readonly provider: string;
  readonly placement: AgentPlacement;
  readonly agents: Agents;
  readonly find?: (id: AgentId) => Promise<AttachedAgent | null>;
  readonly registry: AgentRegistry;
  readonly pace: AgentPaces;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly bytes?: 'from-bucket';
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

interface Choosing extends PickDeps, Taking {
  readonly rules: PaceRules;
}

export function picker(deps: PickDeps): Picker {
  const { spacingSeconds, perHourMax } = deps.placement;
  const rules = { spacingMs: spacingSeconds * 1000, perHourMax };
  const choosing: Choosing = {
    ...deps,
    rules,
    busy: deps.registry.busy,
    strategy: deps.placement.strategy,
    alone: oneByOne(),
  };
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
  // Each round but the last finds that an address which was free rests now, or that an agent which had room has none.
  for (let round = 0; round <= looks.size + fit.length; round++) {
    const { picked, place, wasThere, roomy, ready } = await take(own, item.transferId, fit, { standing, looks }, atMs);
    if (picked === null) throw allBusy(fit);
    if (place === null) continue;
    const restsUntilMs = await start(own, { picked, place, wasThere }, item, looks);
    if (restsUntilMs === null) {
      await leaveTurns(own, looks, picked.address, item);
      return place;
    }
    const known = looks.get(picked.address);
    if (known !== undefined) looks.set(picked.address, { ...known, atMs: restsUntilMs, hasTurn: true });
    if (ready.length > 0) continue;
    await leaveTurns(own, looks, picked.address, item);
    const passed = fit.map((agent) => ({
      id: agent.facts.id,
      why: roomy.includes(agent) ? restingFor(atMs(agent) - clock.now()) : busyWith(agent.facts),
    }));
    throw allResting(passed, Math.max(1, restsUntilMs - clock.now()));
  }
  throw new Fault('transient', 'agents.contended', 'others were faster at every agent: try again');
}

async function follow(own: Choosing, id: AgentId, transferId: TransferId): Promise<Place> {
  const { agents, registry, provider } = own;
  const agent = await (own.find?.(id) ?? among(agents, id));
  if (agent?.facts.providers.includes(provider) && mayHaveBytes(own, agent)) {
    // Whatever else is there: it began there.
    const place = await placeAt(own, agent, transferId, Number.POSITIVE_INFINITY);
    if (place !== null) return place;
  }
  const silentMs = agent === null ? await registry.silentMs(id) : null;
  if (silentMs !== null && silentMs < OFFLINE_MS) {
    const retryAfterMs = Math.min(OFFLINE_MS - silentMs, AWAY_RETRY_MS);
    const message = `agent ${id}, which has this file, is away`;
    throw new Fault('transient', 'agent.away', message, { retryAfterMs, isQueued: true });
  }
  const { fit, standing } = await fitting(own);
  const { place } = await take(own, transferId, fit, { standing, looks: new Map() });
  if (place === null) throw allBusy(fit);
  return place;
}

async function among(agents: Agents, id: AgentId): Promise<AttachedAgent | null> {
  return (await agents.attached()).find(({ facts }) => facts.id === id) ?? null;
}

/** Whose turn it is stays as it is. */
async function any(own: Choosing): Promise<AgentId> {
  const { fit, standing } = await fitting(own);
  const underWay = await own.busy.look();
  const candidates = candidatesOf(fit, { standing, looks: new Map(), underWay });
  const picked = choose(own.placement.strategy, candidates, FIRST_TURN)?.picked;
  if (picked === undefined) throw noneFit(fit, own.provider, own.placement.tags);
  return picked.id;
}

interface Fitting {
  /** One at least. */
  readonly fit: readonly AttachedAgent[];
  readonly standing: Standing;
}

/** `only`: null, or the one that the file was given to. */
async function fitting(own: Choosing, only: AgentId | null = null): Promise<Fitting> {
  const { agents, registry, provider } = own;
  const { tags } = own.placement;
  const standing = await registry.standing();
  const attached = await agents.attached();
  const reaching = attached.filter((agent) => mayHaveBytes(own, agent));
  const all = reaching.filter(({ facts }) => isFit(facts, provider, tags) && !standing.revoked.has(facts.id));
  const fit = only === null ? all : all.filter(({ facts }) => facts.id === only);
  if (fit.length > 0) return { fit, standing };
  throw only === null ? noneFit(attached, provider, tags) : assignedAway(only);
}

/** One that was not asked yet may: its first part says how it is. */
function mayHaveBytes({ bytes }: Choosing, agent: AttachedAgent): boolean {
  return bytes === undefined || (agent.bytes?.code ?? null) === null;
}

/** Whom a person gave it to, unless nobody waits for that one any more. */
async function assigned({ registry }: Choosing, { transferId }: Item): Promise<AgentId | null> {
  const id = await registry.pins.of(transferId);
  return id === null || (await registry.silentMs(id)) === null ? null : id;
}

async function look({ pace, rules }: Choosing, fit: readonly AttachedAgent[], { transferId }: Item): Promise<Looks> {
  const addresses = [...new Set(fit.map(({ address }) => address))];
  const looks = addresses.map(async (address) => [address, await pace.look(address, transferId, rules)] as const);
  return new Map(await Promise.all(looks));
}

/** Null: it starts now. Else when it may: its place, taken before so that two files do not take one, is given up. */
async function start(
  { registry, pace, rules, clock }: Choosing,
  { picked, place, wasThere }: { readonly picked: AttachedAgent; readonly place: Place; readonly wasThere: boolean },
  item: Item,
  looks: Looks,
): Promise<number | null> {
  // With answers to what it was asked there: the same start goes on.
  const hasAnswers = Object.keys(item.answers).length > 0;
  if (hasAnswers && looks.get(picked.address)?.isKnown) return null;
  let restsUntilMs: number | null = clock.now();
  try {
    restsUntilMs = await pace.reserve(picked.address, item.transferId, rules);
  } finally {
    if (restsUntilMs !== null) {
      place.leave();
      // Where that cannot be written it runs out.
      if (!wasThere) await registry.busy.over(place.id, item.transferId).catch(() => false);
    }
  }
  return restsUntilMs;
}

/** Its turns at other addresses are nobody's; where that cannot be written they run out. */
async function leaveTurns({ pace }: Choosing, looks: Looks, stays: string, { transferId }: Item): Promise<void> {
  const others = [...looks].filter(([address, { hasTurn }]) => hasTurn && address !== stays);
  await Promise.allSettled(others.map(([address]) => pace.leave(address, transferId)));
}
