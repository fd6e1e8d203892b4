/** Tickets for the progress socket: single use, half a minute. */
import { createRoute } from '@hono/zod-openapi';
import { TicketAnswer } from '#core/wire/socket.ts';
import { isoTime } from '#core/wire/time.ts';
import type { Api, ApiDeps } from '../api.ts';
import { answers, secured } from '../openapi.ts';

export function ticketRoutes(app: Api, { issueTicket }: ApiDeps): void {
  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/tickets',
      summary: 'A ticket that opens the progress socket at /ws',
      ...secured,
      responses: answers(201, TicketAnswer),
    }),
    (c) => {
      const { ticket, expiresAtMs } = issueTicket(c.get('ownerId'));
      return c.json({ ticket, expiresAt: isoTime(expiresAtMs) }, 201);
    },
  );
}
