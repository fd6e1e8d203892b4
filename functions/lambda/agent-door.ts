/** The routes by which agents and those who manage them speak HTTP, in a function. */
import { randomUUID } from 'node:crypto';
import type { AgentRegistry } from '#core/fleet/registry.ts';
import type { Clock } from '#core/ports/clock.ts';
import { enrolment } from '../../relay/agents/enrolment.ts';
import { agentTokens } from '../../relay/agents/tokens.ts';
import { readSecrets, SECRETS_OF } from '../env.ts';
import { linkedSecrets } from '../resources.ts';
import type { AgentDoor } from '../routes/agent-http.ts';

/** Wrong keys are counted by each process of a function for itself. */
export async function agentDoor(registry: AgentRegistry, clock: Clock): Promise<AgentDoor> {
  const secrets = readSecrets(SECRETS_OF.agents, await linkedSecrets(SECRETS_OF.agents));
  const tokens = agentTokens({ clock, secret: secrets.ENTREPOT_AGENT_TOKEN_KEY, newId: randomUUID });
  const enrol = enrolment({ clock, key: secrets.ENTREPOT_AGENT_KEY, tokens });
  return {
    registry,
    enrol: (key, id, address) => enrol({ key, agent_id: id }, address),
    agentBy: async (token) => (await tokens.read(token))?.id ?? null,
    addressOf: (c) => viewerOf(c.req.header('x-forwarded-for') ?? ''),
  };
}

/**
 * CloudFront adds who called it, and the gateway CloudFront. Who calls the gateway itself can say what he likes, and so keep his wrong keys
 * from being counted together, or have them counted as another's. An agent's pace goes by its line alone.
 */
function viewerOf(forwardedFor: string): string {
  const hops = forwardedFor.split(',').map((hop) => hop.trim());
  return hops.at(-2) ?? hops.at(-1) ?? '';
}
