/** Where files can go. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import type { Destination, DestinationTerms } from '#core/ports/destinations.ts';
import { traceOf } from '#core/trace.ts';
import {
  CheckAnswer,
  CreateDestination,
  DestinationList,
  DestinationView,
  UpdateDestination,
} from '#core/wire/destination.ts';
import { DestinationId } from '#core/wire/ids.ts';
import { isoTime } from '#core/wire/time.ts';
import type { Api, ApiDeps } from '../api.ts';
import { answers, body, secured } from '../openapi.ts';

const byId = z.object({ id: DestinationId });
const ifMatch = z.object({ 'if-match': z.string().max(2_000).optional() });

/** A destination that does not answer within this time is said not to. */
const CHECK_MS = 15_000;

export function destinationRoutes(app: Api, { engine }: ApiDeps): void {
  const { destinations, clock, log } = engine;

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/destinations',
      summary: 'All destinations',
      ...secured,
      responses: answers(200, DestinationList),
    }),
    async (c) => c.json({ items: (await destinations.list()).map(shown) }, 200),
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/destinations',
      summary: 'Add a destination; its credentials are sealed and never shown again',
      ...secured,
      request: { body: body(CreateDestination) },
      responses: answers(201, DestinationView),
    }),
    async (c) => {
      const { placement, limits, ...wanted } = c.req.valid('json');
      const made = await destinations.create({
        ...wanted,
        ...(placement === undefined ? {} : { placement }),
        ...(limits === undefined ? {} : { limits }),
      });
      return c.json(shown(made), 201, tagOf(made));
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/destinations/{id}',
      summary: 'One destination',
      ...secured,
      request: { params: byId },
      responses: answers(200, DestinationView),
    }),
    async (c) => {
      const destination = await known(c.req.valid('param').id);
      return c.json(shown(destination), 200, tagOf(destination));
    },
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/api/v1/destinations/{id}',
      summary:
        'Replace the settings, credentials, placement or limits of a destination; with If-Match only as it was read',
      ...secured,
      request: { params: byId, headers: ifMatch, body: body(UpdateDestination) },
      responses: answers(200, DestinationView),
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { settings, credentials, placement, limits } = c.req.valid('json');
      const change = {
        ...(settings === undefined ? {} : { settings }),
        ...(credentials === undefined ? {} : { credentials }),
        ...(placement === undefined ? {} : { placement }),
        ...(limits === undefined ? {} : { limits }),
      };
      const changed = await destinations.change(id, change, termsOf(c.req.valid('header')['if-match']));
      return c.json(shown(changed), 200, tagOf(changed));
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/api/v1/destinations/{id}',
      summary: 'Remove a destination that nothing is on its way to; with If-Match only as it was read',
      ...secured,
      request: { params: byId, headers: ifMatch },
      responses: answers(200, DestinationView),
    }),
    async (c) => {
      const destination = await known(c.req.valid('param').id);
      await destinations.remove(destination.id, termsOf(c.req.valid('header')['if-match']));
      return c.json(shown(destination), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/destinations/{id}/check',
      summary: 'Ask the destination whether it would take a file now',
      ...secured,
      request: { params: byId },
      responses: answers(200, CheckAnswer),
    }),
    async (c) => {
      const { id } = await known(c.req.valid('param').id);
      const startedAt = clock.now();
      const signal = AbortSignal.timeout(CHECK_MS);
      try {
        const provider = await destinations.provider(id);
        const report = await provider.check({ signal });
        const elapsedMs = clock.now() - startedAt;
        return c.json(
          { ok: true, code: null, message: report.message, freeBytes: report.freeBytes ?? null, elapsedMs },
          200,
        );
      } catch (error) {
        if (!(error instanceof Fault)) log.error('destination.check_failed', { destinationId: id, ...traceOf(error) });
        const { code, message } = checkFault(error, signal);
        return c.json({ ok: false, code, message, freeBytes: null, elapsedMs: clock.now() - startedAt }, 200);
      }
    },
  );

  async function known(id: string): Promise<Destination> {
    const destination = await destinations.get(id);
    if (destination === null) throw new Fault('rejected', 'destination.unknown', `there is no destination "${id}"`);
    return destination;
  }
}

/** The words of an unknown error are not for everybody's eyes: they may quote addresses and keys. */
function checkFault(error: unknown, signal: AbortSignal): Fault {
  if (error instanceof Fault) return error;
  if (signal.aborted) return new Fault('transient', 'destination.silent', 'the destination did not answer in time');
  return new Fault('bug', 'unknown', 'the check failed in a way that nobody thought of: the log says where');
}

/** `"a", "b"`: while it is one of these. A weak tag is the same as none that was ever given. */
function termsOf(ifMatch: string | undefined): DestinationTerms {
  if (ifMatch === undefined || ifMatch.trim() === '*') return {};
  return { ifVersion: ifMatch.split(',').flatMap((tag) => /^\s*"([^"]*)"\s*$/.exec(tag)?.[1] ?? []) };
}

function tagOf({ version }: Destination): { readonly etag: string } {
  return { etag: `"${version}"` };
}

function shown({ settings, createdAt, ...rest }: Destination): DestinationView {
  return { ...rest, settings: { ...settings }, createdAt: isoTime(createdAt) };
}
