/** Secrets that are linked to a function by SST: encrypted in its zip, and read here alone. */
import * as z from 'zod';
import type { SecretName } from './env.ts';

/** What each is called where the home is deployed. */
export const LINKS: Readonly<Record<SecretName, string>> = {
  ENTREPOT_TOKEN: 'AdminToken',
  ENTREPOT_SEAL_KEY: 'SealKey',
  ENTREPOT_PROGRESS_KEY: 'ProgressKey',
  ENTREPOT_TICKET_KEY: 'TicketKey',
  ENTREPOT_CAPABILITY_KEY: 'CapabilityKey',
  ENTREPOT_AGENT_KEY: 'AgentKey',
  ENTREPOT_AGENT_TOKEN_KEY: 'AgentTokenKey',
};

const Linked = z.object({ value: z.string() });

/** Those that are named, as they are linked. Throws an Error that says which link is missing. */
export async function linkedSecrets<Name extends SecretName>(names: readonly Name[]): Promise<Record<string, string>> {
  // It reads the environment once and keeps what it found, a failure too: not before it is needed.
  const { Resource } = await import('sst/resource');
  return Object.fromEntries(
    names.map((name) => {
      const linked = Linked.safeParse(Reflect.get(Resource, LINKS[name]));
      if (!linked.success) throw new Error(`${name}: ${LINKS[name]} is not linked to this function as a secret`);
      return [name, linked.data.value];
    }),
  );
}
