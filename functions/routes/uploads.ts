/** Announce a file, get presigned puts, see what is staged. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import { makeHeads } from '#core/heads.ts';
import { announce, openAsks, readHeads, readUpload } from '#core/intake/announce.ts';
import { giveAnswers } from '#core/intake/answers.ts';
import { FIRST_WINDOW } from '#core/intake/intake.ts';
import { stagedRanges } from '#core/intake/staged-ranges.ts';
import { signChunks } from '#core/intake/tickets.ts';
import type { WorkRow } from '#core/ports/work-table.ts';
import { HeadState, type UploadState, uploadKey } from '#core/state.ts';
import { cancel, retry, type WishEngine } from '#core/transfer/wishes.ts';
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
import { uploadView, viewer } from '../viewing.ts';

const byId = z.object({ id: UploadId });

/** What has ended meanwhile, or whose bytes are gone already, needs no cancel. */
const NOTHING_TO_CANCEL = ['transfer.ended', 'transfer.not_failed', 'upload.expired'];

export function uploadRoutes(app: Api, deps: ApiDeps): void {
  const { intake, engine } = deps;
  const { view } = viewer(deps);
  const transfersOf = async (heads: readonly WorkRow[]) => Promise.all(heads.map(view));
  const uploadAnswer = async (row: WorkRow, upload: UploadState) => {
    const heads = await readHeads(intake, upload);
    return { upload: uploadView(row, upload), transfers: await transfersOf(heads) };
  };

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
      const { row } = await readUpload(intake, upload.uploadId, upload.ownerId);
      const heads = await readHeads(intake, upload);
      const count = upload.layout.kind === 'chunks' && row.phase === 'open' ? upload.layout.count : 0;
      const numbers = Array.from({ length: Math.min(count, FIRST_WINDOW) }, (_, i) => i + 1);
      const chunks = await signChunks(intake, upload, numbers, hostOf(c.req.header('host')));
      const transfers = await transfersOf(heads);
      return c.json({ upload: uploadView(row, upload), transfers, chunks, asks: openAsks(heads) }, 201);
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
      const { row, upload } = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      const heads = await readHeads(intake, upload);
      const { ranges } = row.phase === 'open' ? await stagedRanges(intake.source, upload) : { ranges: [] };
      const transfers = await transfersOf(heads);
      return c.json({ upload: uploadView(row, upload), staged: ranges, transfers, asks: openAsks(heads) }, 200);
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
      const { row, upload } = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      if (row.phase !== 'open') throw new Fault('rejected', 'upload.closed', 'this upload takes no more bytes');
      const { numbers } = c.req.valid('json');
      return c.json({ chunks: await signChunks(intake, upload, numbers, hostOf(c.req.header('host'))) }, 200);
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
      return c.json({ asks: openAsks(heads), transfers: await transfersOf(heads) }, 200);
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
      const { row, upload } = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      const heads = await readHeads(intake, upload);
      if (row.phase === 'open') {
        const { stagedBytes } = await stagedRanges(intake.source, upload);
        const isOver = heads.length > 0 && heads.every((head) => head.queue === null);
        if (stagedBytes !== upload.sizeBytes && !isOver) {
          const reason = `${stagedBytes} of ${upload.sizeBytes} bytes are staged`;
          throw new Fault('rejected', 'upload.size_mismatch', reason);
        }
        await engine.dispatcher.send(heads.filter((head) => head.queue !== null).map(({ pk, sk }) => ({ pk, sk })));
      }
      return c.json({ upload: uploadView(row, upload), transfers: await transfersOf(heads) }, 200);
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
      const { row, upload } = await readUpload(intake, c.req.valid('param').id, c.get('ownerId'));
      // A create that died half way would otherwise be repaired, and deliver, later.
      if (row.phase === 'open') await makeHeads(engine, upload);
      await cancelAll(engine, await readHeads(intake, upload));
      await engine.dispatcher.send([uploadKey(upload.uploadId)]);
      return c.json(await uploadAnswer(row, upload), 200);
    },
  );
}

/** Cancels what can be; then it is Fault `rejected` `transfer.finishing` if one is just being finished. */
export async function cancelAll(engine: WishEngine, heads: readonly WorkRow[]): Promise<void> {
  let finishing: Fault | null = null;
  for (const head of heads) {
    const { transferId } = HeadState.parse(head.state).file;
    if (head.phase === 'done' || head.phase === 'canceled') continue;
    try {
      if (head.phase === 'failed') await retry(engine, transferId);
      await cancel(engine, transferId);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      if (error.code === 'transfer.finishing') finishing = error;
      else if (!NOTHING_TO_CANCEL.includes(error.code)) throw error;
    }
  }
  if (finishing !== null) throw finishing;
}

/** The host name under which this client reaches us, without the port. */
function hostOf(header: string | undefined): string | undefined {
  return header?.replace(/:\d+$/, '');
}
