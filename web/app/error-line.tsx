/** One failure in words: what happened, and what to do next. */
import { TriangleAlert, X } from 'lucide-react';
import { errorWords, useLocale } from '../i18n/locale.tsx';

export interface ErrorLineProps {
  readonly error: { readonly code: string; readonly message: string };
  readonly onDismiss?: () => void;
}

export function ErrorLine({ error, onDismiss }: ErrorLineProps) {
  const { words } = useLocale();
  const [what, next] = errorWords(words, error.code, error.message);
  return (
    <div className="error-line" role="alert">
      <TriangleAlert aria-hidden size={16} />
      <p>
        <strong>{what}</strong> {next} <span className="code">{error.code}</span>
      </p>
      {onDismiss && (
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={words.dismiss}
          title={words.dismiss}
          onClick={onDismiss}
        >
          <X aria-hidden size={16} />
        </button>
      )}
    </div>
  );
}
