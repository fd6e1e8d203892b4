/** What both ways to post have in common. */
import { Fault } from '#core/fault.ts';

export const POST_MS = 10_000;
export const USER_AGENT = 'Entrepot-Webhooks/1';

const RETRY_AFTER_MAX_SECONDS = 24 * 60 * 60;

export function addressRefused(): Fault {
  return new Fault('rejected', 'webhook.address_refused', 'this home does not post to such an address');
}

/** Dates are passed over: our own waits are good enough for those. */
export function retryAfterMs(header: string | null | undefined): number | null {
  const seconds = /^\d{1,6}$/.test(header ?? '') ? Number(header) : null;
  return seconds === null ? null : Math.min(seconds, RETRY_AFTER_MAX_SECONDS) * 1000;
}
