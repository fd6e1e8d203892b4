/** The second section: where files can go. */

import { ChevronDown, CircleCheck, CircleX, KeyRound, LoaderCircle, Pencil, Plus, Trash2 } from 'lucide-react';
import { useState, useSyncExternalStore } from 'react';
import type { CheckAnswer, DestinationView } from '#core/wire/destination.ts';
import { errorWords, useLocale } from '../i18n/locale.tsx';
import { toUploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { DestinationForm } from './destination-form.tsx';
import { KINDS, kindName, offered, wantsLogin } from './destination-kinds.ts';
import { facts } from './destination-values.ts';
import { ErrorLine } from './error-line.tsx';
import { limitsWords } from './limits.ts';
import { LoginDialog } from './login-dialog.tsx';
import { placementWords } from './placement.ts';
import { ProviderIcon } from './provider-icon.tsx';
import { ServerView } from './server-view.tsx';
import { WebhooksPanel } from './webhooks-panel.tsx';

export function DestinationsView() {
  const { words } = useLocale();
  const { destinations } = useConsole();
  const { items, kinds, isLoaded, error } = useSyncExternalStore(destinations.subscribe, destinations.snapshot);
  const [isAdding, setIsAdding] = useState(false);
  return (
    <section className="places" aria-labelledby="places-title">
      <header className="places-head">
        <div>
          <h1 id="places-title">{words.destinations.title}</h1>
          <p className="hint">{words.destinations.text}</p>
        </div>
        <button type="button" className="button primary" onClick={() => setIsAdding(true)}>
          <Plus aria-hidden size={16} />
          {words.destinations.add}
        </button>
      </header>
      {error && <ErrorLine error={error} />}
      {isLoaded && items.length === 0 && (
        <div className="empty">
          <strong>{words.destinations.empty}</strong>
          {offered(kinds).includes('folder') && <p>{words.destinations.emptyText}</p>}
        </div>
      )}
      <ul className="places-list">
        {items.map((item) => (
          <Place key={item.id} item={item} />
        ))}
      </ul>
      {isAdding && <DestinationForm onClose={() => setIsAdding(false)} onSaved={() => setIsAdding(false)} />}
      <WebhooksPanel />
    </section>
  );
}

type Check = 'running' | CheckAnswer | null;

function Place({ item }: { readonly item: DestinationView }) {
  const { words, format } = useLocale();
  const { api, destinations } = useConsole();
  const [check, setCheck] = useState<Check>(null);
  const [error, setError] = useState<{ code: string; message: string } | null>(null);
  const [isLoggingIn, setIsLoggingIn] = useState(false);
  const [isServerShown, setIsServerShown] = useState(false);
  /** As it was when the form was opened: what others change meanwhile is not taken for what was read. */
  const [changing, setChanging] = useState<DestinationView | null>(null);
  const atAgents = placementWords(words, item.placement);
  const keepsTo = limitsWords(words, format.rate, item.limits);
  const kind = KINDS[item.provider];
  const isLoginDue = !item.hasCredentials || (check !== 'running' && check !== null && wantsLogin(check.code));

  const runCheck = () => {
    setCheck('running');
    setError(null);
    void api.checkDestination(item.id).then(setCheck, (cause: unknown) => {
      setCheck(null);
      setError(toUploadError(cause));
    });
  };
  const closeLogin = () => {
    setIsLoggingIn(false);
    // What was wrong may be mended now.
    if (check !== null) setCheck(null);
  };
  const lookAgain = async () => {
    await destinations.load();
    setChanging(destinations.snapshot().items.find(({ id }) => id === item.id) ?? null);
  };
  const remove = () => {
    if (!window.confirm(words.destinations.removeSure(item.id))) return;
    void destinations.remove(item.id).catch((cause: unknown) => setError(toUploadError(cause)));
  };
  return (
    <li className="place">
      <ProviderIcon provider={item.provider} />
      <div className="place-text">
        <h2>{item.id}</h2>
        <p className="hint">
          {kindName(words, item.provider)}
          {item.hasCredentials && ` · ${words.destinations.credentials}`}
          {kind?.login && !item.hasCredentials && ` · ${words.login.missing}`}
        </p>
        <dl className="place-facts">
          {facts(item.provider, item.settings).map(({ field, text, choice }) => (
            <div key={field.key}>
              <dt>{words.destinations.fields[field.label]}</dt>
              <dd className={choice === null ? 'mono' : ''}>
                {choice === null ? text : words.destinations.choices[choice.label]}
              </dd>
            </div>
          ))}
          {item.placement.on === 'agents' && (
            <div>
              <dt>{words.placement.atAgents}</dt>
              <dd>{atAgents.join(' · ')}</dd>
            </div>
          )}
          {keepsTo !== null && (
            <div>
              <dt>{words.limits.keeps}</dt>
              <dd>{keepsTo}</dd>
            </div>
          )}
        </dl>
        <CheckResult check={check} />
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
        {kind?.shows === 'folders and server' && (
          <button
            type="button"
            className="button quiet place-more"
            aria-expanded={isServerShown}
            onClick={() => setIsServerShown(!isServerShown)}
          >
            <ChevronDown aria-hidden size={15} className="place-fold" />
            {words.destinations.server}
            <span className="unseen"> {item.id}</span>
          </button>
        )}
      </div>
      <div className="place-end">
        {kind?.login && (
          <button
            type="button"
            className={isLoginDue ? 'button primary' : 'button'}
            onClick={() => setIsLoggingIn(true)}
          >
            <KeyRound aria-hidden size={15} />
            {item.hasCredentials ? words.login.again : words.login.title(kindName(words, item.provider))}
            <span className="unseen"> {item.id}</span>
          </button>
        )}
        <button type="button" className="button" disabled={check === 'running'} onClick={runCheck}>
          {check === 'running' ? words.destinations.checking : words.destinations.check}
          <span className="unseen"> {item.id}</span>
        </button>
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={words.row.of(words.destinations.edit, item.id)}
          title={words.destinations.edit}
          onClick={() => setChanging(item)}
        >
          <Pencil aria-hidden size={16} />
        </button>
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={words.row.of(words.destinations.remove, item.id)}
          title={words.destinations.remove}
          onClick={remove}
        >
          <Trash2 aria-hidden size={16} />
        </button>
      </div>
      {isServerShown && <ServerView destinationId={item.id} />}
      {changing && (
        <DestinationForm
          key={changing.version}
          destination={changing}
          onLookAgain={lookAgain}
          onClose={() => setChanging(null)}
          onSaved={() => {
            setChanging(null);
            // Whether it works as it is now is what one wants to know next.
            runCheck();
          }}
        />
      )}
      {isLoggingIn && <LoginDialog destination={item} onClose={closeLogin} />}
    </li>
  );
}

function CheckResult({ check }: { readonly check: Check }) {
  const { words, format } = useLocale();
  if (check === null) return <p role="status" className="unseen" />;
  if (check === 'running') {
    return (
      <p role="status" className="place-check">
        <LoaderCircle aria-hidden size={15} className="spin" />
        {words.destinations.checking}
      </p>
    );
  }
  if (check.ok) {
    return (
      <p role="status" className="place-check good">
        <CircleCheck aria-hidden size={15} />
        {words.destinations.checkOk}
        {check.freeBytes !== null && (
          <span className="hint num">{words.destinations.free(format.size(check.freeBytes))}</span>
        )}
        <span className="hint num">{format.integer(check.elapsedMs)} ms</span>
      </p>
    );
  }
  const [what, next] = errorWords(words, check.code ?? '', check.message);
  return (
    <p role="status" className="place-check bad">
      <CircleX aria-hidden size={15} />
      <span>
        <strong>{what}</strong> {next} {check.code && <span className="code">{check.code}</span>}
      </span>
    </p>
  );
}
