/** How fast a row goes, and when it will be there; or how long it took. */
import { ArrowRight, ArrowUp } from 'lucide-react';
import { useLocale } from '../i18n/locale.tsx';
import type { Row } from './rows.ts';

export function SpeedEta({ row, nowMs }: { readonly row: Row; readonly nowMs: number }) {
  const { words, format } = useLocale();
  const seconds = row.startedAtMs === null ? null : Math.max(0, ((row.endedAtMs ?? nowMs) - row.startedAtMs) / 1000);
  if (row.group === 'ended') {
    const took = row.tone === 'good' && seconds !== null;
    return (
      <div className="item-rate">
        {took && <span className="hint num">{words.row.took(format.duration(seconds))}</span>}
      </div>
    );
  }
  const isMoving = row.moveRate >= 1;
  return (
    <div className="item-rate">
      {row.stageRate >= 1 && (
        <span className="num rate staged">
          <ArrowUp aria-hidden size={13} />
          {format.rate(row.stageRate)}
        </span>
      )}
      {isMoving && (
        <span className="num rate moved">
          <ArrowRight aria-hidden size={13} />
          {format.rate(row.moveRate)}
        </span>
      )}
      {row.etaSeconds !== null && row.etaSeconds > 0 ? (
        <span className="hint num">{words.row.left(format.duration(row.etaSeconds))}</span>
      ) : (
        row.group === 'underWay' &&
        seconds !== null && <span className="hint num">{words.row.elapsed(format.duration(seconds))}</span>
      )}
    </div>
  );
}
