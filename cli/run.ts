/** The command line: words to calls, problems to exit codes. */
import { randomUUID } from 'node:crypto';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { Clock } from '#core/ports/clock.ts';
import { DigestAlgorithm } from '#core/wire/digest.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { Status } from '#core/wire/transfer.ts';
import { type Env, findBucket, findEventsUrl, findS3Keys, findServer } from './address.ts';
import { type AgentVerb, listAgents, turnAgents } from './agents.ts';
import { apiClient, type Client, type WishWord } from './client.ts';
import { doctor } from './doctor.ts';
import { doctorRemote } from './doctor-remote.ts';
import { collectFiles, parseTarget, type Target } from './files.ts';
import { listDestinations, listTransfers } from './list.ts';
import { login } from './login.ts';
import { toProblem } from './problem.ts';
import { putFiles } from './put.ts';
import { barReport, jsonReport } from './put-report.ts';
import { printS3Env, printS3Hint } from './s3.ts';
import type { Terminal } from './terminal.ts';
import { watchTransfers } from './watch.ts';
import { wishTransfers } from './wish.ts';

export interface RunPorts {
  readonly env: Env;
  readonly cwd: string;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Aborts when the person wants to stop. */
  readonly signal: AbortSignal;
  readonly version: string;
}

const INTERRUPTED = 130;
const DESTINATIONS_MAX = 8;

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

function commands(ports: RunPorts, onFailures: OnFailures): Command {
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
  putCommand(program, ports, connect, onFailures);
  transferCommands(program, ports, connect, onFailures);
  serverCommands(program, ports, connect, onFailures);
  agentCommands(program, ports, connect, onFailures);
  return program;
}

type OnFailures = (count: number) => void;
type Connect = () => Promise<Client>;

function putCommand(program: Command, { terminal, clock, signal }: RunPorts, connect: Connect, onFailures: OnFailures) {
  program
    .command('put')
    .description('send files; run it again to go on with what was interrupted')
    .argument('<file...>', 'files, and with --recursive folders')
    .requiredOption('--to <destination[/path]>', 'where to, up to 8 times', collectTargets)
    .option('--watch', 'wait until everything has arrived')
    .option('--recursive', 'send folders with what is in them')
    .option('--again', 'send it again even if it was delivered before')
    .option('--digest <algorithm>', 'compute it first: a destination that knows the file needs no bytes', digests)
    .action(async (paths: string[], given: PutFlags) => {
      const jobs = await collectFiles(paths, given.to, given.recursive ? 'recursive' : 'refused');
      const client = await connect();
      const until = given.watch ? 'delivered' : 'staged';
      const report = terminal.isInteractive ? barReport(terminal, clock, until) : jsonReport(terminal);
      const options = { until, digests: given.digest ?? [], again: given.again ? randomUUID() : '' } as const;
      onFailures(await putFiles({ client, clock, report, signal }, jobs, options));
    });
}

function transferCommands(program: Command, ports: RunPorts, connect: Connect, onFailures: OnFailures) {
  const { terminal, clock, signal } = ports;
  program
    .command('ls')
    .description('list transfers: those under way first, then the newest')
    .addOption(new Option('--status <status>', 'only these').choices(Status.options))
    .option('--to <destination>', 'only to this destination')
    .option('--limit <count>', 'at most so many', count, 50)
    .action(async ({ status, to, limit }: { status?: Status; to?: string; limit: number }) => {
      await listTransfers(await connect(), terminal, { status, destinationId: to, limit });
    });

  program
    .command('watch')
    .description('follow transfers until they end, or everything until you stop it')
    .argument('[transfer...]')
    .action(async (ids: string[]) => {
      onFailures(await watchTransfers({ client: await connect(), clock, terminal, signal }, ids));
    });

  for (const [word, about] of Object.entries(WISHES)) {
    program
      .command(word)
      .description(about)
      .argument('<transfer...>')
      .action(async (ids: string[]) => {
        // A key of WISHES, which Object.entries forgets.
        onFailures(await wishTransfers(await connect(), terminal, word as WishWord, ids));
      });
  }
}

