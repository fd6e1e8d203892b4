/** Where a destination's calls are run, as a form has it and as a line says it. */
import { AgentStrategy, type Placement } from '#core/wire/agent.ts';
import type { Messages } from '../i18n/en.ts';

type Tags = Readonly<Record<string, string>>;

/** As typed; what was chosen for agents stays while it is `here`. */
export interface PlacementDraft {
  readonly on: Placement['on'];
  readonly tags: string;
  /** Tags that the text cannot hold, as one with a comma in it: they go out as they came. Null: those of the text count. */
  readonly keptTags: Tags | null;
  readonly strategy: AgentStrategy;
  readonly spacingMinutes: string;
  readonly perHourMax: string;
}

export const STRATEGIES = AgentStrategy.options;

export const SPACING_MINUTES_MAX = 24 * 60;
export const PER_HOUR_MAX = 1_000;

export function draftOf(placement: Placement): PlacementDraft {
  if (placement.on === 'here') {
    return { on: 'here', tags: '', keptTags: null, strategy: 'least-busy', spacingMinutes: '0', perHourMax: '0' };
  }
  const { tags, strategy, spacingSeconds, perHourMax } = placement;
  const minutes = Math.round((spacingSeconds / 60) * 100) / 100;
  return {
    on: 'agents',
    tags: tagText(tags),
    keptTags: isSame(parseTags(tagText(tags)), tags) ? null : tags,
    strategy,
    spacingMinutes: String(minutes),
    perHourMax: String(perHourMax),
  };
}

/** Null when something in it does not fit. */
export function placementOf(draft: PlacementDraft): Placement | null {
  if (draft.on === 'here') return { on: 'here' };
  const tags = draft.keptTags ?? parseTags(draft.tags);
  const spacingSeconds = parseSpacing(draft.spacingMinutes);
  const perHourMax = parsePerHour(draft.perHourMax);
  if (tags === null || spacingSeconds === null || perHourMax === null) return null;
  return { on: 'agents', tags, strategy: draft.strategy, spacingSeconds, perHourMax };
}

/** Minutes as typed, in seconds. Null for what is no number of them, or too many. */
export function parseSpacing(minutes: string): number | null {
  return within(Math.round(Number(minutes) * 60), SPACING_MINUTES_MAX * 60);
}

/** Null for what is no whole number, or too many. */
export function parsePerHour(text: string): number | null {
  return within(Number(text), PER_HOUR_MAX);
}

/** `region=cn, isp=telecom`. Null for what is no list of such pairs. */
export function parseTags(text: string): Tags | null {
  const pairs = text
    .split(/[,，]/)
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => /^([^=]{1,32})=(.{1,64})$/.exec(pair));
  const found: [string, string][] = [];
  for (const pair of pairs) {
    const [, key = '', value = ''] = pair ?? [];
    if (key.trim() === '' || value.trim() === '') return null;
    found.push([key.trim(), value.trim()]);
  }
  return Object.fromEntries(found);
}

export function tagText(tags: Tags): string {
  return Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

/** What is set, each in words; nothing for one that is driven from here. */
export function placementWords({ placement: words }: Messages, placement: Placement): readonly string[] {
  if (placement.on === 'here') return [];
  const { tags, strategy, spacingSeconds, perHourMax } = placement;
  return [
    words.strategies[strategy],
    ...(Object.keys(tags).length === 0 ? [] : [tagText(tags)]),
    ...(spacingSeconds === 0 ? [] : [words.every(Math.round((spacingSeconds / 60) * 100) / 100)]),
    ...(perHourMax === 0 ? [] : [words.perHour(perHourMax)]),
  ];
}

function within(value: number, max: number): number | null {
  return Number.isInteger(value) && value >= 0 && value <= max ? value : null;
}

function isSame(some: Tags | null, others: Tags): boolean {
  const keys = Object.keys(others);
  if (some === null || Object.keys(some).length !== keys.length) return false;
  return keys.every((key) => Object.hasOwn(some, key) && some[key] === others[key]);
}
