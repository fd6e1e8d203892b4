/** What is told, in the words of the API: `{ type, timestamp, data }`. */
import type { Alert } from '#core/wire/alert.ts';
import type { TransferView } from '#core/wire/transfer.ts';
import type { WebhookEvent, WebhookId } from '#core/wire/webhook.ts';

export interface Message {
  /** The same for each try, and for each time that it is told again: receivers drop repeats by it. */
  readonly id: string;
  readonly type: WebhookEvent | 'ping';
  /** JSON, far below 64 KiB. */
  readonly body: string;
}

/** Null: it has not ended. An attempt ends once, so its number makes the id. */
export function transferMessage(view: TransferView): Message | null {
  const type = TYPES[view.phase];
  if (type === undefined || view.endedAt === null) return null;
  return message(`evt_${bare(view.id)}_${view.attempt}`, type, view.endedAt, view);
}

export function alertMessage(alert: Alert): Message {
  const { id, raisedAt, endedAt } = alert;
  return endedAt === null
    ? message(`evt_${bare(id)}_raised`, 'alert.raised', raisedAt, alert)
    : message(`evt_${bare(id)}_cleared`, 'alert.cleared', endedAt, alert);
}

/** `nonce` tells one ping from another. */
export function pingMessage(webhookId: WebhookId, nonce: string, at: string): Message {
  return message(`evt_${nonce}_ping`, 'ping', at, { webhookId });
}

const TYPES: Readonly<Partial<Record<TransferView['phase'], WebhookEvent>>> = {
  done: 'transfer.delivered',
  failed: 'transfer.failed',
  canceled: 'transfer.canceled',
};

function message(id: string, type: Message['type'], timestamp: string, data: object): Message {
  return { id, type, body: JSON.stringify({ type, timestamp, data }) };
}

/** Without what says of which kind the id is. */
function bare(id: string): string {
  return id.replace(/^[a-z]+_/, '');
}
