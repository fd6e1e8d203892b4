/** Adds a destination, by the fields of its kind. */
import { type FormEvent, useId, useState } from 'react';
import { CreateDestination } from '#core/wire/destination.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { DestinationField } from './destination-field.tsx';
import { type Field, filled, KINDS, type Values } from './destination-kinds.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';

export function DestinationForm({ onClose }: { readonly onClose: () => void }) {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const text = words.destinations;
  const [name, setName] = useState('');
  const [provider, setProvider] = useState('folder');
  const [values, setValues] = useState<Values>({});
  const [error, setError] = useState<{ code: string; message: string } | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const id = useId();
  const isNameGood = DestinationId.safeParse(name).success;
  const { settings, credentials } = KINDS[provider] ?? { settings: [], credentials: [] };

  const choose = (next: string) => {
    setProvider(next);
    setValues({});
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const secret = filled(credentials, values);
    const body = CreateDestination.safeParse({
      id: name,
      provider,
      settings: filled(settings, values),
      ...(Object.keys(secret).length > 0 ? { credentials: secret } : {}),
    });
    if (!body.success) return setError({ code: 'request.invalid', message: body.error.issues[0]?.message ?? '' });
    setIsSaving(true);
    void destinations
      .add(body.data)
      .then(onClose, (cause: unknown) => setError(toUploadError(cause)))
      .finally(() => setIsSaving(false));
  };
  const fieldsOf = (fields: readonly Field[], isSecret: boolean) =>
    fields.map((field) => (
      <DestinationField
        key={`${provider} ${field.key}`}
        field={field}
        isSecret={isSecret}
        value={values[field.key] ?? ''}
        onChange={(value) => setValues((before) => ({ ...before, [field.key]: value }))}
      />
    ));

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
        {fieldsOf(settings, false)}
        {credentials.length > 0 && (
          <fieldset className="secrets">
            <legend>{text.secret}</legend>
            <p className="hint">{text.secretHint}</p>
            {fieldsOf(credentials, true)}
          </fieldset>
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
