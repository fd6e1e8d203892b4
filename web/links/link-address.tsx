/** The address of a link, told this once: to copy, to scan, or to mail. */
import { Check, Copy, Mail } from 'lucide-react';
import type { LinkWithUrl } from '#core/wire/link.ts';
import { Dialog } from '../app/dialog.tsx';
import { isHere } from '../app/is-here.ts';
import { QrCode } from '../app/qr-code.tsx';
import { useCopy } from '../app/use-copy.ts';
import { useLocale } from '../i18n/locale.tsx';

export interface LinkAddressProps {
  readonly told: LinkWithUrl;
  readonly onClose: () => void;
}

export function LinkAddress({ told: { link, url }, onClose }: LinkAddressProps) {
  const { words, format } = useLocale();
  const text = words.links;
  const address = addressHere(url);
  const letter = text.letter({ name: link.name, note: link.note, address, until: format.moment(link.expiresAt) });
  return (
    <Dialog kind="card" title={text.addressOf(link.name)} onClose={onClose}>
      <div className="link-told">
        <div className="qr-frame">
          <QrCode text={address} label={text.picture(link.name)} />
        </div>
        <div className="link-told-text">
          <p className="link-url mono">{address}</p>
          <CopyButton text={address} label={text.copyAddress} isFirst="first" />
          <p className="hint">{text.once}</p>
        </div>
      </div>
      {isHere(location.hostname) && <p className="notice warn link-here">{text.onlyHere}</p>}
      <details className="fold link-letter">
        <summary>{text.asLetter}</summary>
        <textarea readOnly rows={8} aria-label={text.asLetter} value={letter} />
        <div className="dialog-foot">
          <CopyButton text={letter} label={text.copyLetter} isFirst="later" />
          <a
            className="button"
            href={`mailto:?subject=${encodeURIComponent(text.subject(link.name))}&body=${encodeURIComponent(letter)}`}
          >
            <Mail aria-hidden size={15} />
            {text.mail}
          </a>
        </div>
      </details>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={onClose}>
          {text.done}
        </button>
      </footer>
    </Dialog>
  );
}

function CopyButton(props: { readonly text: string; readonly label: string; readonly isFirst: 'first' | 'later' }) {
  const { words } = useLocale();
  const { isCopied, copy } = useCopy(props.text);
  const Icon = isCopied ? Check : Copy;
  return (
    copy && (
      <button type="button" className={props.isFirst === 'first' ? 'button primary' : 'button'} onClick={copy}>
        <Icon aria-hidden size={15} />
        <span role="status">{isCopied ? words.detail.copied : props.label}</span>
      </button>
    )
  );
}

/** A server behind a proxy need not know by what name it is reached: this page does. */
function addressHere(url: string): string {
  return new URL(new URL(url).hash, `${location.origin}${location.pathname}`).href;
}
