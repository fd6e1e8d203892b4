/** `entrepot watch`: transfers as they go. */
import type { Clock } from '#core/ports/clock.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import { transferLines } from './bars.ts';
import type { Client } from './client.ts';
import { endingLine } from './endings.ts';
import { follow, hasEnded } from './follow.ts';
import { repeat } from './repeat.ts';
import type { Terminal } from './terminal.ts';

export interface WatchPorts {
  readonly client: Client;
  readonly clock: Clock;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

const FRAME_MS = 200;

/**
 * With ids: until all of them have ended; answers how many did not arrive. Without: everything, until the signal aborts. Throws the
 * Problem `transfer.unknown` for an id that the server does not know.
 */
export async function watchTransfers(ports: WatchPorts, ids: readonly string[]): Promise<number> {
  const { client, clock, signal } = ports;
  const isAll = ids.length === 0;
  const first = isAll ? [] : await Promise.all(ids.map((id) => client.transfer(id)));
  if (isAll) await client.transfers({ limit: 1 });
  const screen = watchScreen(ports);
  const follower = follow({ client, clock, signal, onView: screen.show, scope: isAll ? 'all' : 'awaited' });
  try {
    if (isAll) await aborted(signal);
    const last = await Promise.all(first.map((view) => follower.untilEnded(view)));
    return last.filter(({ phase }) => phase !== 'done').length;
  } finally {
    follower.close();
    screen.close();
  }
}

function watchScreen({ terminal, clock }: WatchPorts) {
  const active = new Map<string, TransferView>();
  const lines = (): string[] => {
    const room = Math.max(1, Math.floor((terminal.rows() - 2) / 3));
    const shown = [...active.values()].slice(0, room).flatMap((view) => transferLines(view, terminal.columns()));
    return active.size > room ? [...shown, `… and ${active.size - room} more`] : shown;
  };
  const ticking = repeat(clock, FRAME_MS, () => terminal.draw(lines()));
  return {
    show: (view: TransferView): void => {
      if (!terminal.isInteractive) {
        terminal.tell({ event: 'transfer', ...view });
        return;
      }
      if (!hasEnded(view)) {
        active.set(view.id, view);
        return;
      }
      active.delete(view.id);
      terminal.draw(lines());
      terminal.print(endingLine(view));
    },
    close: () => {
      ticking.stop();
      terminal.draw([]);
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
