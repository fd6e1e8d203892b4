/** The first section: send on the left, the ledger of transfers on the right. */
import { useCallback, useState } from 'react';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { CarryOn } from './carry-on.tsx';
import { useConsole } from './console.ts';
import { ErrorLine } from './error-line.tsx';
import { SendPanel } from './send-panel.tsx';
import { UploadProgressPanel } from './upload-progress.tsx';

export function TransfersView({ isShown }: { readonly isShown: boolean }) {
  const running = useConsole();
  const [error, setError] = useState<UploadError | null>(null);
  const report = useCallback((cause: unknown) => setError(toUploadError(cause)), []);
  return (
    <div className="columns">
      <SendPanel isShown={isShown} onError={report} />
      <div className="column">
        {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
        <CarryOn running={running} onError={report} />
        <UploadProgressPanel onError={report} />
      </div>
    </div>
  );
}
