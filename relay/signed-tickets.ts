/** Tickets that carry their own proof: whoever has the key issues them, and the relay that has it lets them in. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { parseJson } from './codec.ts';
import { type Once, onceHere } from './once.ts';
import { TICKET_TTL_MS, type TicketOffice, type TicketPorts } from './tickets.ts';

export interface SignedTicketPorts extends TicketPorts {
  readonly secret: string;
  /** Who remembers what was redeemed; by default this process alone. */
  readonly once?: Once;
}

/** Owner, epoch milliseconds of its end, nonce. */
const Content = z.tuple([z.string().min(1).max(128), z.int(), z.string()]);

const NONCE_BYTES = 12;

/** Single use is as good as `once`: who remembers alone does not know what another relay has let in within the 30 s. */
export function signedTicketOffice(ports: SignedTicketPorts): TicketOffice {
  const { clock, randomBytes, secret, once = onceHere(clock) } = ports;
  return {
    issue: (ownerId) => {
      const expiresAtMs = clock.now() + TICKET_TTL_MS;
      const nonce = Buffer.from(randomBytes(NONCE_BYTES)).toString('base64url');
      const content = Buffer.from(JSON.stringify([ownerId, expiresAtMs, nonce])).toString('base64url');
      return { ticket: `${content}.${signatureOf(secret, content)}`, expiresAtMs };
    },
    redeem: async (ticket) => {
      const [content = '', signature = '', ...rest] = ticket.split('.', 3);
      if (rest.length > 0 || !isSignedBy(secret, content, signature)) return null;
      const parsed = Content.safeParse(parseJson(Buffer.from(content, 'base64url').toString()));
      if (!parsed.success) return null;
      const [ownerId, expiresAtMs, nonce] = parsed.data;
      return expiresAtMs > clock.now() && (await once(`ticket:${nonce}`, expiresAtMs)) ? ownerId : null;
    },
  };
}

function signatureOf(secret: string, content: string): string {
  return createHmac('sha256', secret).update(`entrepot-ticket-v1\n${content}`).digest('base64url');
}

/** Compares in constant time. */
function isSignedBy(secret: string, content: string, signature: string): boolean {
  const expected = Buffer.from(signatureOf(secret, content), 'latin1');
  const given = Buffer.from(signature, 'latin1');
  return expected.length === given.length && timingSafeEqual(expected, given);
}
