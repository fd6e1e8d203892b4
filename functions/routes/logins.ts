/** Logins that a person confirms in the service's own app. */
import { createRoute, z } from '@hono/zod-openapi';
import type { LoginDesk } from '#core/login.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { BeginLogin, BegunLogin, LoginView } from '#core/wire/login.ts';
import type { Api } from '../api.ts';
import { answers, body, secured } from '../openapi.ts';

/** A request is held until there is news, and ends well before proxies and gateways (29 s) lose patience. */
const HOLD_MS = 8_000;
/** To begin a login, or to turn a confirmed one into credentials. */
const WORK_MS = 15_000;

export function loginRoutes(app: Api, desk: LoginDesk): void {
  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/logins',
      summary: 'Begin a login by QR code, for a new destination or one that stands already',
      ...secured,
      request: { body: body(BeginLogin) },
      responses: answers(201, BegunLogin),
    }),
    async (c) => {
      const { provider, destinationId, settings, placement, limits } = c.req.valid('json');
      const wanted = {
        provider,
        settings,
        destinationId: destinationId ?? DestinationId.parse(provider),
        ...(placement === undefined ? {} : { placement }),
        ...(limits === undefined ? {} : { limits }),
      };
      return c.json(await desk.begin(c.get('ownerId'), wanted, AbortSignal.timeout(WORK_MS)), 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/logins/{id}',
      summary: 'How far it is; held for up to 8 s while there is no news',
      ...secured,
      request: { params: z.object({ id: z.string().min(1).max(64) }) },
      responses: answers(200, LoginView),
    }),
    async (c) => {
      const signals = { hold: AbortSignal.timeout(HOLD_MS), signal: AbortSignal.timeout(HOLD_MS + WORK_MS) };
      return c.json(await desk.look(c.get('ownerId'), c.req.valid('param').id, signals), 200);
    },
  );
}
