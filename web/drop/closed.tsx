/** Why nothing can be handed in now, in plain words, and what to do next. */
import { CalendarX2, CircleSlash, CloudOff, PackageCheck, RotateCw, Unlink } from 'lucide-react';
import { useId } from 'react';
import { useLocale } from '../i18n/locale.tsx';

/** `unknown`: this browser has no secret for the address · `gone`: the server takes none, or no longer, of this one. */
export type Why = 'unknown' | 'gone' | 'expired' | 'full' | 'away';

export interface ClosedProps {
  readonly why: Why;
  /** Where trying once more makes sense. */
  readonly onRetry?: () => void;
}

const ICONS = { unknown: Unlink, gone: CircleSlash, expired: CalendarX2, full: PackageCheck, away: CloudOff };

export function Closed({ why, onRetry }: ClosedProps) {
  const { words } = useLocale();
  const [what, next] = words.drop.closed[why];
  const Icon = ICONS[why];
  const id = useId();
  return (
    <section className={`drop-closed ${why}`} role="status" aria-labelledby={id}>
      <Icon aria-hidden size={34} strokeWidth={1.4} />
      <h2 id={id}>{what}</h2>
      <p>{next}</p>
      {onRetry && (
        <button type="button" className="button" onClick={onRetry}>
          <RotateCw aria-hidden size={15} />
          {words.drop.retryNow}
        </button>
      )}
    </section>
  );
}
