/** Several things named on one command line, each tried whatever became of those before it. */
import { Problem, toProblem } from './problem.ts';
import { red, type Terminal } from './terminal.ts';

/** What goes wrong with one is told, under `name` (`transferId`) where a program reads it. Answers how many could not be done. */
export async function each(
  terminal: Terminal,
  name: string,
  ids: readonly string[],
  act: (id: string) => Promise<void>,
): Promise<number> {
  let failed = 0;
  for (const id of ids) {
    try {
      await act(id);
    } catch (error) {
      const { code, message, exitCode } = toProblem(error);
      // Nobody to ask, for the others neither.
      if (!(error instanceof Problem) || exitCode === 2) throw error;
      failed++;
      if (!terminal.isInteractive) terminal.tell({ event: 'error', [name]: id, code, message });
      terminal.complain(`${terminal.isInteractive ? `${red('✘')} ` : 'entrepot: '}${id}: ${code}: ${message}`);
    }
  }
  return failed;
}
