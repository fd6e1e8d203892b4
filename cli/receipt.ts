/** `entrepot receipt` and `entrepot receipt-key`: what the home puts down in writing, to be kept. */
import { writeFile } from 'node:fs/promises';
import type { Client } from './client.ts';
import { openReceipt } from './signed-receipt.ts';
import { green, type Terminal } from './terminal.ts';

/** Written as the home told it, to `path` or else to standard output. A receipt that does not fit itself is refused. */
export async function saveReceipt(client: Client, terminal: Terminal, id: string, path?: string): Promise<void> {
  const text = JSON.stringify(await client.receipt(id), null, 2);
  const { home } = openReceipt(text);
  await save(terminal, text, path, `${id}  signed by home ${home}`);
}

/** The public key of the home that is asked now: whoever has it can check receipts when the home is gone. */
export async function saveReceiptKey(client: Client, terminal: Terminal, path?: string): Promise<void> {
  const keys = await client.receiptKeys();
  const fingerprints = keys.keys.map(({ kid }) => kid).join(', ');
  await save(terminal, JSON.stringify(keys, null, 2), path, `home ${fingerprints}`);
}

async function save(terminal: Terminal, text: string, path: string | undefined, what: string): Promise<void> {
  if (path === undefined) return terminal.print(text);
  await writeFile(path, `${text}\n`);
  if (terminal.isInteractive) terminal.print(`${green('✔')} ${path}  ${what}`);
  else terminal.tell({ event: 'saved', path, what });
}
