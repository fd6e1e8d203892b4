/** Moves the calls of a destination that stands already to agents, or back. */
import { type FormEvent, useState } from 'react';
import type { DestinationView } from '#core/wire/destination.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';
import { draftOf, placementOf } from './placement.ts';
import { PlacementFields } from './placement-fields.tsx';

export interface PlacementDialogProps {
  readonly destination: DestinationView;
  readonly onClose: () => void;
}

export function PlacementDialog({ destination, onClose }: PlacementDialogProps) {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const [draft, setDraft] = useState(() => draftOf(destination.placement));
  const [error, setError] = useState<UploadError | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const placement = placementOf(draft);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (placement === null) return;
    setIsSaving(true);
    void destinations
      .place(destination.id, placement)
      .then(onClose, (cause: unknown) => setError(toUploadError(cause)))
      .finally(() => setIsSaving(false));
  };
  return (
    <Dialog kind="card" title={words.placement.of(destination.id)} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <PlacementFields draft={draft} onChange={setDraft} />
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {words.destinations.cancel}
          </button>
          <button type="submit" className="button primary" disabled={isSaving || placement === null}>
            {words.placement.save}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
