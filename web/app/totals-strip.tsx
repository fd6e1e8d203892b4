/** The sums above the list: how fast it goes, how much is left, and whether the page may be closed. */
import { useEffect, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import type { Totals } from './totals.ts';

const SAMPLES = 60;

export function TotalsStrip({ totals }: { readonly totals: Totals }) {
  const { words, format } = useLocale();
  const samples = useSamples(totals);
  const isBusy = totals.counts.active > 0;
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
        <Sparkline samples={samples} label={words.totals.history} />
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

interface Sample {
  readonly stage: number;
  readonly move: number;
}

function useSamples({ stageRate, moveRate }: Totals): readonly Sample[] {
  const latest = useRef<Sample>({ stage: 0, move: 0 });
  latest.current = { stage: stageRate, move: moveRate };
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  useEffect(() => {
    const timer = setInterval(() => setSamples((before) => [...before, latest.current].slice(-SAMPLES)), 1000);
    return () => clearInterval(timer);
  }, []);
  return samples;
}

function Sparkline({ samples, label }: { readonly samples: readonly Sample[]; readonly label: string }) {
  const top = Math.max(1, ...samples.map(({ stage, move }) => Math.max(stage, move)));
  const line = (pick: (sample: Sample) => number) =>
    samples
      .map((sample, index) => `${SAMPLES - samples.length + index},${(22 - (pick(sample) / top) * 20).toFixed(2)}`)
      .join(' ');
  return (
    <svg className="spark" viewBox={`0 0 ${SAMPLES - 1} 24`} preserveAspectRatio="none" role="img" aria-label={label}>
      <line x1="0" x2={SAMPLES - 1} y1="23" y2="23" className="spark-base" />
      <polyline points={line(({ stage }) => stage)} className="spark-line staged" />
      <polyline points={line(({ move }) => move)} className="spark-line moved" />
    </svg>
  );
}
