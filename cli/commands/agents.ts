/** `entrepot agents`, as words. */
import type { Command } from 'commander';
import { type AgentVerb, listAgents, turnAgents } from '../agents.ts';
import type { CommandPorts } from './words.ts';

const AGENT_VERBS: Readonly<Record<AgentVerb, string>> = {
  revoke: 'end their connections, and refuse them until they are restored',
  restore: 'let revoked agents come again',
  forget: 'drop what is known of agents that are away',
};

export function agentCommands(program: Command, { terminal, clock, connect, onFailures }: CommandPorts): void {
  const agents = program.command('agents').description('machines that run deliveries for this home');
  agents
    .command('ls', { isDefault: true })
    .description('list them, with what they are doing')
    .action(async () => listAgents(await connect(), terminal, clock.now()));
  for (const [verb, about] of Object.entries(AGENT_VERBS)) {
    agents
      .command(verb)
      .description(about)
      .argument('<agent...>')
      .action(async (ids: string[]) => {
        // A key of AGENT_VERBS, which Object.entries forgets.
        onFailures(await turnAgents(await connect(), terminal, verb as AgentVerb, ids));
      });
  }
}
