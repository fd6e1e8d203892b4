/** `entrepot ls` and `entrepot destinations`: tables for a person, JSON lines for a program. */
import type { Status } from '#core/wire/transfer.ts';
import type { Client } from './client.ts';
import { fitted, formatBytes, formatShare, printable } from './format.ts';
import { faint, type Terminal } from './terminal.ts';

export interface ListQuery {
  readonly status?: Status | undefined;
  readonly destinationId?: string | undefined;
  /** At most so many. */
  readonly limit: number;
}

const PAGE = 200;

export async function listTransfers(client: Client, terminal: Terminal, query: ListQuery): Promise<void> {
  const { status, destinationId } = query;
  let left = query.limit;
  for (let cursor: string | undefined; left > 0; ) {
    const page = await client.transfers({ limit: Math.min(PAGE, left), cursor, status, destinationId });
    for (const view of page.items) {
      if (!terminal.isInteractive) terminal.tell({ event: 'transfer', ...view });
      else {
        const place = `${view.destinationId}:${view.path === '/' ? '' : view.path}/${view.name}`;
        const done = view.phase === 'staging' ? view.stagedBytes : view.movedBytes;
        const share = formatShare(done, view.sizeBytes);
        const why = view.error === null ? '' : faint(`  ${view.error.code}`);
        const size = formatBytes(view.sizeBytes).padStart(9);
        terminal.print(`${view.id}  ${fitted(view.status, 13)} ${share}  ${size}  ${printable(place)}${why}`);
      }
    }
    left -= page.items.length;
    if (page.next === null) return;
    cursor = page.next;
  }
}

export async function listDestinations(client: Client, terminal: Terminal): Promise<void> {
  for (const destination of (await client.destinations()).items) {
    if (!terminal.isInteractive) terminal.tell({ event: 'destination', ...destination });
    else
      terminal.print(
        `${fitted(destination.id, 24)} ${fitted(destination.provider, 12)} ${about(destination.settings)}`,
      );
  }
}

/** Settings are not secret: credentials are kept apart. */
function about(settings: Readonly<Record<string, unknown>>): string {
  const words = Object.entries(settings).map(
    ([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
  return printable(words.join(' ')).slice(0, 200);
}
