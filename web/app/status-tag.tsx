/** The status word with its colour; the word alone says it all. */
import { useLocale } from '../i18n/locale.tsx';
import type { RowStatus, Tone } from './rows.ts';

export function StatusTag({ status, tone }: { readonly status: RowStatus; readonly tone: Tone }) {
  const { words } = useLocale();
  return (
    <span className={`tag tone-${tone}`}>
      <span className="tag-dot" aria-hidden />
      {words.status[status]}
    </span>
  );
}
