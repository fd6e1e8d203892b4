/** Adds a webhook. */
import { useId, useState } from 'react';
import { type CreatedWebhook, WebhookEvent } from '#core/wire/webhook.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';

export interface WebhookFormProps {
  readonly onClose: () => void;
  readonly onAdded: (created: CreatedWebhook) => void;
}

export function WebhookForm({ onClose, onAdded }: WebhookFormProps) {
  const { words } = useLocale();
  const { api } = useConsole();
  const id = useId();
  const [url, setUrl] = useState('https://');
  const [events, setEvents] = useState<readonly WebhookEvent[]>(WebhookEvent.options);
  const [error, setError] = useState<UploadError | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const text = words.webhooks;
  const isReady = URL.canParse(url) && events.length > 0;

  const save = async () => {
    setIsSaving(true);
    setError(null);
    try {
      onAdded(await api.createWebhook({ url, events: [...events] }));
    } catch (cause) {
      setError(toUploadError(cause));
      setIsSaving(false);
    }
  };
  return (
    <Dialog kind="card" title={text.add} onClose={onClose}>
      <form
        className="form"
        onSubmit={(submitted) => {
          submitted.preventDefault();
          if (isReady) void save();
        }}
      >
        <div className="field">
          <label htmlFor={`${id}-url`}>{text.address}</label>
          <input
            id={`${id}-url`}
            type="url"
            inputMode="url"
            value={url}
            required
            maxLength={1000}
            autoComplete="off"
            spellCheck={false}
            aria-describedby={`${id}-hint`}
            onChange={(changed) => setUrl(changed.target.value.trim())}
          />
          <p id={`${id}-hint`} className="hint">
            {text.addressHint}
          </p>
        </div>
        <fieldset className="ways">
          <legend>{text.which}</legend>
          {WebhookEvent.options.map((event) => (
            <label key={event} className="check">
              <input
                type="checkbox"
                checked={events.includes(event)}
                onChange={({ target }) =>
                  setEvents(
                    WebhookEvent.options.filter((one) => (one === event ? target.checked : events.includes(one))),
                  )
                }
              />
              <span>{text.events[event]}</span>
            </label>
          ))}
        </fieldset>
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
        <footer className="dialog-foot">
          <button type="button" className="button" onClick={onClose}>
            {words.destinations.cancel}
          </button>
          <button type="submit" className="button primary" disabled={isSaving || !isReady}>
            {text.save}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
