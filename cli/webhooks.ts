/** `entrepot webhooks`: who else is told what happens here. */
import type { CreateWebhook, WebhookDelivery, WebhookView } from '#core/wire/webhook.ts';
import type { Client } from './client.ts';
import { each } from './each.ts';
import { fitted, formatMs, printable } from './format.ts';
import { Problem } from './problem.ts';
import { faint, green, type Terminal } from './terminal.ts';

export type WebhookVerb = 'on' | 'off' | 'test' | 'remove';

export async function listWebhooks(client: Client, terminal: Terminal): Promise<void> {
  const { items } = await client.webhooks();
  for (const webhook of items) {
    if (terminal.isInteractive) terminal.print(lineOf(webhook));
    else terminal.tell({ event: 'webhook', ...webhook });
  }
}

export async function addWebhook(client: Client, terminal: Terminal, wanted: CreateWebhook): Promise<void> {
  const webhook = await client.addWebhook(wanted);
  if (!terminal.isInteractive) return terminal.tell({ event: 'webhook', ...webhook });
  terminal.print(`${green('✔')} ${webhook.id}  ${printable(webhook.url)}`);
  terminal.print(webhook.secret);
  terminal.print(faint('This secret is shown once: the receiver checks signatures with it (docs/webhooks.md).'));
}

export async function listDeliveries(client: Client, terminal: Terminal, id: string): Promise<void> {
  const { items } = await client.webhookDeliveries(id);
  for (const delivery of items) {
    if (terminal.isInteractive) terminal.print(`${delivery.at}  ${fitted(delivery.event, 18)} ${answerOf(delivery)}`);
    else terminal.tell({ ...delivery, event: 'delivery', webhookId: id, type: delivery.event });
  }
}

/** Answers how many could not be done. Each is tried, whatever became of those before it. */
export async function turnWebhooks(
  client: Client,
  terminal: Terminal,
  verb: WebhookVerb,
  ids: readonly string[],
): Promise<number> {
  return each(terminal, 'webhookId', ids, (id) => TURNS[verb](client, terminal, id));
}

type Turn = (client: Client, terminal: Terminal, id: string) => Promise<void>;

const TURNS: Readonly<Record<WebhookVerb, Turn>> = {
  on: turned('on'),
  off: turned('off'),

  test: async (client, terminal, id) => {
    const tested = await client.testWebhook(id);
    if (!terminal.isInteractive) terminal.tell({ event: 'tested', webhookId: id, ...tested });
    else if (tested.ok) terminal.print(`${green('✔')} ${id}  ${answerOf(tested)}`);
    if (!tested.ok) throw new Problem(tested.code ?? `http.${tested.status}`, 'the ping was not taken');
  },

  remove: async (client, terminal, id) => {
    const webhook = await client.removeWebhook(id);
    if (terminal.isInteractive) terminal.print(`${green('✔')} ${id}  removed`);
    else terminal.tell({ event: 'webhook', ...webhook, removed: true });
  },
};

function turned(word: 'on' | 'off'): Turn {
  return async (client, terminal, id) => {
    const webhook = await client.turnWebhook(id, word);
    if (terminal.isInteractive) terminal.print(`${green('✔')} ${lineOf(webhook)}`);
    else terminal.tell({ event: 'webhook', ...webhook });
  };
}

function lineOf({ id, url, status, last, events, destinations }: WebhookView): string {
  const only = [...events.map((event) => event.replace('transfer.', '')), ...destinations].join(',');
  const about = last === null ? 'not told anything yet' : `${last.event} ${answerOf(last)}`;
  return `${id} ${fitted(status, 8)} ${printable(url)}  ${faint(`${printable(only)}; ${about}`)}`;
}

function answerOf({ status, code, elapsedMs }: Pick<WebhookDelivery, 'status' | 'code' | 'elapsedMs'>): string {
  return `${status ?? code ?? ''} in ${formatMs(elapsedMs)}`;
}
