/** What an agent is told: by flags, else by its environment. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { withSecretFiles } from '#adapters/system/secret-files.ts';
import { DEFAULT_PORT, isLoopback } from '#clients/agents/interface.ts';
import type { ProviderKind } from '#core/ports/connection.ts';
import { AgentFacts } from '#core/wire/agent.ts';
import type { HomeAddress } from './home-line.ts';

export interface AgentConfig {
  readonly home: HomeAddress;
  readonly key: string;
  readonly facts: AgentFacts;
  /** Of the providers in the facts. */
  readonly kinds: readonly ProviderKind[];
  /** Where it notes when the home last answered; null: nowhere. */
  readonly aliveFile: string | null;
  readonly logLevel: 'info' | 'error';
}

export const HELP = `An agent of Entrepot: runs deliveries from this machine's address, for the home that it dials.
It listens on no port and keeps nothing on disk.

  npm run agent -- --server-url https://home.example:12382 --agent-id home-1

  flag                 variable         what
  --server-url URL     SERVER_URL       the home, port ${DEFAULT_PORT} unless told. http:// only on this machine, or with --insecure
  --agent-id ID        AGENT_ID         a-z, 0-9, - and _; the same after each start, another one for each agent
  --agent-name TEXT    AGENT_NAME       for people; the id unless told
  --token KEY          AGENT_TOKEN      the pre-shared key of the home. Better as AGENT_TOKEN_FILE: flags are seen by all
  --max-concurrent N   MAX_CONCURRENT   files at once, 2 unless told
  --bandwidth MBPS     BANDWIDTH        of the line upwards, 100 unless told: weighs the choice among agents
  --tag K=V            AGENT_TAGS       as region=cn-south; the flag repeats, the variable has commas between
  --provider ID        AGENT_PROVIDERS  what it runs, likewise. Unless told: all that go over the network
  --ca-file PATH       SERVER_CA        certificate that the home's was signed with, in PEM, if it is not a known one
  --insecure           AGENT_INSECURE=1 http:// also to other machines: key and credentials travel in clear text
  --alive-file PATH    AGENT_ALIVE_FILE where to note when the home last answered, for a health check (best in /dev/shm)
  --log LEVEL          AGENT_LOG        info or error
  --help

--provider folder lets destinations of kind folder deliver into folders of this machine.
`;

/** The agent's own code. */
export interface About {
  /** All there are, and those that are offered where none is named. */
  readonly kinds: readonly ProviderKind[];
  readonly usualKinds: readonly ProviderKind[];
  readonly version: string;
}

/** Throws an Error that names what is wrong and quotes no secret. Null: help is wanted. */
export function readConfig(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  about: About,
): AgentConfig | null {
  const { values } = parseArgs({ args: [...args], options: FLAGS });
  if (values.help) return null;
  const variables = withSecretFiles(environment);
  const given = Object.entries(SOURCES).flatMap(([name, [flag, variable]]) => {
    const value = values[flag] ?? (variables[variable] || undefined);
    return value === undefined ? [] : [[name, value] as const];
  });
  const parsed = Told.safeParse(Object.fromEntries(given));
  if (!parsed.success) throw new Error(parsed.error.issues.map(complaint).join('; '));
  const told = parsed.data;
  const kinds = offered(told.providers, about);
  return {
    home: homeOf(told),
    key: told.token,
    facts: AgentFacts.parse({
      id: told.id,
      name: told.name ?? told.id,
      version: about.version,
      providers: kinds.map(({ id }) => id),
      filesMax: told.filesMax,
      bandwidthMbps: told.bandwidth,
      tags: Object.fromEntries(told.tags),
    }),
    kinds,
    aliveFile: told.aliveFile ?? null,
    logLevel: told.log,
  };
}