function serverCommands(program: Command, ports: RunPorts, connect: Connect, onFailures: OnFailures) {
  const { terminal, clock, signal, env, cwd } = ports;
  program
    .command('destinations')
    .description('list where files can go')
    .action(async () => listDestinations(await connect(), terminal));

  program
    .command('login')
    .description('log in with the app of a service, by a code on this screen; again where the login has ended')
    .argument('<service>', 'pan115 or bilibili')
    .option('--id <destination>', 'its name; that of the service unless told')
    .option('--client-id <id>', 'of your application at open.115.com; or ENTREPOT_PAN115_CLIENT_ID')
    .option('--prefix <folder>', 'of pan115: below which files go')
    .option('--tid <number>', 'of a first login to bilibili: the partition of its videos')
    .option('--tags <list>', 'of a first login to bilibili: their tags, with commas between them')
    .action(async (provider: string, { id, clientId, ...more }: LoginOptions) => {
      const appId = clientId ?? (env['ENTREPOT_PAN115_CLIENT_ID'] || undefined);
      const given = { ...(provider === 'pan115' ? { clientId: appId } : {}), ...more };
      const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
      const wanted = { provider, settings, ...(id === undefined ? {} : { destinationId: wantedId(id) }) };
      await login({ client: await connect(), clock, terminal, signal }, wanted);
    });

  program
    .command('doctor')
    .description('try everything on the way of a file, and say how long it took')
    .option('--remote <url>', 'a server elsewhere, hop by hop; its token is in ENTREPOT_TOKEN or in the url')
    .option('--to <destination[/path]>', 'with --remote: where the file goes', parseTarget)
    .action(async ({ remote, to }: { remote?: string; to?: Target }) => {
      if (remote === undefined) {
        return onFailures(await doctor({ client: await connect(), clock, terminal, signal }));
      }
      const address = await findServer({ ...env, ENTREPOT_URL: remote }, cwd);
      const client = apiClient({ address, clock, signal });
      onFailures(await doctorRemote({ client, clock, terminal, signal, target: to }));
    });

  program
    .command('s3')
    .description('how an S3 client reaches the bucket')
    .option('--env', 'print the keys as KEY=value lines')
    .option('--events-url', 'print where a store of your own may push its events; whoever has it may do so')
    .action(async ({ env: isEnv, eventsUrl }: { env?: boolean; eventsUrl?: boolean }) => {
      if (eventsUrl) return terminal.print(await findEventsUrl(env, cwd));
      if (isEnv) printS3Env(terminal, await findS3Keys(env, cwd));
      else printS3Hint(terminal, await findBucket(env, cwd));
    });
}

interface LoginOptions {
  readonly id?: string;
  readonly clientId?: string;
  readonly prefix?: string;
  readonly tid?: string;
  readonly tags?: string;
}

function agentCommands(program: Command, { terminal, clock }: RunPorts, connect: Connect, onFailures: OnFailures) {
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

interface PutFlags {
  readonly to: readonly Target[];
  readonly watch?: boolean;
  readonly recursive?: boolean;
  readonly again?: boolean;
  readonly digest?: readonly DigestAlgorithm[];
}

const WISHES: Readonly<Record<WishWord, string>> = {
  pause: 'let transfers rest',
  resume: 'go on with paused transfers',
  cancel: 'give transfers up for good',
  retry: 'try failed transfers again',
};

const AGENT_VERBS: Readonly<Record<AgentVerb, string>> = {
  revoke: 'end their connections, and refuse them until they are restored',
  restore: 'let revoked agents come again',
  forget: 'drop what is known of agents that are away',
};

const HELP = `
Finds the server in ENTREPOT_DATA (.entrepot), or by ENTREPOT_URL and ENTREPOT_TOKEN.
On a terminal it draws bars; piped, it prints JSON lines.
Exit codes: 0 all done, 1 something failed, 2 not understood or no server, 130 interrupted.`;

function collectTargets(text: string, before: readonly Target[] = []): readonly Target[] {
  if (before.length >= DESTINATIONS_MAX) throw new InvalidArgumentError(`at most ${DESTINATIONS_MAX} destinations`);
  return [...before, parseTarget(text)];
}

function digests(text: string, before: readonly DigestAlgorithm[] = []): readonly DigestAlgorithm[] {
  const algorithm = DigestAlgorithm.safeParse(text);
  if (algorithm.success) return [...new Set([...before, algorithm.data])];
  throw new InvalidArgumentError(`one of ${DigestAlgorithm.options.join(', ')}`);
}

function wantedId(text: string): DestinationId {
  const id = DestinationId.safeParse(text);
  if (id.success) return id.data;
  throw new InvalidArgumentError(`--id: ${id.error.issues[0]?.message ?? 'no name for a destination'}`);
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('a whole number from 1');
}
