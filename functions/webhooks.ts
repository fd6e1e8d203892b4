/** What tells other systems, put together: the same in each home but for the way to post. */
import { randomBytes } from 'node:crypto';
import type { SealKey } from '#adapters/vault/seal.ts';
import { sealedBox } from '#adapters/vault/sealed-box.ts';
import type { WebPost } from '#core/ports/web-post.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { alertBook } from '#core/watch/alert-book.ts';
import { type WebhookDesk, webhookDesk } from '#core/webhooks/desk.ts';
import { type Pump, webhookPump } from '#core/webhooks/pump.ts';

export interface WebhookParts {
  readonly engine: Engine;
  readonly key: SealKey;
  readonly post: WebPost;
}

/** For the API. */
export function composeDesk({ engine, key, post }: WebhookParts): WebhookDesk {
  return webhookDesk({ ...engine, box: sealedBox(key), post, randomBytes });
}

/** For whatever runs now and then. */
export function composePump({ engine, key, post, ownerId }: WebhookParts & { readonly ownerId: string }): Pump {
  return webhookPump({ ...engine, ownerId, alerts: alertBook(engine), box: sealedBox(key), post });
}

export interface Webhooks {
  readonly desk: WebhookDesk;
  readonly pump: Pump;
}

/** For a process that does both. */
export function composeWebhooks(parts: WebhookParts & { readonly ownerId: string }): Webhooks {
  return { desk: composeDesk(parts), pump: composePump(parts) };
}
