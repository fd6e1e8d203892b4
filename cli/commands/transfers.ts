/** The commands about transfers, as words. */
import { type Command, Option } from 'commander';
import { Status } from '#core/wire/transfer.ts';
import type { WishWord } from '../client.ts';
import { listTransfers } from '../list.ts';
import { watchTransfers } from '../watch.ts';
import { wishTransfers } from '../wish.ts';
import { type CommandPorts, whole } from './words.ts';

const WISHES: Readonly<Record<WishWord, string>> = {
  pause: 'let transfers rest',
  resume: 'go on with paused transfers',
  cancel: 'give transfers up for good',
  retry: 'try failed transfers again',
};

export function transferCommands(program: Command, ports: CommandPorts): void {
  const { terminal, clock, signal, connect, onFailures } = ports;
  program
    .command('ls')
    .description('list transfers: those under way first, then the newest')
    .addOption(new Option('--status <status>', 'only these').choices(Status.options))
    .option('--to <destination>', 'only to this destination')
    .option('--limit <count>', 'at most so many', whole, 50)
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
