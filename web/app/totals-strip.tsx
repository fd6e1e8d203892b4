/** The sums above the list: how fast it goes, how much is left, and whether the page may be closed. */
import { useLocale } from '../i18n/locale.tsx';
import { Sparkline } from './sparkline.tsx';
import type { Totals } from './totals.ts';

export function TotalsStrip({ totals }: { readonly totals: Totals }) {
  const { words, format } = useLocale();
  const isBusy = totals.active > 0;
  return (
    <section className="totals" aria-label={words.totals.label}>
      <Figure label={words.totals.staging} kind="staged" value={isBusy ? format.rate(totals.stageRate) : '–'} />
      <Figure label={words.totals.delivering} kind="moved" value={isBusy ? format.rate(totals.moveRate) : '–'} />
      <Figure
        label={words.totals.left}
        value={isBusy ? format.size(totals.leftBytes) : '–'}
        note={totals.etaSeconds === null || !isBusy ? '' : words.totals.about(format.duration(totals.etaSeconds))}
      />
      <div className="totals-chart">
        <Sparkline stageRate={totals.stageRate} moveRate={totals.moveRate} label={words.totals.history} />
        {totals.localBytes > 0 && (
          <p className="hint strong">
            {format.size(totals.localBytes)} {words.totals.leftHere}
          </p>
        )}
        {isBusy && totals.localBytes === 0 && totals.ownFiles > 0 && <p className="hint">{words.totals.done}</p>}
      </div>
    </section>
  );
}

interface FigureProps {
  readonly label: string;
  readonly value: string;
  readonly kind?: 'staged' | 'moved';
  readonly note?: string;
}

function Figure({ label, value, kind, note }: FigureProps) {
  return (
    <div className="figure">
      <span className="figure-label">
        {kind && <span className={`swatch ${kind}`} aria-hidden />}
        {label}
      </span>
      <span className="figure-value">{value}</span>
      {note && <span className="hint">{note}</span>}
    </div>
  );
}
