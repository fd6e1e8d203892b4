/** `entrepot pause | resume | cancel | retry`. */
import type { Client, WishWord } from './client.ts';
import { printable } from './format.ts';
import { Problem, toProblem } from './problem.ts';
import { green, red, type Terminal } from './terminal.ts';

/** Answers how many of the transfers could not be told. Throws when there is nobody to tell. */
export async function wishTransfers(
  client: Client,
  terminal: Terminal,
  word: WishWord,
  ids: readonly string[],
): Promise<number> {
  let failed = 0;
  for (const id of ids) {
    try {
      const view = await client.wish(id, word);
      if (terminal.isInteractive) terminal.print(`${green('✔')} ${id}  ${view.status}  ${printable(view.name)}`);
      else terminal.tell({ event: 'transfer', ...view });
    } catch (error) {
      const problem = toProblem(error);
      if (!(error instanceof Problem) || problem.exitCode === 2) throw error;
      failed++;
      const { code, message } = problem;
      if (!terminal.isInteractive) terminal.tell({ event: 'error', transferId: id, code, message });
      terminal.complain(`${terminal.isInteractive ? `${red('✘')} ` : 'entrepot: '}${id}: ${code}: ${message}`);
    }
  }
  return failed;
}
