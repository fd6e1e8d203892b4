/** The signed receipt of a delivery, saved as a file that anybody can check. */
import { FileCheck } from 'lucide-react';
import { useState } from 'react';
import type { TransferView } from '#core/wire/transfer.ts';
import { useLocale } from '../i18n/locale.tsx';
import { toUploadError, type UploadError } from '../upload/error.ts';
import { useConsole } from './console.ts';
import { ErrorLine } from './error-line.tsx';

export function ReceiptButton({ transfer: { id, name } }: { readonly transfer: Pick<TransferView, 'id' | 'name'> }) {
  const { words } = useLocale();
  const { api } = useConsole();
  const [error, setError] = useState<UploadError | null>(null);
  const get = async (): Promise<void> => {
    setError(null);
    try {
      save(`${name}.receipt.json`, JSON.stringify(await api.readReceipt(id), null, 2));
    } catch (cause) {
      setError(toUploadError(cause));
    }
  };
  return (
    <>
      <button type="button" className="button" title={words.detail.receiptHint} onClick={() => void get()}>
        <FileCheck aria-hidden size={16} />
        {words.detail.receipt}
      </button>
      {error && <ErrorLine error={error} onDismiss={() => setError(null)} />}
    </>
  );
}

function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([`${text}\n`], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
