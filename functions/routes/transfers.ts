/** See transfers, and say what is wanted of them. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { HeadState, headKey } from '#core/state.ts';
import { cancel, pause, resume, retry } from '#core/transfer/wishes.ts';
import { TransferId } from '#core/wire/ids.ts';
import { isoTime } from '#core/wire/time.ts';
import { Status, TransferEvent, TransferList, TransferView } from '#core/wire/transfer.ts';
import type { Api, ApiDeps } from '../api.ts';
import { answers, secured } from '../openapi.ts';
import { viewer } from '../viewing.ts';

const byId = z.object({ id: TransferId });
const listQuery = z.object({
  cursor: z.string().max(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  status: Status.optional(),
  destinationId: z.string().max(64).optional(),
});

/** A filter that fits little looks at this many transfers before it answers with a cursor to go on from. */
const SCANNED_MOST = 2_000;
/** And reads so many at once, however few are asked for. */
const FILTERED_PAGE = 200;

const WISHES = { pause, resume, cancel, retry } as const;

export function transferRoutes(app: Api, deps: ApiDeps): void {
  const { engine } = deps;
  const { view } = viewer(deps);
  const headOf = async (id: TransferId, ownerId: string): Promise<WorkRow> => {
    const row = await engine.table.get(headKey(id));
    if (row === null || HeadState.parse(row.state).file.ownerId !== ownerId) {
      throw new Fault('rejected', 'transfer.unknown', 'there is no such transfer');
    }
    return row;
  };

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/transfers',
      summary: 'Transfers: those under way first, then the newest',
      ...secured,
      request: { query: listQuery },
      responses: answers(200, TransferList),
    }),
    async (c) => {
      const { cursor, limit, status, destinationId } = c.req.valid('query');
      const page = { limit: status === undefined && destinationId === undefined ? limit : FILTERED_PAGE };
      const items: TransferView[] = [];
      let after = cursor;
      for (let scanned = 0; scanned < SCANNED_MOST; ) {
        const entries = await engine.table.owned(c.get('ownerId'), {
          ...page,
          ...(after === undefined ? {} : { after }),
        });
        for (const entry of entries) {
          scanned++;
          after = entry.cursor;
          const { file } = HeadState.parse(entry.row.state);
          if (destinationId !== undefined && file.destinationId !== destinationId) continue;
          const seen = await view(entry.row);
          if (status !== undefined && seen.status !== status) continue;
          items.push(seen);
          if (items.length === limit) return c.json({ items, next: after }, 200);
        }
        if (entries.length < page.limit) return c.json({ items, next: null }, 200);
      }
      return c.json({ items, next: after ?? null }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/transfers/{id}',
      summary: 'One transfer',
      ...secured,
      request: { params: byId },
      responses: answers(200, TransferView),
    }),
    async (c) => c.json(await view(await headOf(c.req.valid('param').id, c.get('ownerId'))), 200),
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/transfers/{id}/events',
      summary: 'The last 16 changes of a transfer',
      ...secured,
      request: { params: byId },
      responses: answers(200, z.object({ items: z.array(TransferEvent) })),
    }),
    async (c) => {
      const { events } = HeadState.parse((await headOf(c.req.valid('param').id, c.get('ownerId'))).state);
      return c.json({ items: events.map((event) => ({ ...event, at: isoTime(event.at) })) }, 200);
    },
  );

  for (const [word, act] of Object.entries(WISHES)) {
    app.openapi(
      createRoute({
        method: 'post',
        path: `/api/v1/transfers/{id}/${word}`,
        summary: `${word[0]?.toUpperCase()}${word.slice(1)} a transfer`,
        ...secured,
        request: { params: byId },
        responses: answers(200, TransferView),
      }),
      async (c) => {
        const { id } = c.req.valid('param');
        await headOf(id, c.get('ownerId'));
        await act(engine, id);
        return c.json(await view(await headOf(id, c.get('ownerId'))), 200);
      },
    );
  }
}
