/** Looking around in a destination. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import type { Browser, ServerBrowser } from '#core/ports/browser.ts';
import { BrowseAnswer, MadeFolder, MakeFolder, ServerMountList, ServerTaskList } from '#core/wire/browse.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { FolderPath } from '#core/wire/upload.ts';
import type { Api } from '../api.ts';
import { answers, body, secured } from '../openapi.ts';

/** Null for a destination of a kind that cannot be looked around in. Throws Fault `destination.unknown`. */
export type BrowserOf = (destinationId: string) => Promise<Browser | null>;

const byId = z.object({ id: DestinationId });
const Cursor = z.string().max(64).optional();

/** A destination that does not answer within this time is said not to. */
const ANSWER_MS = 20_000;

export function browseRoutes(app: Api, browserOf: BrowserOf): void {
  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/destinations/{id}/browse',
      summary: 'The folders directly inside a folder of the destination; 409 where it cannot be browsed',
      ...secured,
      request: { params: byId, query: z.object({ path: FolderPath.default('/'), cursor: Cursor }) },
      responses: answers(200, BrowseAnswer),
    }),
    async (c) => {
      const { path, cursor } = c.req.valid('query');
      const { folders } = await browser(c.req.valid('param').id);
      const { items, next } = await inTime((signal) => folders.list(path, cursor ?? null, { signal }));
      return c.json({ path, items: [...items], next }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/destinations/{id}/folders',
      summary: 'Make a folder with all that lead to it',
      ...secured,
      request: { params: byId, body: body(MakeFolder) },
      responses: answers(201, MadeFolder),
    }),
    async (c) => {
      const { path } = c.req.valid('json');
      const { folders } = await browser(c.req.valid('param').id);
      await inTime((signal) => folders.make(path, { signal }));
      return c.json({ path }, 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/destinations/{id}/tasks',
      summary: "What the destination's own server sends to its clouds; 409 where it has no such list",
      ...secured,
      request: { params: byId, query: z.object({ cursor: Cursor }) },
      responses: answers(200, ServerTaskList),
    }),
    async (c) => {
      const server = await serverBrowser(c.req.valid('param').id);
      const { items, next } = await inTime((signal) => server.tasks(c.req.valid('query').cursor ?? null, { signal }));
      return c.json({ items: [...items], next }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/destinations/{id}/mounts',
      summary: "Where the server's folders are mounted on its own machine; 409 where it has no such list",
      ...secured,
      request: { params: byId },
      responses: answers(200, ServerMountList),
    }),
    async (c) => {
      const server = await serverBrowser(c.req.valid('param').id);
      return c.json({ items: [...(await inTime((signal) => server.mounts({ signal })))] }, 200);
    },
  );

  async function browser(id: string): Promise<Browser> {
    const found = await browserOf(id);
    if (found !== null) return found;
    throw new Fault('rejected', 'destination.no_browse', 'the folders of this kind of destination cannot be looked at');
  }

  async function serverBrowser(id: string): Promise<ServerBrowser> {
    const { server } = await browser(id);
    if (server !== null) return server;
    throw new Fault(
      'rejected',
      'destination.no_server',
      'this kind of destination has no server with tasks and mounts',
    );
  }
}

async function inTime<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    return await ask(signal);
  } catch (error) {
    if (error instanceof Fault || !signal.aborted) throw error;
    throw new Fault('transient', 'destination.silent', 'the destination did not answer in time');
  }
}
