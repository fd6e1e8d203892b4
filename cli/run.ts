/** The command line: words to calls, problems to exit codes. */
import { Command, CommanderError } from 'commander';
import { findServer } from './address.ts';
import { apiClient } from './client.ts';
import { agentCommands } from './commands/agents.ts';
import { linkCommands } from './commands/links.ts';
import { putCommand } from './commands/put.ts';
import { receiptCommands } from './commands/receipts.ts';
import { serverCommands } from './commands/server.ts';
import { transferCommands } from './commands/transfers.ts';
import { webhookCommands } from './commands/webhooks.ts';
import type { CommandPorts, RunPorts } from './commands/words.ts';
import { toProblem } from './problem.ts';

const INTERRUPTED = 130;

/** Answers the exit code: 0 all done, 1 something failed, 2 not understood or nobody to ask, 130 interrupted. */
export async function run(args: readonly string[], ports: RunPorts): Promise<number> {
  const { terminal, signal } = ports;
  let failures = 0;
  const program = commands(ports, (count) => {
    failures = count;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return failures === 0 ? 0 : 1;
  } catch (error) {
    if (signal.aborted) {
      terminal.complain('entrepot: interrupted; the same command goes on where this one stopped');
      return INTERRUPTED;
    }
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { code, message, exitCode } = toProblem(error);
    if (!terminal.isInteractive) terminal.tell({ event: 'error', code, message });
    terminal.complain(`entrepot: ${code}: ${message}`);
    return exitCode;
  }
}

const HELP = `
Finds the server in ENTREPOT_DATA (.entrepot), or by ENTREPOT_URL and ENTREPOT_TOKEN.
On a terminal it draws bars; piped, it prints JSON lines.
Exit codes: 0 all done, 1 something failed, 2 not understood or no server, 130 interrupted.`;

/** In the order in which the help lists them. */
const COMMANDS = [
  putCommand,
  linkCommands,
  transferCommands,
  receiptCommands,
  serverCommands,
  agentCommands,
  webhookCommands,
];

function commands(ports: RunPorts, onFailures: CommandPorts['onFailures']): Command {
  const { terminal, clock, signal, env, cwd } = ports;
  const connect = async () => apiClient({ address: await findServer(env, cwd), clock, signal });
  const program = new Command('entrepot')
    .description('Sends files to where they belong: through the bucket, in parts, again where it stopped.')
    .version(ports.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
    })
    .showHelpAfterError('(see entrepot --help)')
    .addHelpText('after', HELP);
  for (const add of COMMANDS) add(program, { ...ports, connect, onFailures });
  return program;
}
