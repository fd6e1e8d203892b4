/** One link: what it took of what it may, and what can be done with it. */
import { Ban, Pencil, QrCode, RefreshCw, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { LinkState, LinkView, LinkWithUrl } from '#core/wire/link.ts';
import { useConsole } from '../app/console.ts';
import { ErrorLine } from '../app/error-line.tsx';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';

export interface LinkLineProps {
  readonly link: LinkView;
  /** Its address, where this visit of the page was told it. */
  readonly told: LinkWithUrl | undefined;
  readonly onEdit: () => void;
  readonly onTold: (told: LinkWithUrl) => void;
}

const TONES: Record<LinkState, string> = { active: 'good', full: 'warn', expired: 'quiet', revoked: 'bad' };

export function LinkLine({ link, told, onEdit, onTold }: LinkLineProps) {
  const { words, format } = useLocale();
  const { links } = useConsole();
  const [error, setError] = useState<UploadError | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const text = words.links;

  const run = async (work: () => Promise<void>) => {
    setError(null);
    setIsBusy(true);
    await work()
      .catch((cause: unknown) => setError(toUploadError(cause)))
      .finally(() => setIsBusy(false));
  };
  const rotate = () => {
    const sure = link.state === 'revoked' ? text.reopenSure(link.name) : text.rotateSure(link.name);
    if (window.confirm(sure)) void run(async () => onTold(await links.rotate(link.id)));
  };
  const revoke = () => {
    if (window.confirm(text.revokeSure(link.name))) void run(() => links.revoke(link.id));
  };
  const remove = () => {
    if (window.confirm(text.removeSure(link.name))) void run(() => links.remove(link.id));
  };
  const isOpen = link.state !== 'revoked';
  const verbs = [
    { label: text.showAddress, Icon: QrCode, act: () => told && onTold(told), isShown: told !== undefined && isOpen },
    { label: text.edit, Icon: Pencil, act: onEdit, isShown: isOpen },
    { label: isOpen ? text.rotate : text.reopen, Icon: RefreshCw, act: rotate, isShown: true },
    { label: text.revoke, Icon: Ban, act: revoke, isShown: isOpen },
    { label: text.remove, Icon: Trash2, act: remove, isShown: !isOpen || link.state === 'expired' },
  ];
  return (
    <li className="place link" data-state={link.state}>
      <div className="place-text">
        <p className="link-head">
          <strong>{link.name}</strong>
          <span className={`tag tone-${TONES[link.state]}`}>
            <span className="tag-dot" aria-hidden />
            {text.states[link.state]}
          </span>
        </p>
        <dl className="place-facts">
          <Fact label={text.facts.to} value={link.destinations.map(({ id, path }) => `${id} ${path}`).join(', ')} />
          <Fact
            label={link.state === 'expired' ? text.facts.expired : text.facts.until}
            value={format.moment(link.expiresAt)}
          />
          <Fact
            label={text.facts.lastUsed}
            value={link.lastUsedAt === null ? text.never : format.moment(link.lastUsedAt)}
          />
        </dl>
        <Used
          label={text.facts.files}
          used={link.filesUsed}
          most={link.filesMax}
          told={format.integer}
          more={link.filesOpen > 0 ? text.openNow(link.filesOpen) : ''}
        />
        <Used label={text.facts.bytes} used={link.bytesUsed} most={link.bytesMax} told={format.size} more="" />
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
      </div>
      <div className="place-end">
        {verbs
          .filter(({ isShown }) => isShown)
          .map(({ label, Icon, act }) => (
            <button
              key={label}
              type="button"
              className="button quiet icon-only"
              aria-label={words.row.of(label, link.name)}
              title={label}
              disabled={isBusy}
              onClick={act}
            >
              <Icon aria-hidden size={16} />
            </button>
          ))}
      </div>
    </li>
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

/** How much of a limit is used, with a bar where there is one. */
function Used(props: {
  readonly label: string;
  readonly used: number;
  readonly most: number | null;
  readonly told: (value: number) => string;
  readonly more: string;
}) {
  const { words } = useLocale();
  const { label, used, most, told, more } = props;
  const text = most === null ? told(used) : words.links.of(told(used), told(most));
  return (
    <div className="link-used">
      <span className="link-used-label">{label}</span>
      {most !== null && (
        <div className="bar-track" aria-hidden>
          <div className="bar-fill" style={{ transform: `scaleX(${Math.min(1, used / most)})` }} />
        </div>
      )}
      <span className="num">
        {text}
        {more !== '' && <span className="hint"> {more}</span>}
      </span>
    </div>
  );
}
