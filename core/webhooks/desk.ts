/** Webhooks as a person governs them. */
import { ulid } from 'ulid';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { SecretBox } from '#core/ports/secret-box.ts';
import type { WebPost } from '#core/ports/web-post.ts';
import { isoTime } from '#core/wire/time.ts';
import {
  type CreatedWebhook,
  type UpdateWebhook,
  type WebhookDelivery,
  type WebhookEvent,
  WebhookId,
  type WebhookTest,
  type WebhookView,
} from '#core/wire/webhook.ts';
import { type Stored, webhookBook } from './book.ts';
import { pingMessage } from './messages.ts';
import { posted, sealContext } from './posting.ts';
import { SECRET_BYTES, secretOf } from './signature.ts';
import { type Delivery, freshState, isTaken, stateFor, stateKey, WebhookState } from './state.ts';

export interface WebhookDesk {
  list(): Promise<readonly WebhookView[]>;
  /** Throws Fault `rejected` `webhook.unknown`, as all below do. */
  get(id: WebhookId): Promise<WebhookView>;
  /** Throws Fault `rejected` `webhook.address_refused`, `webhooks.too_many`. */
  add(wanted: Wanted): Promise<CreatedWebhook>;
  /** Throws Fault `rejected` `webhook.address_refused`, `transient` `webhook.contended`. */
  change(id: WebhookId, change: UpdateWebhook): Promise<WebhookView>;
  remove(id: WebhookId): Promise<WebhookView>;
  /** Posts a `ping` now, whatever the webhook's status is, and leaves that as it is. */
  test(id: WebhookId, signal: AbortSignal): Promise<WebhookTest>;
  deliveries(id: WebhookId): Promise<readonly WebhookDelivery[]>;
}

export interface Wanted {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly destinations: readonly string[];
}

export interface DeskParts {
  readonly cells: Cells;
  readonly box: SecretBox;
  readonly post: WebPost;
  readonly clock: Clock;
  /** Not to be guessed. */
  readonly randomBytes: (count: number) => Uint8Array;
}

export function webhookDesk({ cells, box, post, clock, randomBytes }: DeskParts): WebhookDesk {
  const book = webhookBook(cells);
  const newUlid = () => ulid(clock.now(), () => clock.random());

  async function shown(stored: Stored): Promise<WebhookView> {
    return viewOf(stored, await stateOf(stored), clock.now());
  }

  async function stateOf(stored: Stored): Promise<WebhookState> {
    const cell = await cells.read(stateKey(stored.id));
    // It is gone a moment before the settings are.
    return stateFor(cell === null ? freshState(stored) : WebhookState.parse(cell.value), stored.revision);
  }

  return {
    list: async () => Promise.all((await book.list()).map(shown)),
    get: async (id) => shown(await book.read(id)),

    add: async ({ url, events, destinations }) => {
      post.check(url);
      const id = WebhookId.parse(`whk_${newUlid()}`);
      const secret = secretOf(randomBytes(SECRET_BYTES));
      const stored: Stored = {
        v: 1,
        id,
        url,
        events: [...events],
        destinations: [...destinations],
        enabled: true,
        secret: box.seal(sealContext(id), secret),
        revision: 1,
        createdAt: clock.now(),
      };
      await book.add(stored);
      return { ...(await shown(stored)), secret };
    },

    change: async (id, { url, events, destinations, enabled }) => {
      if (url !== undefined) post.check(url);
      const change = {
        ...(url === undefined ? {} : { url }),
        ...(events === undefined ? {} : { events }),
        ...(destinations === undefined ? {} : { destinations }),
        ...(enabled === undefined ? {} : { enabled }),
      };
      return shown(await book.change(id, change));
    },

    remove: async (id) => {
      const view = await shown(await book.read(id));
      await book.remove(id);
      return view;
    },

    test: async (id, signal) => {
      const stored = await book.read(id);
      const atMs = clock.now();
      const message = pingMessage(id, newUlid(), isoTime(atMs));
      const { status, code } = await posted({ box, post }, stored, { message, atMs }, signal);
      return { ok: isTaken({ status }), status, code, elapsedMs: Math.max(0, clock.now() - atMs) };
    },

    deliveries: async (id) => {
      const { deliveries } = await stateOf(await book.read(id));
      return deliveries.toReversed().map(deliveryView);
    },
  };
}

function viewOf(stored: Stored, state: WebhookState, now: number): WebhookView {
  const { id, url, events, destinations, enabled, createdAt } = stored;
  const { failingSinceMs, retryAtMs, stopped, deliveries } = state;
  const last = deliveries.at(-1);
  const isRetrying = enabled && stopped === null && failingSinceMs !== null;
  return {
    id,
    url,
    events,
    destinations,
    enabled,
    status: !enabled ? 'off' : (stopped ?? (isRetrying ? 'retrying' : 'active')),
    failingSince: failingSinceMs === null ? null : isoTime(failingSinceMs),
    nextTryAt: isRetrying ? isoTime(Math.max(retryAtMs, now)) : null,
    last: last === undefined ? null : deliveryView(last),
    createdAt: isoTime(createdAt),
  };
}

function deliveryView({ atMs, ...delivery }: Delivery): WebhookDelivery {
  return { at: isoTime(atMs), ...delivery };
}
