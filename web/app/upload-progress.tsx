/** Totals, filters and the list of transfers. Stands alone: a page that provides `ConsoleContext` can embed it. */
import { useDeferredValue, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { act } from './act.ts';
import { BulkBar } from './bulk-bar.tsx';
import { useConsole, useProgress, useQueue } from './console.ts';
import { ListFilters } from './list-filters.tsx';
import { narrow, type Wanted } from './narrow.ts';
import { OpenedTransfer } from './opened-transfer.tsx';
import { joinRows, type Row, type RowVerb } from './rows.ts';
import { totalsOf } from './totals.ts';
import { TotalsStrip } from './totals-strip.tsx';
import { UploadProgressList } from './upload-progress-list.tsx';
import { useHistory } from './use-history.ts';
import { useNow } from './use-now.ts';

const EVERYTHING: Wanted = { filter: 'all', destinationId: '', search: '' };

export function UploadProgressPanel({ onError }: { readonly onError: (error: unknown) => void }) {
  const { words } = useLocale();
  const running = useConsole();
  const rows = useRows();
  const [wanted, setWanted] = useState(EVERYTHING);
  const search = useDeferredValue(wanted.search.trim().toLocaleLowerCase());
  const { filter, destinationId } = wanted;
  const older = useHistory(wanted, onError);
  const { shown, counts } = useMemo(
    () => narrow(rows, { filter, destinationId, search }),
    [rows, filter, destinationId, search],
  );
  const totals = useMemo(() => totalsOf(rows), [rows]);
  const onVerb = (verb: RowVerb, row: Row) => void act(running, verb, row, rows).catch(onError);

  return (
    <section className="ledger" aria-label={words.list.label}>
      {rows.length > 0 && <TotalsStrip totals={totals} />}
      {rows.length > 0 && (
        <div className="toolbar">
          <ListFilters wanted={wanted} counts={counts} onChange={setWanted} />
          <BulkBar shown={shown} all={rows} />
        </div>
      )}
      <UploadProgressList rows={shown} isFiltered={rows.length > 0} onVerb={onVerb} />
      {older && (
        <button type="button" className="button quiet older" onClick={older}>
          {words.list.older}
        </button>
      )}
      <OpenedTransfer rows={rows} onVerb={onVerb} />
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
