/** How a transfer ended, in one line. */
import type { TransferView } from '#core/wire/transfer.ts';
import { formatBytes, formatSeconds, printable } from './format.ts';
import { green, red } from './terminal.ts';

export function endingLine(view: TransferView): string {
  const where = `${view.destinationId}:${view.path === '/' ? '' : view.path}/${view.name}`;
  if (view.phase === 'done') {
    const how = view.instant ? 'was there already' : `delivered${took(view)}`;
    return `${green('✔')} ${printable(where)}  ${formatBytes(view.sizeBytes)}  ${how}`;
  }
  const why = view.error === null ? view.status : `${view.error.code}: ${view.error.message}`;
  return `${red('✘')} ${printable(where)}  ${why}  (${view.id})`;
}

function took({ startedAt, endedAt }: TransferView): string {
  if (startedAt === null || endedAt === null) return '';
  return ` in ${formatSeconds((Date.parse(endedAt) - Date.parse(startedAt)) / 1000)}`;
}
