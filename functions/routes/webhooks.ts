/** Who else is told what happens here. */
import { createRoute, z } from '@hono/zod-openapi';
import type { WebhookDesk } from '#core/webhooks/desk.ts';
import {
  CreatedWebhook,
  CreateWebhook,
  UpdateWebhook,
  WebhookDeliveryList,
  WebhookId,
  WebhookList,
  WebhookTest,
  WebhookView,
} from '#core/wire/webhook.ts';
import type { Api } from '../api.ts';
import { answers, body, secured } from '../openapi.ts';

const byId = z.object({ id: WebhookId });

export function webhookRoutes(app: Api, desk: WebhookDesk): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/webhooks',
      summary: 'All webhooks, with how they fare',
      ...secured,
      responses: answers(200, WebhookList),
    }),
    async (c) => c.json({ items: [...(await desk.list())] }, 200),
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/webhooks',
      summary: 'Add a webhook; its secret is in this answer and never shown again',
      ...secured,
      request: { body: body(CreateWebhook) },
      responses: answers(201, CreatedWebhook),
    }),
    async (c) => c.json(await desk.add(c.req.valid('json')), 201),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/webhooks/{id}',
      summary: 'One webhook',
      ...secured,
      request: { params: byId },
      responses: answers(200, WebhookView),
    }),
    async (c) => c.json(await desk.get(c.req.valid('param').id), 200),
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/api/v1/webhooks/{id}',
      summary: 'Change a webhook; one that was stopped begins again where it stopped',
      ...secured,
      request: { params: byId, body: body(UpdateWebhook) },
      responses: answers(200, WebhookView),
    }),
    async (c) => c.json(await desk.change(c.req.valid('param').id, c.req.valid('json')), 200),
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/api/v1/webhooks/{id}',
      summary: 'Remove a webhook: what it was not told yet it will not be told',
      ...secured,
      request: { params: byId },
      responses: answers(200, WebhookView),
    }),
    async (c) => c.json(await desk.remove(c.req.valid('param').id), 200),
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/webhooks/{id}/test',
      summary: 'Post a ping now, and say what came back',
      ...secured,
      request: { params: byId },
      responses: answers(200, WebhookTest),
    }),
    async (c) => c.json(await desk.test(c.req.valid('param').id, c.req.raw.signal), 200),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/webhooks/{id}/deliveries',
      summary: 'The last 20 tries, the newest first',
      ...secured,
      request: { params: byId },
      responses: answers(200, WebhookDeliveryList),
    }),
    async (c) => c.json({ items: [...(await desk.deliveries(c.req.valid('param').id))] }, 200),
  );
}
