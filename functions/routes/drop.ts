/** Files by a link: for people who have its address and nothing else. They are told nothing of places, nor of each other. */
import { createRoute, z } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { Fault } from '#core/fault.ts';
import { handIn, linkBy, readHandedIn } from '#core/intake/link/hand-in.ts';
import { dropView, type Link } from '#core/intake/link/link.ts';
import { type Door, judgeUpload, settle } from '#core/intake/link/recount.ts';
import { UploadId } from '#core/wire/ids.ts';
import { CreateDropUpload, DropView, SENDER_HEADER, SenderId } from '#core/wire/link.ts';
import { CompleteAnswer, CreateUploadAnswer, SignAnswer, SignRequest, UploadAnswer } from '#core/wire/upload.ts';
import type { Api, ApiDeps, ApiEnv } from '../api.ts';
import { onTooLarge, refusal } from '../errors.ts';
import { bearerOf } from '../identity.ts';
import { answers, body } from '../openapi.ts';
import { type Found, uploadDesk } from '../upload-desk.ts';
import { reduced } from './drop-view.ts';

const byLink = { security: [{ link: [] }] };
const byId = z.object({ id: UploadId });
const bySender = z.object({ [SENDER_HEADER]: SenderId });
const announced = bySender.extend({ 'idempotency-key': z.string().min(1).max(200) });

/** The largest has 64 numbers, or a long name in a long path. */
const BODY_MAX_BYTES = 32 * 1024;

/** Mounted before the routes that need the owner's token. */
export function dropRoutes(app: Api, deps: ApiDeps): void {
  const { engine, intake } = deps;
  const door: Door = { intake, cells: engine.cells, clock: engine.clock };
  const desk = uploadDesk(deps);
  app.openAPIRegistry.registerComponent('securitySchemes', 'link', { type: 'http', scheme: 'bearer' });
  app.use('/api/v1/drop/*', requireLink(door), bodyLimit({ maxSize: BODY_MAX_BYTES, onError: onTooLarge }));

  const own = (link: Link, headers: z.infer<typeof bySender>, { id }: z.infer<typeof byId>): Promise<Found> =>
    readHandedIn(door, link, headers[SENDER_HEADER], id);

  /** A share that is settled is so in the link's cell before the answer goes out. */
  async function judged(link: Link, { row, upload }: Found): Promise<void> {
    if (link.open.every(([id]) => id !== upload.uploadId)) return;
    const verdict = await judgeUpload(intake, row);
    if (verdict !== null) await settle(door, link.id, new Map([[upload.uploadId, verdict]]));
  }

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/drop',
      summary: 'What a link takes, and what is left of it',
      ...byLink,
      responses: answers(200, DropView),
    }),
    (c) => c.json(dropView(c.get('link'), engine.clock.now()), 200),
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/drop/uploads',
      summary: 'Announce a file to a link; answers the first presigned puts',
      ...byLink,
      request: { headers: announced, body: body(CreateDropUpload) },
      responses: answers(201, CreateUploadAnswer),
    }),
    async (c) => {
      const link = c.get('link');
      const { 'idempotency-key': idempotencyKey, [SENDER_HEADER]: senderId } = c.req.valid('header');
      const upload = await handIn(door, link, { senderId, idempotencyKey, request: c.req.valid('json') });
      return c.json(reduced(await desk.created(upload, c.req.header('host'))), 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/drop/uploads/{id}',
      summary: "What is staged of a file of one's own, and how far it has come",
      ...byLink,
      request: { headers: bySender, params: byId },
      responses: answers(200, UploadAnswer),
    }),
    async (c) => {
      const link = c.get('link');
      const found = await own(link, c.req.valid('header'), c.req.valid('param'));
      const answer = await desk.read(found);
      if (isWhole(answer)) await judged(link, found);
      return c.json(reduced(answer), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/drop/uploads/{id}/sign',
      summary: 'Presigned, write-once puts for the chunks named',
      ...byLink,
      request: { headers: bySender, params: byId, body: body(SignRequest) },
      responses: answers(200, SignAnswer),
    }),
    async (c) => {
      const link = c.get('link');
      const found = await own(link, c.req.valid('header'), c.req.valid('param'));
      return c.json(await desk.sign(found, c.req.valid('json').numbers, c.req.header('host')), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/drop/uploads/{id}/complete',
      summary: 'Optional hint that all bytes are staged; refused unless the sizes add up',
      ...byLink,
      request: { headers: bySender, params: byId },
      responses: answers(200, CompleteAnswer),
    }),
    async (c) => {
      const link = c.get('link');
      const found = await own(link, c.req.valid('header'), c.req.valid('param'));
      const answer = await desk.complete(found);
      await judged(link, found);
      return c.json(reduced(answer), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/api/v1/drop/uploads/{id}',
      summary: "Take a file of one's own back, as far as it is not delivered",
      ...byLink,
      request: { headers: bySender, params: byId },
      responses: answers(200, CompleteAnswer),
    }),
    async (c) => {
      const link = c.get('link');
      const found = await own(link, c.req.valid('header'), c.req.valid('param'));
      // What is whole by now counts, whatever becomes of it.
      await judged(link, found);
      const answer = await desk.remove(found);
      await judged(link, found);
      return c.json(reduced(answer), 200);
    },
  );
}

/** Worth a look at the link: pages ask often, and a listing has up to ten pages. */
function isWhole({ upload, staged, transfers }: UploadAnswer): boolean {
  const count = staged.reduce((sum, [from, to]) => sum + to - from + 1, 0);
  return count === upload.chunkCount || transfers.some(({ phase }) => phase === 'done' || phase === 'finishing');
}

/** Before anything else of a request is looked at. */
function requireLink(door: Door): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    try {
      c.set('link', await linkBy(door, bearerOf(c)));
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'link.revoked') throw error;
      c.header('www-authenticate', 'Bearer');
      return refusal(c, 401, error.code, error.message);
    }
    return next();
  };
}
