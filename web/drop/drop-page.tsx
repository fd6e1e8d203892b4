/** A link as its customers see it: what it is for, what it takes, and what they have handed in. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { DropView } from '#core/wire/link.ts';
import { CarryOn } from '../app/carry-on.tsx';
import { ErrorLine } from '../app/error-line.tsx';
import { PageGuard } from '../app/page-guard.tsx';
import { useFileDrag } from '../app/use-file-drag.ts';
import { useNow } from '../app/use-now.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { Closed, type Why } from './closed.tsx';
import { useArrivals, useDesk, useDeskQueue, useLink } from './desk.ts';
import { DropAnnouncer } from './drop-announcer.tsx';
import { DropList } from './drop-list.tsx';
import { dropRows, dropTotals } from './drop-rows.ts';
import { HandIn } from './hand-in.tsx';
import { Terms } from './terms.tsx';

/** What others handed in meanwhile, and this page, shows in what is left. */
const LEFT_MS = 3_000;

export function DropPage() {
  const { words } = useLocale();
  const desk = useDesk();
  const { kind, view } = useLink();
  const queue = useDeskQueue();
  const arrivals = useArrivals();
  const nowMs = useNow(2_000);
  const [error, setError] = useState<UploadError | null>(null);
  const report = useCallback((cause: unknown) => setError(toUploadError(cause)), []);
  const rows = useMemo(() => dropRows(queue, arrivals, Math.max(nowMs, Date.now())), [queue, arrivals, nowMs]);
  const totals = useMemo(() => dropTotals(rows), [rows]);

  useEffect(() => {
    if (totals.received === 0) return;
    const timer = setTimeout(() => void desk.link.load(), LEFT_MS);
    return () => clearTimeout(timer);
  }, [desk, totals.received]);

  const isOpen = view?.state === 'active' && (kind === 'open' || kind === 'away');
  // A browser leaves the page for a file that nobody takes.
  useFileDrag(!isOpen, () => {});

  if (kind === 'loading') {
    return <section className="drop-card drop-loading" aria-busy="true" aria-label={words.drop.loading} />;
  }
  const why = whyClosed(kind, view);
  return (
    <>
      <section className="drop-card" aria-labelledby="drop-name">
        <h1 id="drop-name">{view?.name ?? words.drop.title}</h1>
        {view && view.note !== '' && <p className="drop-note">{view.note}</p>}
        {view && isOpen && <Terms view={view} />}
        {why === 'away' && view && (
          <p role="status" className="drop-away">
            <strong>{words.drop.closed.away[0]}</strong> {words.drop.closed.away[1]}
          </p>
        )}
        {view && isOpen ? (
          <HandIn view={view} onError={report} />
        ) : (
          <Closed why={why ?? 'away'} {...(why === 'away' ? { onRetry: () => void desk.link.load() } : {})} />
        )}
      </section>
      {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
      {kind !== 'gone' && <CarryOn running={desk} onError={report} />}
      <DropList rows={rows} totals={totals} isOpen={isOpen} onError={report} />
      <DropAnnouncer totals={totals} />
      <PageGuard queue={queue} name={view?.name ?? words.name} />
    </>
  );
}

function whyClosed(kind: 'open' | 'away' | 'gone', view: DropView | null): Why | null {
  if (kind !== 'open') return kind;
  return view === null || view.state === 'active' ? null : view.state;
}
