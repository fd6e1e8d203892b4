/** What kinds of destinations this home has. */
import { createRoute } from '@hono/zod-openapi';
import { KindList, type KindView } from '#core/wire/kind.ts';
import type { Api } from '../api.ts';
import { answers, secured } from '../openapi.ts';

export function kindRoutes(app: Api, kinds: readonly KindView[]): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/kinds',
      summary: 'Kinds of destinations, and where the calls of each can be run',
      ...secured,
      responses: answers(200, KindList),
    }),
    (c) => c.json({ items: [...kinds] }, 200),
  );
}
