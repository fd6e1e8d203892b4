/** `entrepot webhooks`, as words. */
import type { Command } from 'commander';
import { CreateWebhook } from '#core/wire/webhook.ts';
import { usage } from '../problem.ts';
import { addWebhook, listDeliveries, listWebhooks, turnWebhooks } from '../webhooks.ts';
import { type CommandPorts, several } from './words.ts';

interface AddFlags {
  readonly event?: readonly string[];
  readonly to?: readonly string[];
}

export function webhookCommands(program: Command, { terminal, connect, onFailures }: CommandPorts): void {
  const webhooks = program.command('webhooks').description('addresses that are told what happens here');
  webhooks
    .command('ls', { isDefault: true })
    .description('list them, with how they fare')
    .action(async () => listWebhooks(await connect(), terminal));

  webhooks
    .command('add')
    .description('add one; its secret is shown this once')
    .argument('<url>', 'https://…')
    .option('--event <event>', 'only this one, as transfer.failed; several times', several(String))
    .option('--to <destination>', 'only transfers to this one, several times', several(String))
    .action(async (url: string, flags: AddFlags) => addWebhook(await connect(), terminal, wantedOf(url, flags)));

  webhooks
    .command('test')
    .description('post a ping now, and say what came back')
    .argument('<webhook...>')
    .action(async (ids: string[]) => onFailures(await turnWebhooks(await connect(), terminal, 'test', ids)));

  webhooks
    .command('log')
    .description('the last 20 tries')
    .argument('<webhook>')
    .action(async (id: string) => listDeliveries(await connect(), terminal, id));

  for (const word of ['on', 'off'] as const) {
    webhooks
      .command(word)
      .description(word === 'on' ? 'begin again where it stopped' : 'tell them nothing until they are on again')
      .argument('<webhook...>')
      .action(async (ids: string[]) => onFailures(await turnWebhooks(await connect(), terminal, word, ids)));
  }

  webhooks
    .command('remove')
    .description('tell them nothing any more')
    .argument('<webhook...>')
    .action(async (ids: string[]) => onFailures(await turnWebhooks(await connect(), terminal, 'remove', ids)));
}

function wantedOf(url: string, { event, to }: AddFlags): CreateWebhook {
  const parsed = CreateWebhook.safeParse({ url, events: event, destinations: to });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw usage(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a webhook'}`);
}
