/** `/send-notification` and `/stats`: a word to whoever watches, and how many do. A home's one owner is who may ask. */
import { createRoute, z } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { ConnectionStats, SendNotice } from '#core/wire/notice.ts';
import { UploadMessage } from '#core/wire/upload-progress.ts';
import type { Api, ApiDeps } from '../api.ts';
import { onTooLarge } from '../errors.ts';
import { requireOwner } from '../identity.ts';
import { answers, body, secured } from '../openapi.ts';

/** Whoever holds the sockets counts them; with an owner, whether that one watches. */
export type CountSockets = (ownerId: string | undefined) => Promise<ConnectionStats> | ConnectionStats;

const BODY_MAX_BYTES = 16 * 1024;

export function noticeRoutes(app: Api, { engine, authenticate }: ApiDeps, count: CountSockets | undefined): void {
  const guard = requireOwner(authenticate);

  app.openapi(
    createRoute({
      method: 'post',
      path: '/send-notification',
      summary: 'Tell something to one owner, or to everybody who watches',
      ...secured,
      middleware: [guard, bodyLimit({ maxSize: BODY_MAX_BYTES, onError: onTooLarge })],
      request: { body: body(SendNotice) },
      responses: answers(200, UploadMessage),
    }),
    async (c) => {
      const { user_id: ownerId = null, ...notice } = c.req.valid('json');
      await engine.progress.publish([{ kind: 'notice', ownerId, notice }]);
      return c.json({ message: '通知已发送' }, 200);
    },
  );

  if (count === undefined) return;
  app.openapi(
    createRoute({
      method: 'get',
      path: '/stats',
      summary: 'How many watch, and whether one owner does',
      ...secured,
      middleware: guard,
      request: { query: z.object({ user_id: z.string().min(1).max(128).optional() }) },
      responses: answers(200, ConnectionStats),
    }),
    async (c) => c.json(await count(c.req.valid('query').user_id), 200),
  );
}
