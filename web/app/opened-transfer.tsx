/** The transfer that the address of the page names. */
import { Suspense, useEffect, useState } from 'react';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { Dialog } from './dialog.tsx';
import { ErrorLine } from './error-line.tsx';
import { closeOpened, useRoute } from './route.ts';
import type { Row, RowVerb } from './rows.ts';
import { whenNeeded } from './when-needed.tsx';

const DetailDialog = whenNeeded(async () => (await import('./detail-dialog.tsx')).DetailDialog);

/** One of the list, or one that only the server remembers. */
export function OpenedTransfer({
  rows,
  onVerb,
}: {
  readonly rows: readonly Row[];
  readonly onVerb: (verb: RowVerb, row: Row) => void;
}) {
  const { words } = useLocale();
  const { open: id } = useRoute();
  const row = rows.find(({ key, transfer }) => id !== null && (transfer?.id === id || key === id));
  const error = useLinked(row === undefined ? id : null);
  if (row) {
    return (
      <Suspense>
        <DetailDialog row={row} onVerb={onVerb} onClose={closeOpened} />
      </Suspense>
    );
  }
  if (error === null) return null;
  return (
    <Dialog kind="drawer" title={words.detail.transfer} onClose={closeOpened}>
      <ErrorLine error={error} />
    </Dialog>
  );
}

/** Asks the server for a transfer that is not in the list, and puts it there. Answers why that cannot be done. */
function useLinked(id: string | null): UploadError | null {
  const { api, progress } = useConsole();
  const [error, setError] = useState<UploadError | null>(null);
  useEffect(() => {
    setError(null);
    if (id === null) return;
    const stop = new AbortController();
    void api.readTransfer(id, stop.signal).then(
      (view) => progress.adopt([view]),
      (cause: unknown) => {
        if (!stop.signal.aborted) setError(toUploadError(cause));
      },
    );
    return () => stop.abort();
  }, [api, progress, id]);
  return error;
}
