/** `entrepot pause | resume | cancel | retry`. */
import type { Client, WishWord } from './client.ts';
import { each } from './each.ts';
import { printable } from './format.ts';
import { green, type Terminal } from './terminal.ts';

/** Answers how many of the transfers could not be told. Throws when there is nobody to tell. */
export async function wishTransfers(
  client: Client,
  terminal: Terminal,
  word: WishWord,
  ids: readonly string[],
): Promise<number> {
  return each(terminal, 'transferId', ids, async (id) => {
    const view = await client.wish(id, word);
    if (terminal.isInteractive) terminal.print(`${green('✔')} ${id}  ${view.status}  ${printable(view.name)}`);
    else terminal.tell({ event: 'transfer', ...view });
  });
}
