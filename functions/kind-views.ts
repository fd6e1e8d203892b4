/** Kinds of destinations as the API shows them. */
import type { ProviderKind } from '#core/ports/connection.ts';
import type { KindView } from '#core/wire/kind.ts';

/** `onAgents`: those whose calls agents of this home run; none where it takes no agents. */
export function kindViews(kinds: readonly ProviderKind[], onAgents: readonly ProviderKind[]): readonly KindView[] {
  return kinds.map(({ id }) => ({
    id,
    placements: onAgents.some((one) => one.id === id) ? ['here', 'agents'] : ['here'],
  }));
}
