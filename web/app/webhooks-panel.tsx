/** Who else is told what happens here: below the destinations, since it is where news goes. */
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { CreatedWebhook } from '#core/wire/webhook.ts';
import { useLocale } from '../i18n/locale.tsx';
import { ErrorLine } from './error-line.tsx';
import { useWebhooks } from './use-webhooks.ts';
import { WebhookForm } from './webhook-form.tsx';
import { WebhookLine } from './webhook-line.tsx';
import { WebhookSecret } from './webhook-secret.tsx';

export function WebhooksPanel() {
  const { words } = useLocale();
  const text = words.webhooks;
  const { items, error, load } = useWebhooks();
  const [isAdding, setIsAdding] = useState(false);
  const [created, setCreated] = useState<CreatedWebhook | null>(null);
  if (items === null) return error && <ErrorLine error={error} />;
  return (
    <section className="places webhooks" aria-labelledby="webhooks-title">
      <header className="places-head">
        <div>
          <h2 id="webhooks-title">{text.title}</h2>
          <p className="hint">{items.length === 0 ? `${text.text} ${text.none}` : text.text}</p>
        </div>
        <button type="button" className="button" onClick={() => setIsAdding(true)}>
          <Plus aria-hidden size={16} />
          {text.add}
        </button>
      </header>
      {error && <ErrorLine error={error} />}
      {items.length > 0 && (
        <ul className="places-list">
          {items.map((webhook) => (
            <WebhookLine key={webhook.id} webhook={webhook} onChanged={load} />
          ))}
        </ul>
      )}
      {isAdding && (
        <WebhookForm
          onClose={() => setIsAdding(false)}
          onAdded={(added) => {
            setIsAdding(false);
            setCreated(added);
            void load();
          }}
        />
      )}
      {created && <WebhookSecret created={created} onClose={() => setCreated(null)} />}
    </section>
  );
}
