/** `entrepot links`: addresses by which other people hand in files. */
import type { CreateLink, LinkView } from '#core/wire/link.ts';
import type { Client } from './client.ts';
import { each } from './each.ts';
import { fitted, formatBytes, printable } from './format.ts';
import { faint, green, type Terminal } from './terminal.ts';

/** The address is printed alone on its line: it is told this once. */
export async function addLink(client: Client, terminal: Terminal, wanted: CreateLink): Promise<void> {
  const added = await client.addLink(wanted);
  const { link } = added;
  // As we reach the server, which may not know of the proxy before it.
  const url = `${client.address.url}/${new URL(added.url).hash}`;
  if (!terminal.isInteractive) return terminal.tell({ event: 'link', ...link, url });
  terminal.print(`${green('✔')} ${printable(link.name)}  ${faint(`${link.id}, until ${link.expiresAt.slice(0, 10)}`)}`);
  terminal.print(url);
  terminal.print(faint('Whoever has this address may hand in files. It is not shown again.'));
}

export async function listLinks(client: Client, terminal: Terminal): Promise<void> {
  for (const link of (await client.links()).items) {
    if (terminal.isInteractive) terminal.print(lineOf(link));
    else terminal.tell({ event: 'link', ...link });
  }
}

/** Answers how many could not be revoked. Each is tried, whatever became of those before it. */
export async function revokeLinks(client: Client, terminal: Terminal, ids: readonly string[]): Promise<number> {
  return each(terminal, 'linkId', ids, async (id) => {
    const link = await client.revokeLink(id);
    if (terminal.isInteractive) terminal.print(`${green('✔')} ${id}  ${link.state}`);
    else terminal.tell({ event: 'link', ...link });
  });
}

function lineOf(link: LinkView): string {
  const { id, state, name, destinations, filesUsed, filesMax, bytesUsed, bytesMax, expiresAt } = link;
  const files = `${filesUsed}${filesMax === null ? '' : `/${filesMax}`} files`;
  const bytes = `${formatBytes(bytesUsed)}${bytesMax === null ? '' : `/${formatBytes(bytesMax)}`}`;
  const places = destinations.map(({ id: place, path }) => `${place}:${path}`).join(' ');
  return `${id}  ${fitted(state, 8)} ${fitted(files, 12)} ${fitted(bytes, 18)} ${expiresAt.slice(0, 10)}  ${printable(name)}${faint(`  ${printable(places)}`)}`;
}
