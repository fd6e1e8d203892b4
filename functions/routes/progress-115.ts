/** `/api/upload/progress`: transfers as the 115 tools that came before us told them. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import { filePathOf, uploadProgressOf } from '#core/progress/upload-progress.ts';
import { HeadState } from '#core/state.ts';
import { UploadProgress, UploadProgressList } from '#core/wire/upload-progress.ts';
import type { Api, ApiDeps } from '../api.ts';
import { answers, secured } from '../openapi.ts';
import { viewer } from '../viewing.ts';

/** As many as the socket of the same words tells. */
const UPLOADS_MAX = 200;
/** Transfers that a search by path looks at, those under way first. */
const SCANNED_MOST = 2_000;

export function progress115Routes(app: Api, deps: ApiDeps): void {
  const { table, clock } = deps.engine;
  const { view } = viewer(deps);

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/upload/progress',
      summary: 'Progress of all uploads: those under way first, then the newest, 200 at most',
      ...secured,
      responses: answers(200, UploadProgressList),
    }),
    async (c) => {
      const entries = await table.owned(c.get('ownerId'), { limit: UPLOADS_MAX });
      const views = await Promise.all(entries.map(({ row }) => view(row)));
      return c.json({ uploads: views.map((each) => uploadProgressOf(each, clock.now())) }, 200);
    },
  );

  const byPath = createRoute({
    method: 'get',
    path: '/api/upload/progress/{file_path}',
    summary: 'Progress of one file, by its path at the destination, URL-encoded or as it is',
    description: 'Of several with the same path: one that is under way, else the newest.',
    ...secured,
    request: { params: z.object({ file_path: z.string() }) },
    responses: answers(200, UploadProgress),
  });
  app.openAPIRegistry.registerPath(byPath);
  // A path has slashes, of which a described parameter would take none.
  app.get('/api/upload/progress/:file_path{.+}', async (c) => {
    const wanted = `/${c.req.param('file_path').replace(/^\/+/, '')}`;
    let after: string | undefined;
    for (let scanned = 0; scanned < SCANNED_MOST; scanned += UPLOADS_MAX) {
      const page = { limit: UPLOADS_MAX, ...(after === undefined ? {} : { after }) };
      const entries = await table.owned(c.get('ownerId'), page);
      const found = entries.find(({ row }) => {
        const { folder: path, name } = HeadState.parse(row.state).file;
        return filePathOf({ path, name }) === wanted;
      });
      if (found !== undefined) return c.json(uploadProgressOf(await view(found.row), clock.now()), 200);
      after = entries.at(-1)?.cursor;
      if (entries.length < UPLOADS_MAX) break;
    }
    throw new Fault('rejected', 'progress.unknown', 'no upload has this path');
  });
}
