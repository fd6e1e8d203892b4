/** The Worker's secrets: those that we make, once, and the keys of R2, which a person makes. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { Wrangler } from './run-wrangler.ts';

export type Given = Readonly<Record<string, string | undefined>>;

const Listed = z.array(z.object({ name: z.string() }));

/** Of each: 32 bytes. The seal key seals the credentials of destinations: another one would make them unreadable. */
const MADE: Readonly<Record<string, () => string>> = {
  ENTREPOT_TOKEN: () => randomBytes(32).toString('base64url'),
  ENTREPOT_SEAL_KEY: () => randomBytes(32).toString('base64'),
  ENTREPOT_TICKET_KEY: () => randomBytes(32).toString('base64url'),
  ENTREPOT_CAPABILITY_KEY: () => randomBytes(32).toString('base64url'),
};
const R2_KEYS = ['ENTREPOT_R2_ACCESS_KEY_ID', 'ENTREPOT_R2_SECRET_ACCESS_KEY'];

/** Names of those that the deployed Worker has; none when there is no Worker yet. Throws when that cannot be known. */
export async function knownSecrets(wrangler: Wrangler, worker: string): Promise<ReadonlySet<string>> {
  const said = await wrangler(['secret', 'list', '--format', 'json']);
  if (said.isOk) return new Set(Listed.parse(JSON.parse(said.answer)).map(({ name }) => name));
  // Any other failure must not be taken for a home without a seal key.
  if (said.text.includes(`Worker "${worker}" not found`)) return new Set();
  throw new Error(`wrangler secret list\n${said.text.trim()}`);
}

/** What is still to be put. Keys of R2 that are given take the place of those before. Throws when they are needed and not given. */
export function missingSecrets(
  known: ReadonlySet<string>,
  given: Given,
  anew: readonly string[],
): Record<string, string> {
  const made = Object.entries(MADE)
    .filter(([name]) => !known.has(name) || anew.includes(name))
    .map(([name, make]) => [name, make()] as const);
  const keys = R2_KEYS.flatMap((name) => {
    const value = given[name];
    if (value !== undefined && value !== '') return [[name, value] as const];
    if (known.has(name)) return [];
    throw new Error(
      `${name} is not set: make an R2 token that may read and write objects (Cloudflare, R2, Manage API tokens), ` +
        `and give its two keys as ${R2_KEYS.join(' and ')}`,
    );
  });
  return Object.fromEntries([...made, ...keys]);
}
