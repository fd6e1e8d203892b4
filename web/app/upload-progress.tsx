/** Totals, filters and the list of transfers. Stands alone: a page that provides `ConsoleContext` can embed it. */
import { Pause, Play, RotateCw, Search } from 'lucide-react';
import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { act } from './act.ts';
import { useConsole, useProgress, useQueue, useSocketStatus } from './console.ts';
import { DetailDialog } from './detail-dialog.tsx';
import { joinRows, type Row, type RowVerb } from './rows.ts';
import { type Filter, isShown, totalsOf } from './totals.ts';
import { TotalsStrip } from './totals-strip.tsx';
import { UploadProgressList } from './upload-progress-list.tsx';
import { useNow } from './use-now.ts';

const FILTERS: readonly Filter[] = ['all', 'active', 'finished', 'failed'];
/** Transfers asked for at once. */
const PAGE = 200;
/** Without the socket the list is read this often, so that it does not stand still. */
const POLL_MS = 10_000;

export function UploadProgressPanel({ onError }: { readonly onError: (error: unknown) => void }) {
  const { words, format } = useLocale();
  const running = useConsole();
  const rows = useRows();
  const [filter, setFilter] = useState<Filter>('all');
  const [search, setSearch] = useState('');
  const [openKey, setOpenKey] = useState<string | null>(null);
  const older = useHistory(onError);
  const needle = useDeferredValue(search.trim().toLocaleLowerCase());
  const shown = useMemo(() => rows.filter((row) => isShown(row, filter, needle)), [rows, filter, needle]);
  const totals = useMemo(() => totalsOf(rows), [rows]);

  const onVerb = (verb: RowVerb, row: Row) => void act(running, verb, row, rows).catch(onError);
  const onAll = (verb: RowVerb) => {
    for (const row of rows) if (row.verbs.includes(verb)) onVerb(verb, row);
  };
  const bulk = [
    { verb: 'pause', label: words.list.pauseAll, Icon: Pause },
    { verb: 'resume', label: words.list.resumeAll, Icon: Play },
    { verb: 'retry', label: words.list.retryAll, Icon: RotateCw },
  ] as const;
  const offered = bulk.filter(({ verb }) => rows.filter((row) => row.verbs.includes(verb)).length > 1);
  const open = rows.find((row) => row.key === openKey);

  return (
    <section className="ledger" aria-label={words.list.label}>
      {rows.length > 0 && <TotalsStrip totals={totals} />}
      {rows.length > 0 && (
        <div className="toolbar">
          <fieldset className="segments" aria-label={words.list.filter}>
            {FILTERS.map((name) => (
              <button key={name} type="button" aria-pressed={filter === name} onClick={() => setFilter(name)}>
                {words.list[name]}
                <span className="segment-count">{format.integer(totals.counts[name])}</span>
              </button>
            ))}
          </fieldset>
          <label className="search">
            <Search aria-hidden size={15} />
            <input
              type="search"
              value={search}
              placeholder={words.list.search}
              aria-label={words.list.search}
              onChange={(event) => setSearch(event.target.value)}
            />
          </label>
          <div className="toolbar-end">
            {offered.map(({ verb, label, Icon }) => (
              <button key={verb} type="button" className="button quiet" onClick={() => onAll(verb)}>
                <Icon aria-hidden size={15} />
                {label}
              </button>
            ))}
          </div>
        </div>
      )}
      <UploadProgressList
        rows={shown}
        isFiltered={rows.length > 0}
        onVerb={onVerb}
        onOpen={({ key }) => setOpenKey(key)}
      />
      {older && (
        <button type="button" className="button quiet older" onClick={older}>
          {words.list.older}
        </button>
      )}
      {open && <DetailDialog row={open} onVerb={onVerb} onClose={() => setOpenKey(null)} />}
    </section>
  );
}

function useRows(): readonly Row[] {
  const queue = useQueue();
  const progress = useProgress();
  // Rates that nothing has moved for fade, though no news comes.
  const nowMs = useNow(2000);
  return useMemo(() => joinRows(queue, progress, Math.max(nowMs, Date.now())), [queue, progress, nowMs]);
}

/** Reads the list of transfers at first, and again and again while the socket is down. Answers how to get older ones. */
function useHistory(onError: (error: unknown) => void): (() => void) | null {
  const { api, progress } = useConsole();
  const isLive = useSocketStatus().kind === 'open';
  const [next, setNext] = useState<string | null>(null);

  useEffect(() => {
    const stop = new AbortController();
    const read = async () => {
      const page = await api.listTransfers({ limit: PAGE }, stop.signal);
      progress.adopt(page.items);
      setNext((before) => before ?? page.next);
    };
    // The notice of the socket says already that the server is out of reach.
    void read().catch(() => undefined);
    const timer = isLive ? undefined : setInterval(() => void read().catch(() => undefined), POLL_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [api, progress, isLive]);

  if (next === null) return null;
  return () => {
    void api.listTransfers({ limit: PAGE, cursor: next }).then((page) => {
      progress.adopt(page.items);
      setNext(page.next);
    }, onError);
  };
}
