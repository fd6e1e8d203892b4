/** Addresses that are told what happened here: `/api/v1/webhooks`. */
import * as z from 'zod';
import { DestinationId } from './ids.ts';

export const WebhookId = z
  .string()
  .regex(/^whk_[0-9A-HJKMNP-TV-Z]{26}$/, 'not a webhook id')
  .brand<'WebhookId'>();
export type WebhookId = z.infer<typeof WebhookId>;

export const WebhookEvent = z.enum([
  'transfer.delivered',
  'transfer.failed',
  'transfer.canceled',
  'alert.raised',
  'alert.cleared',
]);
export type WebhookEvent = z.infer<typeof WebhookEvent>;

export const WEBHOOKS_MAX = 16;

const WebhookUrl = z
  .url({ protocol: /^https?$/, error: 'an address begins with https:// (or http:// where that is allowed)' })
  .max(1_000)
  .refine((text) => !hasLogin(text), 'an address has no user name or password in it')
  .refine((text) => !text.includes('#'), 'an address has no # part');

const Events = z.array(WebhookEvent).min(1).max(WebhookEvent.options.length);
/** Transfers to these alone; none named: to all. Alerts are of the home, and always told. */
const OfDestinations = z.array(DestinationId).max(32);

export const CreateWebhook = z.object({
  url: WebhookUrl,
  events: Events.default([...WebhookEvent.options]),
  destinations: OfDestinations.default([]),
});
export type CreateWebhook = z.input<typeof CreateWebhook>;

/** What is absent stays. Any change lets a webhook that was stopped or is failing begin again, where it stopped. */
export const UpdateWebhook = z.object({
  url: WebhookUrl.optional(),
  events: Events.optional(),
  destinations: OfDestinations.optional(),
  enabled: z.boolean().optional(),
});
export type UpdateWebhook = z.infer<typeof UpdateWebhook>;

/** One try. `status` is what was answered, `code` why nothing was. */
export const WebhookDelivery = z.object({
  at: z.iso.datetime(),
  eventId: z.string(),
  event: z.string(),
  status: z.int().nullable(),
  code: z.string().nullable(),
  elapsedMs: z.int(),
});
export type WebhookDelivery = z.infer<typeof WebhookDelivery>;

/**
 * `retrying`: the last try was not taken. `paused`: nothing was taken for three days. `gone`: the receiver answered 410. `off`: a person
 * turned it off. The last three are told nothing until they are changed.
 */
export const WebhookStatus = z.enum(['active', 'retrying', 'paused', 'gone', 'off']);
export type WebhookStatus = z.infer<typeof WebhookStatus>;

export const WebhookView = z.object({
  id: WebhookId,
  url: z.string(),
  events: z.array(WebhookEvent),
  destinations: z.array(z.string()),
  enabled: z.boolean(),
  status: WebhookStatus,
  /** Since when nothing was taken. */
  failingSince: z.iso.datetime().nullable(),
  nextTryAt: z.iso.datetime().nullable(),
  last: WebhookDelivery.nullable(),
  createdAt: z.iso.datetime(),
});
export type WebhookView = z.infer<typeof WebhookView>;

export const WebhookList = z.object({ items: z.array(WebhookView) });

/** The only answer that ever has the secret: `whsec_` and base64. */
export const CreatedWebhook = WebhookView.extend({ secret: z.string() });
export type CreatedWebhook = z.infer<typeof CreatedWebhook>;

/** The last 20 tries, the newest first. */
export const WebhookDeliveryList = z.object({ items: z.array(WebhookDelivery) });

export const WebhookTest = z.object({
  ok: z.boolean(),
  status: z.int().nullable(),
  code: z.string().nullable(),
  elapsedMs: z.int(),
});
export type WebhookTest = z.infer<typeof WebhookTest>;

/** As whoever connects reads it: an address has more than one spelling. */
function hasLogin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return `${username}${password}` !== '';
}
