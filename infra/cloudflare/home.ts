/** The whole way from an empty account to a home that answers, in steps that may each be done already. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { wranglerConfig } from './config.ts';
import { insist, runWrangler, type Wrangler } from './run-wrangler.ts';
import { type Given, knownSecrets, missingSecrets } from './secrets.ts';
import { stageParts } from './stage-parts.ts';

export interface DeployOptions {
  /** The program `wrangler` and its first arguments. */
  readonly command: readonly string[];
  readonly given: Given;
  /** Secrets to be made anew although there are some. */
  readonly anew: readonly string[];
}

export interface Deployed {
  readonly url: string;
  /** Null: it is as it was, and nobody can read it. */
  readonly token: string | null;
}

const Who = z.object({ loggedIn: z.boolean(), accounts: z.array(z.object({ id: z.string() })).default([]) });
const Deployment = z.object({ type: z.literal('deploy'), targets: z.array(z.string()).min(1) });

/** Throws an Error that says what is missing or what wrangler complained of; to be called again after that. */
export async function deployHome({ command, given, anew }: DeployOptions): Promise<Deployed> {
  const config = wranglerConfig();
  const scratch = await mkdtemp(join(tmpdir(), 'entrepot-deploy-'));
  const told = join(scratch, 'told.ndjson');
  try {
    const anybody = runWrangler(command, {});
    const account = given['CLOUDFLARE_ACCOUNT_ID'] || (await onlyAccount(anybody));
    const wrangler = runWrangler(command, { CLOUDFLARE_ACCOUNT_ID: account, WRANGLER_OUTPUT_FILE_PATH: told });
    const secrets = missingSecrets(await knownSecrets(wrangler, config.name), given, anew);
    await stageParts(wrangler, config, scratch);
    const secretsFile = join(scratch, 'secrets.json');
    await writeFile(secretsFile, JSON.stringify(secrets), { mode: 0o600 });
    const endpoint = `ENTREPOT_R2_ENDPOINT:https://${account}.r2.cloudflarestorage.com`;
    await insist(wrangler, ['deploy', '--var', endpoint, '--secrets-file', secretsFile]);
    return { url: urlIn(await readFile(told, 'utf8')), token: secrets['ENTREPOT_TOKEN'] ?? null };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function onlyAccount(wrangler: Wrangler): Promise<string> {
  const said = await wrangler(['whoami', '--json']);
  const who = said.answer.trim() === '' ? null : Who.parse(JSON.parse(said.answer));
  if (who === null || !who.loggedIn) {
    throw new Error('Cloudflare does not know you: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN');
  }
  const [account, ...others] = who.accounts;
  if (account === undefined || others.length > 0) {
    throw new Error('you have several accounts, or none that can be seen: set CLOUDFLARE_ACCOUNT_ID');
  }
  return account.id;
}

/** Of a line each, the last deployment's first address. */
function urlIn(lines: string): string {
  const deployments = lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Deployment.safeParse(JSON.parse(line)).data)
    .filter((found) => found !== undefined);
  const target = deployments.at(-1)?.targets[0];
  if (target === undefined) throw new Error('it is deployed, but wrangler does not say where');
  return target.startsWith('http') ? target : `https://${target}`;
}
