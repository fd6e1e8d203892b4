/** Which of the chosen files were not taken, and why. */
import { TriangleAlert, X } from 'lucide-react';
import type { DropView } from '#core/wire/link.ts';
import type { Messages } from '../i18n/en.ts';
import type { Formats } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.tsx';
import type { Refusal, Sifted } from './sift.ts';

export interface RefusedProps {
  readonly refused: Sifted['refused'];
  readonly view: DropView;
  readonly onDismiss: () => void;
}

/** Names that are shown of those with one reason. */
const NAMES_MAX = 5;

export function Refused({ refused, view, onDismiss }: RefusedProps) {
  const { words, format } = useLocale();
  const byReason = [...Map.groupBy(refused, ({ why }) => why)];
  return (
    <section className="drop-refused" role="alert">
      <TriangleAlert aria-hidden size={18} />
      <div>
        <h2>{words.drop.refused(refused.length)}</h2>
        <ul>
          {byReason.map(([why, ones]) => (
            <li key={why}>
              <strong>{reason(why, view, words, format)}</strong>{' '}
              <span className="drop-refused-names">
                {ones
                  .slice(0, NAMES_MAX)
                  .map(({ name }) => name)
                  .join(', ')}
                {ones.length > NAMES_MAX && ` ${words.bulk.more(ones.length - NAMES_MAX)}`}
              </span>
            </li>
          ))}
        </ul>
      </div>
      <button
        type="button"
        className="button quiet icon-only"
        aria-label={words.dismiss}
        title={words.dismiss}
        onClick={onDismiss}
      >
        <X aria-hidden size={16} />
      </button>
    </section>
  );
}

function reason(why: Refusal, view: DropView, { drop }: Messages, format: Formats): string {
  if (why === 'suffix') return drop.reasons.suffix(view.suffixes ?? []);
  if (why === 'file_too_large') return drop.reasons.fileTooLarge(format.size(view.fileBytesMax ?? 0));
  return why === 'full' ? drop.reasons.full : drop.reasons.noRoom(format.size(view.bytesLeft ?? 0));
}
