/** Adds a destination or changes one that stands, by the fields of its kind, or by a login that is confirmed in the service's app. */
import { useEffect, useId, useRef, useState, useSyncExternalStore } from 'react';
import type { DestinationView } from '#core/wire/destination.ts';
import { DestinationId } from '#core/wire/ids.ts';
import type { Messages } from '../i18n/en.ts';
import { errorWords, useLocale } from '../i18n/locale.tsx';
import { useConsole } from './console.ts';
import { CredentialWays } from './credential-ways.tsx';
import { FieldList } from './destination-field.tsx';
import { kindName, offered } from './destination-kinds.ts';
import { refused } from './destination-values.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';
import { LimitsFields } from './limits-fields.tsx';
import { LoginPanel } from './login-panel.tsx';
import { PlacementFields } from './placement-fields.tsx';
import { type DestinationDraft, useDestinationDraft } from './use-destination-draft.ts';
import { type Problem, useDestinationSave } from './use-destination-save.ts';

export interface DestinationFormProps {
  /** As it was when the form was opened. Absent: a new one. */
  readonly destination?: DestinationView;
  /** Shows what stands by now instead, when somebody else has changed it. */
  readonly onLookAgain?: () => void;
  readonly onClose: () => void;
  /** Called instead of `onClose` when something was saved. */
  readonly onSaved: () => void;
}

export function DestinationForm({ destination, onLookAgain, onClose, onSaved }: DestinationFormProps) {
  const { words } = useLocale();
  const [name, setName] = useState('');
  const form = useRef<HTMLFormElement>(null);
  const draft = useDestinationDraft(destination);
  const { provider, kind, values, way } = draft;
  const saving = useDestinationSave({ draft, name, before: destination }, onSaved);
  const { problem, login } = saving;
  const text = words.destinations;
  const isNew = destination === undefined;
  const isNameGood = !isNew || DestinationId.safeParse(name).success;
  const service = kindName(words, provider);
  const wrong = wrongs(words, problem, draft);

  useEffect(() => {
    if (problem !== null) form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
  }, [problem]);

  if (login !== null) {
    return (
      <Dialog kind="card" title={words.login.title(service)} onClose={onSaved}>
        <LoginPanel wanted={login} service={service} onBack={saving.leaveLogin} onClose={onSaved} />
      </Dialog>
    );
  }
  const save = isNew ? text.save : text.saveChanges;
  return (
    <Dialog kind="card" title={isNew ? text.add : text.editOf(destination.id)} onClose={onClose}>
      <form
        ref={form}
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          saving.save();
        }}
      >
        {isNew && (
          <>
            <KindField
              provider={provider}
              onChange={(next) => {
                draft.choose(next);
                saving.forgetProblem();
              }}
            />
            <NameField name={name} isBad={name !== '' && !isNameGood} onChange={setName} />
          </>
        )}
        <FieldList
          key={`${provider} settings`}
          fields={draft.settings}
          isSecret={false}
          values={values}
          wrong={wrong.settings}
          onChange={draft.change}
        />
        {draft.mayPlace && <PlacementFields draft={draft.place} wrong={wrong.placement} onChange={draft.setPlace} />}
        {!kind.fetches && <LimitsFields draft={draft.pace} wrong={wrong.limits} onChange={draft.setPace} />}
        {draft.ways.length > 1 && (
          <CredentialWays
            ways={draft.ways}
            way={way}
            service={service}
            hasCredentials={destination?.hasCredentials ?? false}
            onChange={draft.setWay}
          />
        )}
        {way === 'typed' && (
          <fieldset className="secrets">
            <legend className={isNew ? '' : 'unseen'}>{text.secret}</legend>
            <p className="hint">{destination?.hasCredentials ? text.replaceHint : text.secretHint}</p>
            <FieldList
              key={provider}
              fields={kind.credentials}
              isSecret
              values={values}
              wrong={wrong.credentials}
              onChange={draft.change}
            />
          </fieldset>
        )}
        {problem && !wrong.isTold && <ErrorLine error={problem} onDismiss={saving.forgetProblem} />}
        {problem?.code === 'destination.changed' && (
          <button type="button" className="button" onClick={onLookAgain}>
            {text.lookAgain}
          </button>
        )}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {text.cancel}
          </button>
          <button
            type="submit"
            className="button primary"
            disabled={saving.isSaving || !isNameGood || draft.placement === null || draft.limits === null}
          >
            {way === 'app' ? words.login.start : save}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** What was refused, at the fields that it is about; `isTold` where there are such. */
function wrongs(words: Messages, problem: Problem | null, { settings, kind, mayPlace }: DestinationDraft) {
  const message = problem?.code === 'destination.invalid' ? problem.message : '';
  const inSettings = refused('settings', settings, message);
  const inCredentials = refused('credentials', kind.credentials, message);
  const isOfPlace = problem?.code === 'destination.no_agents' && mayPlace;
  const isOfLimits = problem?.code === 'destination.no_limits';
  return {
    settings: inSettings,
    credentials: inCredentials,
    placement: isOfPlace ? errorWords(words, problem.code, problem.message).join(' ') : null,
    limits: isOfLimits ? errorWords(words, problem.code, problem.message).join(' ') : null,
    isTold: isOfPlace || isOfLimits || Object.keys({ ...inSettings, ...inCredentials }).length > 0,
  };
}

function KindField(props: { readonly provider: string; readonly onChange: (provider: string) => void }) {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const { kinds } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{words.destinations.provider}</label>
      <select id={id} value={props.provider} onChange={(event) => props.onChange(event.target.value)}>
        {offered(kinds).map((one) => (
          <option key={one} value={one}>
            {kindName(words, one)}
          </option>
        ))}
      </select>
    </div>
  );
}

function NameField(props: {
  readonly name: string;
  readonly isBad: boolean;
  readonly onChange: (name: string) => void;
}) {
  const { words } = useLocale();
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{words.destinations.id}</label>
      <input
        id={id}
        value={props.name}
        required
        autoComplete="off"
        spellCheck={false}
        aria-invalid={props.isBad}
        aria-describedby={`${id}-hint`}
        onChange={(event) => props.onChange(event.target.value.toLowerCase())}
      />
      <p id={`${id}-hint`} className={props.isBad ? 'field-error' : 'hint'}>
        {words.destinations.idHint}
      </p>
    </div>
  );
}
