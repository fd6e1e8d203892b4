/** Where files can go. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import type { Destination } from '#core/ports/destinations.ts';
import { begunQueue, waitingQueue } from '#core/state.ts';
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

/** A destination that does not answer within this time is said not to. */
const CHECK_MS = 15_000;

export function destinationRoutes(app: Api, { engine }: ApiDeps): void {
  const { destinations, clock, table, log } = engine;

  /** A transfer under way is always due some time, also while it is paused. */
  async function mustBeIdle(queues: readonly string[]): Promise<void> {
    const found = await Promise.all(queues.map((queue) => table.due(queue, Number.MAX_SAFE_INTEGER, 1)));
    if (found.flat().length === 0) return;
    throw new Fault(
      'rejected',
      'destination.busy',
      'files are on their way there: cancel them first, or wait for them',
    );
  }

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
      const { placement, ...wanted } = c.req.valid('json');
      return c.json(shown(await destinations.create(placement === undefined ? wanted : { ...wanted, placement })), 201);
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
    async (c) => c.json(shown(await known(c.req.valid('param').id)), 200),
  );

  app.openapi(
    createRoute({
      method: 'patch',
      path: '/api/v1/destinations/{id}',
      summary: 'Replace the settings, credentials or placement of a destination',
      ...secured,
      request: { params: byId, body: body(UpdateDestination) },
      responses: answers(200, DestinationView),
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const { settings, credentials, placement } = c.req.valid('json');
      // What was begun at the one place is another place's to begin anew: a file that is being finished might be there twice.
      if (placement !== undefined && placement.on !== (await known(id)).placement.on)
        await mustBeIdle([begunQueue(id)]);
      const change = {
        ...(settings === undefined ? {} : { settings }),
        ...(credentials === undefined ? {} : { credentials }),
        ...(placement === undefined ? {} : { placement }),
      };
      return c.json(shown(await destinations.change(id, change)), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/api/v1/destinations/{id}',
      summary: 'Remove a destination that nothing is on its way to',
      ...secured,
      request: { params: byId },
      responses: answers(200, DestinationView),
    }),
    async (c) => {
      const destination = await known(c.req.valid('param').id);
      await mustBeIdle([waitingQueue(destination.id), begunQueue(destination.id)]);
      await destinations.remove(destination.id);
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

function shown({ id, provider, settings, hasCredentials, placement, createdAt }: Destination): DestinationView {
  return { id, provider, settings: { ...settings }, hasCredentials, placement, createdAt: isoTime(createdAt) };
}
