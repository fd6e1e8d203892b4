/** How a receiver knows that it was us: the headers of Standard Webhooks 1.0, with one shared secret. */
import { createHmac } from 'node:crypto';

const SECRET_PREFIX = 'whsec_';
/** Standard Webhooks wants 24 to 64. */
export const SECRET_BYTES = 32;

export function secretOf(bytes: Uint8Array): string {
  return `${SECRET_PREFIX}${Buffer.from(bytes).toString('base64')}`;
}

/** `body` exactly as it is sent. The time is that of this try: receivers refuse what is minutes old. */
export function signatureHeaders(
  { id, body }: { readonly id: string; readonly body: string },
  secret: string,
  atMs: number,
): Readonly<Record<string, string>> {
  const seconds = String(Math.floor(atMs / 1000));
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${signature}` };
}
