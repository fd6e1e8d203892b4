/** What a line of a transfer's history says. */
import type { TransferEvent } from '#core/wire/transfer.ts';
import type { Messages } from '../i18n/en.ts';

/** `way.mount` and `passed.mount.read_only` are how a destination with several ways says which it took, and which not and why. */
export function eventWords(
  { events, ways, wayTaken, wayPassed }: Messages['detail'],
  { type, code = '' }: TransferEvent,
): string {
  const [what, way = ''] = code.split('.');
  if (type === 'note' && what === 'way') return wayTaken(ways[way] ?? way);
  if (type === 'note' && what === 'passed') return wayPassed(ways[way] ?? way);
  return events[type] ?? type;
}

/** Why it happened, in words; empty where the code says it all. */
export function eventReason({ errors }: Messages, { type, code }: TransferEvent): string {
  if (code === undefined || type === 'note') return '';
  const [what = ''] = errors[code] ?? errors[`*.${code.split('.').slice(1).join('.')}`] ?? [];
  return what;
}
