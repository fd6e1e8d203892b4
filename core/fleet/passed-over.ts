/** Why no agent takes a file now, in words for people. */
import { Fault } from '#core/fault.ts';
import type { AttachedAgent } from '#core/ports/agents.ts';
import type { AgentFacts } from '#core/wire/agent.ts';

export interface PassedOver {
  readonly id: string;
  /** `rests for 3 min 12 s more`. */
  readonly why: string;
}

const NAMED_MAX = 5;
/** Agents come back within a minute when their line does. */
const NONE_RETRY_MS = 30_000;
/** A file may take hours. */
const BUSY_RETRY_MS = 60_000;

export function isFit(facts: AgentFacts, provider: string, tags: Readonly<Record<string, string>>): boolean {
  return misfit(facts, provider, tags) === null;
}

/** `does not run s3`; null: it fits. */
export function misfit(facts: AgentFacts, provider: string, tags: Readonly<Record<string, string>>): string | null {
  if (!facts.providers.includes(provider)) return `does not run ${provider}`;
  const [missing] = missingTags(facts, tags);
  return missing === undefined ? null : `is not ${missing}`;
}

export function noneFit(
  attached: readonly AttachedAgent[],
  provider: string,
  tags: Readonly<Record<string, string>>,
): Fault {
  const passed = attached.map(({ facts, bytes }) => {
    const noBytes = (bytes?.code ?? null) === null ? 'was revoked' : `does not reach the bucket (${bytes?.code})`;
    return { id: facts.id, why: misfit(facts, provider, tags) ?? noBytes };
  });
  const wanted = [provider, ...Object.entries(tags).map(([key, value]) => `${key}=${value}`)].join(', ');
  const message = `no agent is there for ${wanted}: start one${named(passed)}`;
  return new Fault('throttled', 'agents.none', message, { retryAfterMs: NONE_RETRY_MS, isQueued: true });
}

/** A person gave the file to it, and nobody else is asked. */
export function assignedAway(id: string): Fault {
  const message = `agent ${id}, which this file was assigned to, is not there: start it, or assign the file to another`;
  return new Fault('throttled', 'agents.assigned_away', message, { retryAfterMs: NONE_RETRY_MS, isQueued: true });
}

export function allBusy(agents: readonly AttachedAgent[]): Fault {
  const passed = agents.map(({ facts }) => ({ id: facts.id, why: busyWith(facts) }));
  return new Fault('throttled', 'agents.busy', `no agent takes another file${named(passed)}`, {
    retryAfterMs: BUSY_RETRY_MS,
    isQueued: true,
  });
}

export function allResting(passed: readonly PassedOver[], retryAfterMs: number): Fault {
  return new Fault('throttled', 'agents.resting', `no agent starts a file now${named(passed)}`, {
    retryAfterMs,
    isQueued: true,
  });
}

export function busyWith({ filesMax }: AgentFacts): string {
  return `has its ${filesMax} ${filesMax === 1 ? 'file' : 'files'}`;
}

export function restingFor(restMs: number): string {
  const seconds = Math.max(1, Math.ceil(restMs / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const words = [
    [hours, 'h'],
    [minutes, 'min'],
    [hours > 0 ? 0 : seconds % 60, 's'],
  ] as const;
  const told = words.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return `rests for ${told.join(' ')} more`;
}

function missingTags(facts: AgentFacts, tags: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(tags)
    .filter(([key, value]) => facts.tags[key] !== value)
    .map(([key, value]) => `${key}=${value}`);
}

/** `: sz-1 rests for 3 s more, bj-2 has its 2 files, and 4 others`. */
function named(passed: readonly PassedOver[]): string {
  if (passed.length === 0) return '';
  const told = passed.slice(0, NAMED_MAX).map(({ id, why }) => `${id} ${why}`);
  const others = passed.length - told.length;
  return ` (${[...told, ...(others > 0 ? [`and ${others} more`] : [])].join(', ')})`;
}
