/** One thin bar with its word and its percentage. */
import { useLocale } from '../i18n/locale.tsx';

export interface ProgressBarProps {
  readonly kind: 'staged' | 'moved' | 'hashed';
  readonly label: string;
  /** Whose progress it is, for screen readers. */
  readonly name: string;
  /** 0 to 1. */
  readonly fraction: number;
}

export function ProgressBar({ kind, label, name, fraction }: ProgressBarProps) {
  const { format, words } = useLocale();
  const percent = format.percent(fraction);
  return (
    <div className={`bar ${kind}${fraction >= 1 ? ' full' : ''}`}>
      <span className="bar-label" aria-hidden>
        {label}
      </span>
      <div
        className="bar-track"
        role="progressbar"
        aria-label={words.row.of(label, name)}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(fraction * 100)}
        aria-valuetext={percent}
      >
        <div className="bar-fill" style={{ transform: `scaleX(${fraction})` }} />
      </div>
      <span className="bar-percent num" aria-hidden>
        {percent}
      </span>
    </div>
  );
}
