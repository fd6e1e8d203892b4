/** Makes a link, or changes one that stands. */
import { useId, useState, useSyncExternalStore } from 'react';
import type { DestinationView } from '#core/wire/destination.ts';
import type { LinkView, LinkWithUrl } from '#core/wire/link.ts';
import { FolderPath } from '#core/wire/upload.ts';
import { useConsole } from '../app/console.ts';
import { Dialog } from '../app/dialog.tsx';
import { ErrorLine } from '../app/error-line.tsx';
import { FolderPicker } from '../app/folder-picker.tsx';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { bodyOf, draftOf, EXPIRY_DAYS, type LinkDraft, NAME_MAX, NOTE_MAX, newDraft, wrongsOf } from './link-draft.ts';
import { LinkLimits } from './link-limits.tsx';
import { LinkPlaces } from './link-places.tsx';

export interface LinkFormProps {
  /** Absent: a new one. */
  readonly link?: LinkView;
  readonly onClose: () => void;
  /** With the address of a new link; of one that was changed it stays what it was. */
  readonly onSaved: (made: LinkWithUrl | null) => void;
}

export function LinkForm({ link, onClose, onSaved }: LinkFormProps) {
  const { words } = useLocale();
  const { links, destinations } = useConsole();
  const { items } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const [draft, setDraft] = useState<LinkDraft>(() => (link ? draftOf(link) : newDraft(items[0]?.id)));
  const [error, setError] = useState<UploadError | null>(null);
  const [browsed, setBrowsed] = useState<DestinationView | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const text = words.links;
  const wrong = wrongsOf(draft);
  const change = (part: Partial<LinkDraft>) => setDraft({ ...draft, ...part });

  const save = async () => {
    setIsSaving(true);
    setError(null);
    try {
      const body = bodyOf(draft, Date.now());
      if (link) await links.change(link.id, body);
      onSaved(link ? null : await links.add(body));
    } catch (cause) {
      setError(toUploadError(cause));
    } finally {
      setIsSaving(false);
    }
  };
  return (
    <Dialog kind="card" title={link ? text.editOf(link.name) : text.add} onClose={onClose}>
      <form
        className="form link-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (wrong.size === 0) void save();
        }}
      >
        <Words draft={draft} onChange={change} />
        <LinkPlaces places={draft.places} onChange={(places) => change({ places })} onBrowse={setBrowsed} />
        <PerSenderChoice draft={draft} onChange={change} />
        <Expiry draft={draft} {...(link ? { link } : {})} onChange={change} />
        <LinkLimits draft={draft} wrong={wrong} onChange={change} />
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {words.destinations.cancel}
          </button>
          <button type="submit" className="button primary" disabled={isSaving || wrong.size > 0}>
            {link ? words.destinations.saveChanges : text.make}
          </button>
        </footer>
      </form>
      {browsed && (
        // Beside the form: it has one of its own.
        <FolderPicker
          destinations={[browsed]}
          folder={folderOf(draft, browsed.id)}
          onChoose={(path) => {
            change({ places: draft.places.map((place) => (place.id === browsed.id ? { ...place, path } : place)) });
            setBrowsed(null);
          }}
          onClose={() => setBrowsed(null)}
        />
      )}
    </Dialog>
  );
}

function folderOf({ places }: LinkDraft, id: string): string {
  return FolderPath.catch('/').parse(places.find((place) => place.id === id)?.path);
}

interface PartProps {
  readonly draft: LinkDraft;
  readonly onChange: (part: Partial<LinkDraft>) => void;
}

function Words({ draft, onChange }: PartProps) {
  const { words } = useLocale();
  const id = useId();
  return (
    <>
      <div className="field">
        <label htmlFor={`${id}-name`}>{words.links.name}</label>
        <input
          id={`${id}-name`}
          value={draft.name}
          required
          maxLength={NAME_MAX}
          autoComplete="off"
          aria-describedby={`${id}-name-hint`}
          onChange={(event) => onChange({ name: event.target.value })}
        />
        <p id={`${id}-name-hint`} className="hint">
          {words.links.nameHint}
        </p>
      </div>
      <div className="field">
        <label htmlFor={`${id}-note`}>
          {words.links.note}
          <span className="hint"> {words.destinations.optional}</span>
        </label>
        <textarea
          id={`${id}-note`}
          value={draft.note}
          rows={3}
          maxLength={NOTE_MAX}
          placeholder={words.links.noteHint}
          onChange={(event) => onChange({ note: event.target.value })}
        />
      </div>
    </>
  );
}

function PerSenderChoice({ draft, onChange }: PartProps) {
  const { words } = useLocale();
  const id = useId();
  return (
    <fieldset className="ways">
      <legend>{words.links.perSender}</legend>
      {(['folder', 'flat'] as const).map((one) => (
        <label key={one} className="check">
          <input
            type="radio"
            name={id}
            checked={draft.perSender === one}
            onChange={() => onChange({ perSender: one })}
          />
          <span>
            {words.links.perSenders[one]}
            <span className="hint">{words.links.perSenderHints[one]}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function Expiry({ draft, link, onChange }: PartProps & { readonly link?: LinkView }) {
  const { words, format } = useLocale();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{words.links.expiry}</label>
      <select id={id} value={draft.expiry} onChange={(event) => onChange({ expiry: event.target.value })}>
        {link && <option value="kept">{words.links.kept(format.moment(link.expiresAt))}</option>}
        {EXPIRY_DAYS.map((days) => (
          <option key={days} value={days}>
            {words.links.inDays(days)}
          </option>
        ))}
      </select>
    </div>
  );
}
