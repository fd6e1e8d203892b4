/** Sends what a destination's form holds: a new one, a change of one that stands, or the beginning of a login for either. */
import { useState, useSyncExternalStore } from 'react';
import type { DestinationView } from '#core/wire/destination.ts';
import type { BeginLogin } from '#core/wire/login.ts';
import { toUploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import type { DestinationDraft } from './use-destination-draft.ts';

export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface DestinationSave {
  /** Why it was not taken. */
  readonly problem: Problem | null;
  readonly isSaving: boolean;
  /** To be shown instead of the form. */
  readonly login: (BeginLogin & { readonly destinationId: string }) | null;
  save(): void;
  forgetProblem(): void;
  leaveLogin(): void;
}

export function useDestinationSave(
  {
    draft,
    name,
    before,
  }: { readonly draft: DestinationDraft; readonly name: string; readonly before?: DestinationView | undefined },
  onSaved: () => void,
): DestinationSave {
  const { destinations } = useConsole();
  const { items } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const [login, setLogin] = useState<DestinationSave['login']>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const { provider, way, placement, limits } = draft;

  const create = async (): Promise<void> => {
    const body = draft.created(name);
    if (!body.success) return setProblem({ code: 'request.invalid', message: body.error.issues[0]?.message ?? '' });
    if (way !== 'app') return destinations.add(body.data).then(onSaved);
    // The server would take it for another login to the one that stands.
    if (items.some((item) => item.id === name)) return setProblem({ code: 'destination.exists', message: '' });
    const { id: destinationId, settings } = body.data;
    setLogin({ provider, destinationId, settings, placement: placement ?? undefined, limits: limits ?? undefined });
  };
  const change = async (view: DestinationView): Promise<void> => {
    const body = draft.changed(view);
    if (Object.keys(body).length > 0) await destinations.change(view, body);
    if (way === 'app') setLogin({ provider, destinationId: view.id, settings: {} });
    else onSaved();
  };

  return {
    ...{ problem, isSaving, login },
    save() {
      if (placement === null || limits === null) return;
      setProblem(null);
      setIsSaving(true);
      void (before ? change(before) : create())
        .catch((cause: unknown) => setProblem(toUploadError(cause)))
        .finally(() => setIsSaving(false));
    },
    forgetProblem: () => setProblem(null),
    leaveLogin: () => setLogin(null),
  };
}
