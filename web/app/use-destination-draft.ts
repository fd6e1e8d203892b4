/** A destination in the making, or one that stands and is being changed: what is filled in, and what is sent of it. */
import { useMemo, useState, useSyncExternalStore } from 'react';
import type { Placement } from '#core/wire/agent.ts';
import { CreateDestination, type DestinationView, type UpdateDestination } from '#core/wire/destination.ts';
import type { Limits } from '#core/wire/limits.ts';
import { useConsole } from './console.ts';
import type { CredentialWay } from './credential-ways.tsx';
import { type Field, KINDS, type Kind, mayUseAgents, offered, type Values } from './destination-kinds.ts';
import { filled, mended, standing } from './destination-values.ts';
import { type LimitsDraft, limitsDraftOf, limitsOf } from './limits.ts';
import { draftOf, type PlacementDraft, placementOf } from './placement.ts';

export interface DestinationDraft {
  readonly provider: string;
  readonly kind: Kind;
  readonly settings: readonly Field[];
  readonly values: Values;
  readonly ways: readonly CredentialWay[];
  readonly way: CredentialWay;
  readonly place: PlacementDraft;
  readonly mayPlace: boolean;
  /** Null: what is filled in for it does not fit. */
  readonly placement: Placement | null;
  readonly pace: LimitsDraft;
  /** Null: what is filled in for them does not fit. */
  readonly limits: Limits | null;
  choose(provider: string): void;
  change(key: string, value: string): void;
  setWay(way: CredentialWay): void;
  setPlace(place: PlacementDraft): void;
  setPace(pace: LimitsDraft): void;
  /** What a create sends. */
  created(id: string): ReturnType<typeof CreateDestination.safeParse>;
  /** What a change sends: only what differs. */
  changed(before: DestinationView): UpdateDestination;
}

const NOTHING: Kind = { title: '', settings: [], credentials: [] };
const HERE: Placement = { on: 'here' };

export function useDestinationDraft(before?: DestinationView): DestinationDraft {
  const { destinations } = useConsole();
  const { kinds } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const choices = offered(kinds);
  const [chosen, setChosen] = useState('folder');
  const provider = before?.provider ?? (choices.includes(chosen) ? chosen : (choices[0] ?? ''));
  const kind = KINDS[provider] ?? NOTHING;
  const stands = useMemo(() => standing(kind.settings, before?.settings ?? {}), [kind, before]);
  const [values, setValues] = useState<Values>(stands.values);
  const [place, setPlace] = useState(() => draftOf(before?.placement ?? HERE));
  const [pace, setPace] = useState(() => limitsDraftOf(before?.limits ?? {}));
  const [wanted, setWay] = useState<CredentialWay>(before?.hasCredentials ? 'keep' : 'app');
  const ways = waysOf(kind, before);
  const way = ways.includes(wanted) ? wanted : (ways[0] ?? 'keep');
  const settings = stands.fields.map((field) =>
    way === 'app' && kind.login?.needs.includes(field.key) ? { ...field, isNeeded: true } : field,
  );
  const mayPlace = mayUseAgents(kinds, provider) || before?.placement.on === 'agents';
  const placement = mayPlace ? placementOf(place) : HERE;
  const limits = kind.fetches ? {} : limitsOf(pace);
  const secret = way === 'typed' ? filled(kind.credentials, values) : {};
  const credentials = Object.keys(secret).length > 0 ? { credentials: secret } : {};

  return {
    ...{ provider, kind, settings, values, ways, way, place, mayPlace, placement, pace, limits },
    choose(next) {
      setChosen(next);
      setValues({});
    },
    change: (key, value) => setValues((now) => ({ ...now, [key]: value })),
    setWay,
    setPlace,
    setPace,
    created: (id) =>
      CreateDestination.safeParse({
        ...{ id, provider, settings: filled(settings, values), ...credentials },
        ...(placement === null || placement.on === 'here' ? {} : { placement }),
        ...(limits === null || Object.keys(limits).length === 0 ? {} : { limits }),
      }),
    changed(view) {
      const next = mended(settings, stands.values, values, view.settings);
      const isMoved = placement !== null && JSON.stringify(place) !== JSON.stringify(draftOf(view.placement));
      const isPaced = limits !== null && JSON.stringify(pace) !== JSON.stringify(limitsDraftOf(view.limits));
      return {
        ...(next === view.settings ? {} : { settings: { ...next } }),
        ...credentials,
        ...(isMoved ? { placement } : {}),
        ...(isPaced ? { limits } : {}),
      };
    },
  };
}

function waysOf({ login, credentials }: Kind, before: DestinationView | undefined): readonly CredentialWay[] {
  if (credentials.length === 0) return [];
  return [...(before ? (['keep'] as const) : []), ...(login ? (['app'] as const) : []), 'typed'];
}
