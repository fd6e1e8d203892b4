/** Adds a destination: `folder` in words, every other kind by the keys that its guide names. */

import { Plus, X } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { CreateDestination } from '#core/wire/destination.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { credentialsOf, KINDS, type Pair, pairsOf, settingsOf } from './destination-kinds.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';

export function DestinationForm({ onClose }: { readonly onClose: () => void }) {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const text = words.destinations;
  const [name, setName] = useState('');
  const [provider, setProvider] = useState('folder');
  const [root, setRoot] = useState('');
  const [onConflict, setOnConflict] = useState<'rename' | 'replace' | 'fail'>('rename');
  const [settings, setSettings] = useState<readonly Pair[]>([]);
  const [credentials, setCredentials] = useState<readonly Pair[]>([]);
  const [error, setError] = useState<{ code: string; message: string } | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const id = useId();
  const isFolder = provider === 'folder';
  const isNameGood = DestinationId.safeParse(name).success;

  const choose = (next: string) => {
    setProvider(next);
    setSettings(pairsOf(KINDS[next]?.settings ?? []));
    setCredentials(pairsOf(KINDS[next]?.credentials ?? []));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const secret = credentialsOf(credentials);
    const body = CreateDestination.safeParse({
      id: name,
      provider,
      settings: isFolder ? { root, onConflict } : settingsOf(settings),
      ...(!isFolder && Object.keys(secret).length > 0 ? { credentials: secret } : {}),
    });
    if (!body.success) return setError({ code: 'request.invalid', message: body.error.issues[0]?.message ?? '' });
    setIsSaving(true);
    void destinations
      .add(body.data)
      .then(onClose, (cause: unknown) => setError(toUploadError(cause)))
      .finally(() => setIsSaving(false));
  };

  return (
    <Dialog kind="card" title={text.add} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <div className="field">
          <label htmlFor={`${id}-kind`}>{text.provider}</label>
          <select id={`${id}-kind`} value={provider} onChange={(event) => choose(event.target.value)}>
            {Object.entries(KINDS).map(([kind, { title }]) => (
              <option key={kind} value={kind}>
                {title}
              </option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor={`${id}-name`}>{text.id}</label>
          <input
            id={`${id}-name`}
            value={name}
            required
            autoComplete="off"
            spellCheck={false}
            aria-invalid={name !== '' && !isNameGood}
            aria-describedby={`${id}-name-hint`}
            onChange={(event) => setName(event.target.value.toLowerCase())}
          />
          <p id={`${id}-name-hint`} className={name !== '' && !isNameGood ? 'field-error' : 'hint'}>
            {text.idHint}
          </p>
        </div>
        {isFolder ? (
          <>
            <div className="field">
              <label htmlFor={`${id}-root`}>{text.root}</label>
              <input
                id={`${id}-root`}
                value={root}
                required
                autoComplete="off"
                spellCheck={false}
                placeholder="/srv/media"
                onChange={(event) => setRoot(event.target.value)}
              />
            </div>
            <div className="field">
              <label htmlFor={`${id}-conflict`}>{text.onConflict}</label>
              <select
                id={`${id}-conflict`}
                value={onConflict}
                onChange={(event) => {
                  const { value } = event.target;
                  if (value === 'rename' || value === 'replace' || value === 'fail') setOnConflict(value);
                }}
              >
                {(['rename', 'replace', 'fail'] as const).map((one) => (
                  <option key={one} value={one}>
                    {text.conflicts[one]}
                  </option>
                ))}
              </select>
            </div>
          </>
        ) : (
          <>
            <PairList title={text.settings} pairs={settings} isSecret={false} onChange={setSettings} />
            <PairList title={text.secret} pairs={credentials} isSecret onChange={setCredentials} />
          </>
        )}
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {text.cancel}
          </button>
          <button type="submit" className="button primary" disabled={isSaving || !isNameGood}>
            {text.save}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

interface PairListProps {
  readonly title: string;
  readonly pairs: readonly Pair[];
  readonly isSecret: boolean;
  readonly onChange: (pairs: readonly Pair[]) => void;
}

function PairList({ title, pairs, isSecret, onChange }: PairListProps) {
  const { words } = useLocale();
  const text = words.destinations;
  const change = (at: number, part: Partial<Pair>) =>
    onChange(pairs.map((pair, index) => (index === at ? { ...pair, ...part } : pair)));
  return (
    <fieldset className="pairs">
      <legend>{title}</legend>
      {isSecret && <p className="hint">{text.secretHint}</p>}
      {pairs.map((pair, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name while their keys are being typed
        <div key={index} className="pair">
          <input
            aria-label={`${text.key} ${index + 1}`}
            value={pair.key}
            placeholder={text.key}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => change(index, { key: event.target.value })}
          />
          <input
            aria-label={pair.key || `${text.value} ${index + 1}`}
            type={isSecret ? 'password' : 'text'}
            value={pair.value}
            placeholder={pair.isNeeded ? text.value : text.optional}
            required={pair.isNeeded}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => change(index, { value: event.target.value })}
          />
          <button
            type="button"
            className="button quiet icon-only"
            aria-label={`${text.removeRow} ${pair.key || index + 1}`}
            title={text.removeRow}
            onClick={() => onChange(pairs.filter((_, at) => at !== index))}
          >
            <X aria-hidden size={15} />
          </button>
        </div>
      ))}
      <button
        type="button"
        className="button quiet"
        onClick={() => onChange([...pairs, { key: '', value: '', isNeeded: false }])}
      >
        <Plus aria-hidden size={15} />
        {text.addRow}
      </button>
    </fieldset>
  );
}
