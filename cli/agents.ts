/** `entrepot agents`: who is there, who may come, and who is forgotten. */
import type { AgentView } from '#core/wire/agent.ts';
import type { Client } from './client.ts';
import { each } from './each.ts';
import { fitted, formatSeconds, printable } from './format.ts';
import { Problem } from './problem.ts';
import { faint, green, type Terminal } from './terminal.ts';

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
  return each(terminal, 'agentId', ids, async (id) => {
    const agent = await client.turnAgent(id, verb).catch(inAHomeWithout);
    const after = verb === 'forget' ? 'forgotten' : agent.status;
    if (terminal.isInteractive) terminal.print(`${green('✔')} ${id}  ${after}`);
    else terminal.tell({ event: 'agent', ...agent, ...(verb === 'forget' ? { forgotten: true } : {}) });
  });
}

const BYTES = { bucket: 'bytes from the bucket', line: 'bytes over its line' } as const;

function lineOf(agent: AgentView, nowMs: number): string {
  const { id, status, files, filesMax, filesDone, filesFailed, address, providers, restsUntil, refusals, bytes } =
    agent;
  const restsMs = restsUntil === null ? 0 : Date.parse(restsUntil) - nowMs;
  const notes = [
    ...(bytes === null ? [] : [BYTES[bytes.way] + (bytes.code === null ? '' : ` (${bytes.code})`)]),
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
