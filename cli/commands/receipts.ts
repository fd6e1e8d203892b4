/** The commands about receipts, as words. */
import type { Command } from 'commander';
import { saveReceipt, saveReceiptKey } from '../receipt.ts';
import { verifyReceipt } from '../verify.ts';
import { type CommandPorts, several } from './words.ts';

export function receiptCommands(program: Command, ports: CommandPorts): void {
  const { terminal, env, connect, onFailures } = ports;
  program
    .command('receipt')
    .description('get the signed receipt of a transfer that was delivered')
    .argument('<transfer>')
    .option('-o, --output <file>', 'where to; standard output unless told')
    .action(async (id: string, { output }: Output) => saveReceipt(await connect(), terminal, id, output));

  program
    .command('receipt-key')
    .description('get the public key that receipts of this home are checked by: keep it, and give it to whoever checks')
    .option('-o, --output <file>', 'where to; standard output unless told')
    .action(async ({ output }: Output) => saveReceiptKey(await connect(), terminal, output));

  program
    .command('verify')
    .description('check a receipt, and the file that it is of; asks no server')
    .argument('<receipt>', 'a file that "entrepot receipt" or the page saved')
    .argument('[file]', 'is it the one that was delivered?')
    .option(
      '--key <file or fingerprint>',
      'of a home that you trust, several times; or ENTREPOT_RECEIPT_KEY',
      several(String),
    )
    .action(async (receiptPath: string, filePath: string | undefined, { key }: { key?: readonly string[] }) => {
      const fromEnv = env['ENTREPOT_RECEIPT_KEY'];
      const keys = key ?? (fromEnv ? [fromEnv] : []);
      onFailures(await verifyReceipt(ports, { receiptPath, filePath, keys }));
    });
}

interface Output {
  readonly output?: string;
}
