/** How far all of it is, and each file with what can be done about it. */
import { CircleCheck, Pause, Play, RotateCw } from 'lucide-react';
import { useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { useDesk } from './desk.ts';
import { DropItem } from './drop-item.tsx';
import type { DropRow, DropTotals, DropVerb } from './drop-rows.ts';

export interface DropListProps {
  readonly rows: readonly DropRow[];
  readonly totals: DropTotals;
  readonly isOpen: boolean;
  readonly onError: (error: unknown) => void;
}

/** Drawn at first, and with each asking for more. */
const PAGE = 100;

/** What is offered for all at once: the first that some of them can. */
const SOME = ['pause', 'resume', 'retry'] as const;
const ICONS = { pause: Pause, resume: Play, retry: RotateCw };

export function DropList({ rows, totals, isOpen, onError }: DropListProps) {
  const { words } = useLocale();
  const { queue } = useDesk();
  const [shownMax, setShownMax] = useState(PAGE);
  if (rows.length === 0) return null;

  const act = async (verb: DropVerb, { key, status }: DropRow) => {
    if (verb === 'pause') return queue.pause(key);
    if (verb === 'resume' || verb === 'retry') return queue.resume(key);
    // The server may hold a share of the link for it, and need not be there to be told.
    if (verb === 'remove' && status === 'failed') await queue.cancel(key).catch(() => undefined);
    return verb === 'remove' ? queue.dismiss(key) : queue.cancel(key);
  };
  return (
    <section className="drop-list" aria-label={words.drop.files}>
      <Summary rows={rows} totals={totals} isOpen={isOpen} onVerb={(verb, row) => void act(verb, row).catch(onError)} />
      <ul>
        {rows.slice(0, shownMax).map((row) => (
          <li key={row.key}>
            <DropItem row={row} onVerb={(verb) => void act(verb, row).catch(onError)} />
          </li>
        ))}
      </ul>
      {rows.length > shownMax && (
        <button type="button" className="button quiet drop-more" onClick={() => setShownMax(shownMax + PAGE)}>
          {words.drop.more(rows.length - shownMax)}
        </button>
      )}
    </section>
  );
}

function Summary({
  rows,
  totals,
  isOpen,
  onVerb,
}: Pick<DropListProps, 'rows' | 'totals' | 'isOpen'> & { readonly onVerb: (verb: DropVerb, row: DropRow) => void }) {
  const { words, format } = useLocale();
  const { files, received, delivered, failed, left, sizeBytes, sentBytes, bytesPerSecond, etaSeconds } = totals;
  if (files === 0) return null;
  if (received === files) {
    return (
      <header className="drop-sum done">
        <CircleCheck aria-hidden size={22} />
        <div>
          <h2>{delivered === files ? words.drop.allDelivered(files) : words.drop.allReceived(files)}</h2>
          <p>{isOpen ? words.drop.mayAdd : words.drop.mayClose}</p>
        </div>
      </header>
    );
  }
  const able = (verb: DropVerb) => rows.filter(({ verbs }) => verbs.includes(verb));
  const fraction = sizeBytes === 0 ? 0 : sentBytes / sizeBytes;
  const verb = SOME.find((one) => able(one).length > 0) ?? 'retry';
  const Icon = ICONS[verb];
  const actOnAll = () => {
    for (const row of able(verb)) onVerb(verb, row);
  };
  return (
    <header className="drop-sum">
      <div className="drop-sum-line">
        <h2 className="num">{words.drop.progress(received, files)}</h2>
        {able(verb).length > 1 && (
          <button type="button" className="button quiet" onClick={actOnAll}>
            <Icon aria-hidden size={15} />
            {words.drop.all[verb]}
          </button>
        )}
      </div>
      <div
        className="bar-track"
        role="progressbar"
        aria-label={words.drop.files}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.floor(fraction * 100)}
      >
        <div className="bar-fill" style={{ transform: `scaleX(${fraction})` }} />
      </div>
      <p className="drop-sum-line hint num">
        <span>{words.drop.of(format.size(sentBytes), format.size(sizeBytes))}</span>
        {bytesPerSecond >= 1 && <span>{format.rate(bytesPerSecond)}</span>}
        {etaSeconds !== null && <span>{words.row.left(format.duration(etaSeconds))}</span>}
        {failed > 0 && <span className="drop-not-sent">{words.drop.notSent(failed)}</span>}
        {left > 0 && <span className="drop-stay">{words.drop.stay}</span>}
      </p>
    </header>
  );
}
