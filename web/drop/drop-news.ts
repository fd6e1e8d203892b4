/** How far it is, in words for screen readers. Pure. */
import type { Messages } from '../i18n/en.ts';
import type { DropTotals } from './drop-rows.ts';

/** Empty: there is nothing to tell, as when the last file of the list was taken away. */
export function dropNews(
  { files, received, failed }: Pick<DropTotals, 'files' | 'received' | 'failed'>,
  { drop }: Pick<Messages, 'drop'>,
): string {
  if (files === 0) return '';
  if (received === files) return drop.allReceived(received);
  return [drop.progress(received, files), ...(failed > 0 ? [drop.notSent(failed)] : [])].join('; ');
}
