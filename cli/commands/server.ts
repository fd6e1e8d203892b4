/** The commands about the server and what it knows, as words. */
import { type Command, InvalidArgumentError } from 'commander';
import { DestinationId } from '#core/wire/ids.ts';
import { findBucket, findEventsUrl, findS3Keys, findServer } from '../address.ts';
import { apiClient } from '../client.ts';
import { doctor } from '../doctor.ts';
import { doctorRemote } from '../doctor-remote.ts';
import { parseTarget, type Target } from '../files.ts';
import { listDestinations } from '../list.ts';
import { login } from '../login.ts';
import { printS3Env, printS3Hint } from '../s3.ts';
import type { CommandPorts } from './words.ts';

interface LoginOptions {
  readonly id?: string;
  readonly clientId?: string;
  readonly prefix?: string;
  readonly tid?: string;
  readonly tags?: string;
}

export function serverCommands(program: Command, ports: CommandPorts): void {
  const { terminal, clock, signal, env, cwd, connect, onFailures } = ports;
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

function wantedId(text: string): DestinationId {
  const id = DestinationId.safeParse(text);
  if (id.success) return id.data;
  throw new InvalidArgumentError(`--id: ${id.error.issues[0]?.message ?? 'no name for a destination'}`);
}
