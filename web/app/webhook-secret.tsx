/** The secret of a webhook, told this once. */
import { Check, Copy } from 'lucide-react';
import type { CreatedWebhook } from '#core/wire/webhook.ts';
import { useLocale } from '../i18n/locale.tsx';
import { Dialog } from './dialog.tsx';
import { useCopy } from './use-copy.ts';

export interface WebhookSecretProps {
  readonly created: CreatedWebhook;
  readonly onClose: () => void;
}

export function WebhookSecret({ created: { url, secret }, onClose }: WebhookSecretProps) {
  const { words } = useLocale();
  const { isCopied, copy } = useCopy(secret);
  const text = words.webhooks;
  const Icon = isCopied ? Check : Copy;
  return (
    <Dialog kind="card" title={text.secretOf(new URL(url).host)} onClose={onClose}>
      <code className="start-line mono">{secret}</code>
      <p className="hint">{text.secretHint}</p>
      <footer className="dialog-foot">
        {copy && (
          <button type="button" className="button" onClick={copy}>
            <Icon aria-hidden size={15} />
            <span role="status">{isCopied ? words.detail.copied : text.copy}</span>
          </button>
        )}
        <button type="button" className="button primary" onClick={onClose}>
          {text.done}
        </button>
      </footer>
    </Dialog>
  );
}
