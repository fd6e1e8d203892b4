/** `entrepot agents`: who is there, who may come, and who is forgotten. */
import type { AgentView } from '#core/wire/agent.ts';
import type { Client } from './client.ts';
import { fitted, formatSeconds, printable } from './format.ts';
import { Problem, toProblem } from './problem.ts';
import { faint, green, red, type Terminal } from './terminal.ts';

export type AgentVerb = 'revoke' | 'restore' | 'forget';

export async function listAgents(client: Client, terminal: Terminal, nowMs: number): Promise<void> {
  const { items } = await client.agents().catch(inAHomeWithout);
  for (const agent of items) {
    if (terminal.isInteractive) terminal.print(lineOf(agent, nowMs));
    else terminal.tell({ event: 'agent', ...agent });
  }
}

/** Answers how many could not be done. Each is tried, whatever became of those before it. */
export async function turnAgents(
  client: Client,
  terminal: Terminal,
  verb: AgentVerb,
  ids: readonly string[],
): Promise<number> {
  let failed = 0;
  for (const id of ids) {
    try {
      const agent = await client.turnAgent(id, verb).catch(inAHomeWithout);
      const after = verb === 'forget' ? 'forgotten' : agent.status;
      if (terminal.isInteractive) terminal.print(`${green('✔')} ${id}  ${after}`);
      else terminal.tell({ event: 'agent', ...agent, ...(verb === 'forget' ? { forgotten: true } : {}) });
    } catch (error) {
      const { code, message, exitCode } = toProblem(error);
      if (!(error instanceof Problem) || exitCode === 2) throw error;
      failed++;
      if (!terminal.isInteractive) terminal.tell({ event: 'error', agentId: id, code, message });
      terminal.complain(`${terminal.isInteractive ? `${red('✘')} ` : 'entrepot: '}${id}: ${code}: ${message}`);
    }
  }
  return failed;
}

function lineOf(agent: AgentView, nowMs: number): string {
  const { id, status, files, filesMax, filesDone, filesFailed, address, providers, restsUntil, refusals } = agent;
  const restsMs = restsUntil === null ? 0 : Date.parse(restsUntil) - nowMs;
  const notes = [
    ...(restsMs > 0 ? [`rests ${formatSeconds(restsMs / 1_000)}`] : []),
    ...refusals.slice(-1).map(({ code }) => `${refusals.length} refused, last ${code}`),
  ];
  const about = notes.length === 0 ? '' : faint(`  ${printable(notes.join('; '))}`);
  const counts = `${files}/${filesMax} now  ${filesDone} done  ${filesFailed} failed`;
  return `${fitted(id, 24)} ${fitted(status, 8)} ${counts}  ${fitted(address, 16)} ${printable(providers.join(','))}${about}`;
}

function inAHomeWithout(error: unknown): never {
  if (error instanceof Problem && error.code === 'route.unknown') {
    throw new Problem('agents.not_here', 'this home takes no agents', { exitCode: 2 });
  }
  throw error;
}