const FLAGS = {
  'server-url': { type: 'string' },
  'agent-id': { type: 'string' },
  'agent-name': { type: 'string' },
  token: { type: 'string' },
  'max-concurrent': { type: 'string' },
  bandwidth: { type: 'string' },
  tag: { type: 'string', multiple: true },
  provider: { type: 'string', multiple: true },
  'ca-file': { type: 'string' },
  insecure: { type: 'boolean' },
  'alive-file': { type: 'string' },
  log: { type: 'string' },
  help: { type: 'boolean' },
} as const;

const SOURCES: Readonly<Record<keyof z.input<typeof Told>, readonly [keyof typeof FLAGS, string]>> = {
  url: ['server-url', 'SERVER_URL'],
  id: ['agent-id', 'AGENT_ID'],
  name: ['agent-name', 'AGENT_NAME'],
  token: ['token', 'AGENT_TOKEN'],
  filesMax: ['max-concurrent', 'MAX_CONCURRENT'],
  bandwidth: ['bandwidth', 'BANDWIDTH'],
  tags: ['tag', 'AGENT_TAGS'],
  providers: ['provider', 'AGENT_PROVIDERS'],
  authorityFile: ['ca-file', 'SERVER_CA'],
  insecure: ['insecure', 'AGENT_INSECURE'],
  aliveFile: ['alive-file', 'AGENT_ALIVE_FILE'],
  log: ['log', 'AGENT_LOG'],
};

const words = z
  .union([z.array(z.string()), z.string().transform((text) => text.split(','))])
  .transform((all) => all.map((word) => word.trim()).filter((word) => word !== ''));

const { shape } = AgentFacts;

const Told = z.object({
  url: z.url({ protocol: /^https?$/, error: 'is like https://home.example:12382' }),
  id: shape.id,
  name: shape.name.optional(),
  token: z.string().min(16, 'has at least 16 characters'),
  filesMax: z.coerce.number().pipe(shape.filesMax).default(2),
  bandwidth: z.coerce.number().pipe(shape.bandwidthMbps).default(100),
  tags: words
    .transform((all) => all.map((word) => /^([^=]+)=(.*)$/.exec(word)?.slice(1) ?? []))
    .pipe(z.array(z.tuple([z.string().max(32), z.string().max(64)], 'is like region=cn-south')).max(16))
    .default([]),
  providers: words.optional(),
  authorityFile: z.string().optional(),
  insecure: z.union([z.boolean(), z.literal('1').transform(() => true)]).default(false),
  aliveFile: z.string().optional(),
  log: z.enum(['info', 'error']).default('info'),
});

function offered(named: readonly string[] | undefined, { kinds, usualKinds }: About): readonly ProviderKind[] {
  if (named === undefined) return usualKinds;
  return named.map((name) => {
    const kind = kinds.find(({ id }) => id === name);
    if (kind !== undefined) return kind;
    throw new Error(`AGENT_PROVIDERS: ${name} is none of ${kinds.map(({ id }) => id).join(', ')}`);
  });
}

function homeOf({ url, authorityFile, insecure }: z.infer<typeof Told>): HomeAddress {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname;
  // A URL leaves out the port that is usual for its scheme.
  const isBare = !/:\d+\/*$/.test(url);
  const standard = protocol === 'https:' ? 443 : 80;
  const at = { host, port: port === '' ? (isBare ? DEFAULT_PORT : standard) : Number(port) };
  if (protocol === 'http:') {
    if (insecure || isLoopback(hostname)) return { ...at, security: 'plain' };
    throw new Error(
      `SERVER_URL: the key and all credentials would travel to ${hostname} in clear text: use https://, or say --insecure`,
    );
  }
  if (authorityFile === undefined) return { ...at, security: 'tls' };
  return { ...at, security: { authority: readAuthority(authorityFile) } };
}

function readAuthority(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Error(`SERVER_CA: the file cannot be read (${code})`, { cause: error });
  }
}

function complaint({ path, message }: { readonly path: readonly PropertyKey[]; readonly message: string }): string {
  const source = Object.entries(SOURCES).find(([name]) => name === path[0])?.[1];
  return source === undefined ? message : `${source[1]} (--${source[0]}): ${message}`;
}
