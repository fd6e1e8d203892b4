/** One webhook: where it goes, how it fares, and what can be done with it. */
import { LoaderCircle, Power, PowerOff, Send, Trash2, Webhook } from 'lucide-react';
import { useState } from 'react';
import {
  type WebhookDelivery,
  WebhookEvent,
  type WebhookStatus,
  type WebhookTest,
  type WebhookView,
} from '#core/wire/webhook.ts';
import { errorWords, useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { ErrorLine } from './error-line.tsx';

export interface WebhookLineProps {
  readonly webhook: WebhookView;
  readonly onChanged: () => Promise<void>;
}

const TONES: Readonly<Record<WebhookStatus, string>> = {
  active: 'good',
  retrying: 'warn',
  paused: 'bad',
  gone: 'bad',
  off: 'quiet',
};

export function WebhookLine({ webhook, onChanged }: WebhookLineProps) {
  const { words } = useLocale();
  const { api } = useConsole();
  const [busy, setBusy] = useState<'test' | 'change' | null>(null);
  const [error, setError] = useState<UploadError | null>(null);
  const [tested, setTested] = useState<WebhookTest | null>(null);
  const text = words.webhooks;
  const host = new URL(webhook.url).host;
  const isStopped = webhook.status !== 'active' && webhook.status !== 'retrying';

  const run = async (what: 'test' | 'change', work: () => Promise<void>) => {
    setBusy(what);
    setError(null);
    setTested(null);
    await work()
      .catch((cause: unknown) => setError(toUploadError(cause)))
      .finally(() => setBusy(null));
  };
  const test = () => void run('test', async () => setTested(await api.testWebhook(webhook.id)));
  const turn = () =>
    void run('change', async () => {
      await api.changeWebhook(webhook.id, { enabled: isStopped });
      await onChanged();
    });
  const remove = () => {
    if (!window.confirm(text.removeSure(host))) return;
    void run('change', async () => {
      await api.removeWebhook(webhook.id);
      await onChanged();
    });
  };
  const PowerIcon = isStopped ? Power : PowerOff;
  const turnLabel = isStopped ? text.turnOn : text.turnOff;
  return (
    <li className="place">
      <Webhook aria-hidden size={16} strokeWidth={1.75} />
      <div className="place-text">
        <h3 className="webhook-url mono">{webhook.url}</h3>
        <WebhookFacts webhook={webhook} />
        {tested && <Tested tested={tested} />}
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
      </div>
      <div className="place-end">
        <button type="button" className="button" disabled={busy !== null} onClick={test}>
          {busy === 'test' ? <LoaderCircle aria-hidden size={15} className="spin" /> : <Send aria-hidden size={15} />}
          {busy === 'test' ? text.testing : text.test}
          <span className="unseen"> {host}</span>
        </button>
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={words.row.of(turnLabel, host)}
          title={turnLabel}
          disabled={busy !== null}
          onClick={turn}
        >
          <PowerIcon aria-hidden size={16} />
        </button>
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={words.row.of(text.remove, host)}
          title={text.remove}
          disabled={busy !== null}
          onClick={remove}
        >
          <Trash2 aria-hidden size={16} />
        </button>
      </div>
    </li>
  );
}

function WebhookFacts({ webhook }: { readonly webhook: WebhookView }) {
  const { words, format } = useLocale();
  const text = words.webhooks;
  const { status, events, destinations, last, nextTryAt } = webhook;
  const isAll = events.length === WebhookEvent.options.length;
  const answer = useAnswer();
  return (
    <>
      <p className="agent-state">
        <span className={`tag tone-${TONES[status]}`}>
          <span className="tag-dot" aria-hidden />
          {text.status[status]}
        </span>
        {nextTryAt !== null && <span className="hint num">{text.nextTry(format.time(nextTryAt))}</span>}
      </p>
      {(status === 'paused' || status === 'gone') && <p className="hint">{text.reason[status]}</p>}
      <dl className="place-facts">
        <Fact label={text.only} value={isAll ? text.all : events.map((event) => text.events[event]).join(' · ')} />
        {destinations.length > 0 && <Fact label={text.to} value={destinations.join(', ')} />}
        <Fact label={text.last} value={last === null ? text.never : `${answer(last)} · ${format.time(last.at)}`} />
      </dl>
    </>
  );
}

function Fact({ label, value }: { readonly label: string; readonly value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Tested({ tested }: { readonly tested: WebhookTest }) {
  const { words } = useLocale();
  const answer = useAnswer();
  const text = words.webhooks;
  return (
    <p className={`place-check ${tested.ok ? 'good' : 'bad'}`} role="status">
      {tested.ok ? text.tested(answer(tested)) : text.notTaken(answer(tested))}
    </p>
  );
}

/** What came back, in words: a status, or why there was none. */
function useAnswer(): (given: Pick<WebhookDelivery, 'status' | 'code' | 'elapsedMs'>) => string {
  const { words, format } = useLocale();
  return ({ status, code, elapsedMs }) => {
    if (status === null) return code === null ? words.webhooks.noAnswer : errorWords(words, code, '')[0];
    return words.webhooks.took(String(status), `${format.integer(elapsedMs)} ms`);
  };
}
