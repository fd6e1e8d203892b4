/** Adds a destination, by the fields of its kind, or by a login that is confirmed in the service's app. */
import { type FormEvent, useId, useState, useSyncExternalStore } from 'react';
import { CreateDestination } from '#core/wire/destination.ts';
import { DestinationId } from '#core/wire/ids.ts';
import type { BeginLogin } from '#core/wire/login.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { FieldList } from './destination-field.tsx';
import { filled, KINDS, type Kind, kindName, mayUseAgents, offered, type Values } from './destination-kinds.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';
import { LoginPanel } from './login-panel.tsx';
import { draftOf, placementOf } from './placement.ts';
import { PlacementFields } from './placement-fields.tsx';

const NOTHING: Kind = { title: '', settings: [], credentials: [] };

export function DestinationForm({ onClose }: { readonly onClose: () => void }) {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const { items, kinds } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState('folder');
  const [values, setValues] = useState<Values>({});
  const [place, setPlace] = useState(() => draftOf({ on: 'here' }));
  const [way, setWay] = useState<'app' | 'typed'>('app');
  const [login, setLogin] = useState<(BeginLogin & { readonly destinationId: string }) | null>(null);
  const [error, setError] = useState<{ code: string; message: string } | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const id = useId();
  const text = words.destinations;
  const choices = offered(kinds);
  const provider = choices.includes(chosen) ? chosen : (choices[0] ?? '');
  const isNameGood = DestinationId.safeParse(name).success;
  const kind = KINDS[provider] ?? NOTHING;
  const isByApp = kind.login !== undefined && way === 'app';
  const settings = kind.settings.map((field) =>
    isByApp && kind.login?.needs.includes(field.key) ? { ...field, isNeeded: true } : field,
  );

  const placement = mayUseAgents(kinds, provider) ? placementOf(place) : ({ on: 'here' } as const);

  const choose = (next: string) => {
    setChosen(next);
    setValues({});
    setError(null);
  };
  const change = (key: string, value: string) => setValues((before) => ({ ...before, [key]: value }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (placement === null) return;
    const secret = isByApp ? {} : filled(kind.credentials, values);
    const body = CreateDestination.safeParse({
      id: name,
      provider,
      settings: filled(settings, values),
      ...(Object.keys(secret).length > 0 ? { credentials: secret } : {}),
      ...(placement.on === 'here' ? {} : { placement }),
    });
    if (!body.success) return setError({ code: 'request.invalid', message: body.error.issues[0]?.message ?? '' });
    if (isByApp) {
      // The server would take it for another login to the one that stands.
      if (items.some((item) => item.id === name)) return setError({ code: 'destination.exists', message: '' });
      setError(null);
      const { settings: set } = body.data;
      return setLogin({ provider, destinationId: body.data.id, settings: set, placement });
    }
    setIsSaving(true);
    void destinations
      .add(body.data)
      .then(onClose, (cause: unknown) => setError(toUploadError(cause)))
      .finally(() => setIsSaving(false));
  };

  if (login !== null && kind.login !== undefined) {
    const service = kindName(words, provider);
    return (
      <Dialog kind="card" title={words.login.title(service)} onClose={onClose}>
        <LoginPanel wanted={login} service={service} onBack={() => setLogin(null)} onClose={onClose} />
      </Dialog>
    );
  }
  return (
    <Dialog kind="card" title={text.add} onClose={onClose}>
      <form className="form" onSubmit={submit}>
        <div className="field">
          <label htmlFor={`${id}-kind`}>{text.provider}</label>
          <select id={`${id}-kind`} value={provider} onChange={(event) => choose(event.target.value)}>
            {choices.map((one) => (
              <option key={one} value={one}>
                {kindName(words, one)}
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
        <FieldList key={`${provider} settings`} fields={settings} isSecret={false} values={values} onChange={change} />
        {mayUseAgents(kinds, provider) && <PlacementFields draft={place} onChange={setPlace} />}
        {kind.login && <LoginWay service={kindName(words, provider)} way={way} onChange={setWay} />}
        {kind.credentials.length > 0 && !isByApp && (
          <fieldset className="secrets">
            <legend>{text.secret}</legend>
            <p className="hint">{text.secretHint}</p>
            <FieldList key={provider} fields={kind.credentials} isSecret values={values} onChange={change} />
          </fieldset>
        )}
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {text.cancel}
          </button>
          <button type="submit" className="button primary" disabled={isSaving || !isNameGood || placement === null}>
            {isByApp ? words.login.start : text.save}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

function LoginWay({
  service,
  way,
  onChange,
}: {
  readonly service: string;
  readonly way: 'app' | 'typed';
  readonly onChange: (way: 'app' | 'typed') => void;
}) {
  const { words } = useLocale();
  const id = useId();
  return (
    <fieldset className="ways">
      <legend>{words.login.way}</legend>
      <label className="check">
        <input type="radio" name={id} checked={way === 'app'} onChange={() => onChange('app')} />
        <span>
          {words.login.byApp(service)}
          <span className="hint">{words.login.byAppHint}</span>
        </span>
      </label>
      <label className="check">
        <input type="radio" name={id} checked={way === 'typed'} onChange={() => onChange('typed')} />
        <span>{words.login.byTokens}</span>
      </label>
    </fieldset>
  );
}
