/** Announce a file, get presigned puts, see what is staged. */
import { createRoute, z } from '@hono/zod-openapi';
import { announce, openAsks, readHeads, readUpload } from '#core/intake/announce.ts';
import { giveAnswers } from '#core/intake/answers.ts';
import { UploadId } from '#core/wire/ids.ts';
import {
  AnswersRequest,
  AsksAnswer,
  CompleteAnswer,
  CreateUpload,
  CreateUploadAnswer,
  SignAnswer,
  SignRequest,
  UploadAnswer,
} from '#core/wire/upload.ts';
import type { Api, ApiDeps } from '../api.ts';
import { answers, body, secured } from '../openapi.ts';
import { uploadDesk } from '../upload-desk.ts';

const byId = z.object({ id: UploadId });

export function uploadRoutes(app: Api, deps: ApiDeps): void {
  const { intake } = deps;
  const desk = uploadDesk(deps);

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/uploads',
      summary: 'Announce a file; answers its transfers and the first presigned puts',
      ...secured,
      request: {
        headers: z.object({ 'idempotency-key': z.string().min(1).max(200).optional() }),
        body: body(CreateUpload),
      },
      responses: answers(201, CreateUploadAnswer),
    }),
    async (c) => {
      const idempotencyKey = c.req.valid('header')['idempotency-key'];
      const upload = await announce(intake, {
        ownerId: c.get('ownerId'),
        request: c.req.valid('json'),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
      return c.json(await desk.created(upload, c.req.header('host')), 201);
    },
  );

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/v1/uploads/{id}',
      summary: 'What is staged, and how the deliveries go',
      ...secured,
      request: { params: byId },
      responses: answers(200, UploadAnswer),
    }),
    async (c) => {
      const found = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      return c.json(await desk.read(found), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/uploads/{id}/sign',
      summary: 'Presigned, write-once puts for the chunks named',
      ...secured,
      request: { params: byId, body: body(SignRequest) },
      responses: answers(200, SignAnswer),
    }),
    async (c) => {
      const found = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      return c.json(await desk.sign(found, c.req.valid('json').numbers, c.req.header('host')), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/uploads/{id}/answers',
      summary: "Answer a destination's questions about ranges of the file",
      ...secured,
      request: { params: byId, body: body(AnswersRequest) },
      responses: answers(200, AsksAnswer),
    }),
    async (c) => {
      const { upload } = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      await giveAnswers(intake, upload, c.req.valid('json').answers);
      const heads = await readHeads(intake, upload);
      return c.json({ asks: openAsks(heads), transfers: await desk.transfersOf(heads) }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/v1/uploads/{id}/complete',
      summary: 'Optional hint that all bytes are staged; refused unless the sizes add up',
      ...secured,
      request: { params: byId },
      responses: answers(200, CompleteAnswer),
    }),
    async (c) => {
      const found = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      return c.json(await desk.complete(found), 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/api/v1/uploads/{id}',
      summary: 'Cancel every delivery of an upload and give up its staged bytes',
      ...secured,
      request: { params: byId },
      responses: answers(200, CompleteAnswer),
    }),
    async (c) => {
      const found = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      return c.json(await desk.remove(found), 200);
    },
  );
}
