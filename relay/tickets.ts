/** One-time tickets that let a socket in: a browser cannot send a header with its handshake, and URLs end in logs. */
import type { Clock } from '#core/ports/clock.ts';

export interface Ticket {
  readonly ticket: string;
  readonly expiresAtMs: number;
}

export interface TicketOffice {
  /** Letters, digits, `-`, `_` and `.` alone; good for one use within 30 s. */
  issue(ownerId: string): Ticket;
  /** Whom the ticket was given to; `null` when it is unknown, used or too old. Uses it up. */
  redeem(ticket: string): Promise<string | null>;
}

export interface TicketPorts {
  readonly clock: Clock;
  /** Cryptographically random. */
  readonly randomBytes: (count: number) => Uint8Array;
}

const TICKET_BYTES = 32;
export const TICKET_TTL_MS = 30_000;
/** Far more than are asked for in 30 s; beyond it the oldest are void. */
const OUTSTANDING_MAX = 10_000;

/** For one process that both issues and redeems: 32 random bytes in base64url, and what they stand for is remembered here. */
export function ticketOffice({ clock, randomBytes }: TicketPorts): TicketOffice {
  /** In the order of issue, so that the oldest come first. */
  const outstanding = new Map<string, { readonly ownerId: string; readonly expiresAtMs: number }>();

  function makeRoom(): void {
    for (const [ticket, { expiresAtMs }] of outstanding) {
      if (expiresAtMs > clock.now() && outstanding.size < OUTSTANDING_MAX) return;
      outstanding.delete(ticket);
    }
  }

  return {
    issue: (ownerId) => {
      makeRoom();
      const ticket = Buffer.from(randomBytes(TICKET_BYTES)).toString('base64url');
      const expiresAtMs = clock.now() + TICKET_TTL_MS;
      outstanding.set(ticket, { ownerId, expiresAtMs });
      return { ticket, expiresAtMs };
    },
    redeem: async (ticket) => {
      const found = outstanding.get(ticket);
      outstanding.delete(ticket);
      return found === undefined || found.expiresAtMs <= clock.now() ? null : found.ownerId;
    },
  };
}
