/** Pause, resume, retry or cancel all that the list shows, with the count on each button and word of how it goes. */
import { Pause, Play, RotateCw, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { act } from './act.ts';
import { actOnAll, type BulkCount, rowsFor } from './bulk.ts';
import { useConsole } from './console.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';
import type { Row } from './rows.ts';

const VERBS = ['pause', 'resume', 'retry', 'cancel'] as const;
type BulkVerb = (typeof VERBS)[number];
const ICONS = { pause: Pause, resume: Play, retry: RotateCw, cancel: X } as const;

export interface BulkBarProps {
  /** What the list shows; what it hides is left alone. */
  readonly shown: readonly Row[];
  readonly all: readonly Row[];
}

interface Running extends BulkCount {
  readonly isOver: boolean;
}

export function BulkBar({ shown, all }: BulkBarProps) {
  const { words, format } = useLocale();
  const running = useConsole();
  const [asked, setAsked] = useState<readonly Row[] | null>(null);
  const [bulk, setBulk] = useState<Running | null>(null);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);

  const isBusy = bulk !== null && !bulk.isOver;
  const leaveButton = useRef<HTMLButtonElement>(null);
  // The button that was pressed is out of reach now: the keyboard goes on at the way to stop it.
  useEffect(() => {
    if (isBusy) leaveButton.current?.focus();
  }, [isBusy]);

  const run = (verb: BulkVerb, rows: readonly Row[]) => {
    setAsked(null);
    stop.current.abort();
    const own = new AbortController();
    stop.current = own;
    const show = (count: BulkCount, isOver: boolean) => {
      if (stop.current === own) setBulk({ ...count, isOver });
    };
    show({ done: 0, refused: 0, all: rows.length, error: null }, false);
    void actOnAll({
      ...{ rows, all, signal: own.signal },
      act: (row, siblings) => act(running, verb, row, siblings),
      onCount: (count) => show(count, false),
    }).then((count) => show(count, true));
  };
  const leave = () => {
    stop.current.abort();
    // What is under way still ends; nobody wants to hear of it once it is put away.
    if (!isBusy) stop.current = new AbortController();
    setBulk(isBusy ? { ...bulk, isOver: true } : null);
  };
  const offers = VERBS.map((verb) => ({ verb, rows: rowsFor(verb, shown), Icon: ICONS[verb] }));

  return (
    <>
      <div className="toolbar-end">
        {offers
          .filter(({ rows }) => rows.length > 1)
          .map(({ verb, rows, Icon }) => (
            <button
              key={verb}
              type="button"
              className="button quiet"
              disabled={isBusy}
              onClick={() => (verb === 'cancel' ? setAsked(rows) : run(verb, rows))}
            >
              <Icon aria-hidden size={15} />
              {words.bulk.verbs[verb](format.integer(rows.length))}
            </button>
          ))}
      </div>
      {bulk !== null && (
        <div className="bulk">
          <span className="num">{words.bulk.count(format.integer(bulk.done), format.integer(bulk.all))}</span>
          {bulk.refused > 0 && <span className="bulk-bad">{words.bulk.refused(bulk.refused)}</span>}
          <button ref={leaveButton} type="button" className="button quiet" onClick={leave}>
            {isBusy ? words.bulk.stop : words.dismiss}
          </button>
        </div>
      )}
      {/* Of each step the eye is told, of the end the ear. */}
      <span className="unseen" role="status">
        {bulk?.isOver && words.bulk.count(format.integer(bulk.done), format.integer(bulk.all))}
      </span>
      {bulk?.error && bulk.isOver && <ErrorLine error={bulk.error} />}
      {asked && <CancelQuestion rows={asked} onNo={() => setAsked(null)} onYes={() => run('cancel', asked)} />}
    </>
  );
}

/** Names shown of those that are meant; the rest is counted. */
const NAMES_MAX = 5;

interface CancelQuestionProps {
  readonly rows: readonly Row[];
  readonly onNo: () => void;
  readonly onYes: () => void;
}

function CancelQuestion({ rows, onNo, onYes }: CancelQuestionProps) {
  const { words, format } = useLocale();
  return (
    <Dialog kind="card" title={words.bulk.sure(rows.length)} onClose={onNo}>
      <p>{words.bulk.sureText}</p>
      <ul className="bulk-names">
        {rows.slice(0, NAMES_MAX).map((row) => (
          <li key={row.key}>{row.name}</li>
        ))}
        {rows.length > NAMES_MAX && <li className="hint">{words.bulk.more(rows.length - NAMES_MAX)}</li>}
      </ul>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={onNo}>
          {words.bulk.keep}
        </button>
        <button type="button" className="button danger" onClick={onYes}>
          {words.bulk.verbs.cancel(format.integer(rows.length))}
        </button>
      </footer>
    </Dialog>
  );
}
