/** Links, as their owner sees them. */
import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import {
  listLinks,
  lookAtLink,
  type Opened,
  openLink,
  removeLink,
  revokeLink,
  rotateLink,
  updateLink,
} from '#core/intake/link/desk.ts';
import { type Link, linkView } from '#core/intake/link/link.ts';
import type { Door } from '#core/intake/link/recount.ts';
import { SECRET_BYTES } from '#core/intake/link/secret.ts';
import { LinkId } from '#core/wire/ids.ts';
import { CreateLink, DROP_FRAGMENT, LinkList, LinkView, LinkWithUrl, UpdateLink } from '#core/wire/link.ts';
import type { Api, ApiDeps, ApiEnv } from '../api.ts';
import { answers, body, secured } from '../openapi.ts';

const byId = z.object({ id: LinkId });

export function linkRoutes(app: Api, { engine, intake }: ApiDeps): void {
  const door: Door = { intake, cells: engine.cells, clock: engine.clock };
  const shown = (link: Link) => linkView(link, engine.clock.now());
  const told = (c: Context<ApiEnv>, { link, secret }: Opened) => {
    // The one answer with the secret in it is nobody's to keep.
    c.header('cache-control', 'no-store');
    return { link: shown(link), url: `${originOf(c)}/#${DROP_FRAGMENT}=${secret}` };
  };

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/links',
      summary: 'An address by which people without an account hand in files; it is told this once',
      ...secured,
      request: { body: body(CreateLink) },
      responses: answers(201, LinkWithUrl),
    }),
    async (c) => c.json(told(c, await openLink(door, c.get('ownerId'), c.req.valid('json'), randomBytes())), 201),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/links',
      summary: 'All links, the newest first',
      ...secured,
      responses: answers(200, LinkList),
    }),
    async (c) => c.json({ items: (await listLinks(door, c.get('ownerId'))).map(shown) }, 200),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/links/{id}',
      summary: 'One link, its files counted anew',
      ...secured,
      request: { params: byId },
      responses: answers(200, LinkView),
    }),
    async (c) => c.json(shown(await lookAtLink(door, c.get('ownerId'), c.req.valid('param').id)), 200),
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/api/v1/links/{id}',
      summary: 'Change what a link takes, how long, and where its next files go',
      ...secured,
      request: { params: byId, body: body(UpdateLink) },
      responses: answers(200, LinkView),
    }),
    async (c) => {
      const link = await updateLink(door, c.get('ownerId'), c.req.valid('param').id, c.req.valid('json'));
      return c.json(shown(link), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/links/{id}/rotate',
      summary: "A new address; the old one is nobody's, and a revoked link is open again",
      ...secured,
      request: { params: byId },
      responses: answers(200, LinkWithUrl),
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      return c.json(told(c, await rotateLink(door, c.get('ownerId'), id, randomBytes())), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/links/{id}/revoke',
      summary: 'Take no more files by a link; those that are whole are delivered',
      ...secured,
      request: { params: byId },
      responses: answers(200, LinkView),
    }),
    async (c) => c.json(shown(await revokeLink(door, c.get('ownerId'), c.req.valid('param').id)), 200),
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/api/v1/links/{id}',
      summary: 'Revoke a link and forget it, with its counts',
      ...secured,
      request: { params: byId },
      responses: answers(200, LinkView),
    }),
    async (c) => c.json(shown(await removeLink(door, c.get('ownerId'), c.req.valid('param').id)), 200),
  );
}

/** As the page knows it, where a page asks: behind a proxy that ends TLS the request itself says `http`. */
function originOf(c: Context<ApiEnv>): string {
  const asked = new URL(c.req.url);
  const told = c.req.header('origin') ?? '';
  return URL.canParse(told) && new URL(told).host === asked.host ? new URL(told).origin : asked.origin;
}

function randomBytes(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}
