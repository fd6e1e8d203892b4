/** `/api/upload/sessions`: what interrupted uploads go on from, in the words of the 115 tools that came before us. */
import { createRoute, z } from '@hono/zod-openapi';
import { Fault } from '#core/fault.ts';
import { filePathOf } from '#core/progress/upload-progress.ts';
import { uploadKey } from '#core/state.ts';
import { listResumable, partsThere, type Resumable } from '#core/transfer/resumable.ts';
import { isoTime } from '#core/wire/time.ts';
import { UploadMessage, type UploadSession, UploadSessionList } from '#core/wire/upload-progress.ts';
import type { Api, ApiDeps } from '../api.ts';
import { answers, secured } from '../openapi.ts';
import { cancelAll } from '../upload-desk.ts';

const SESSIONS_MAX = 200;
/** Of a clean-up, which goes through all that a listing can see. */
const CLEANED_MAX = 2_000;
const DAY_MS = 24 * 60 * 60_000;

const byId = z.object({ session_id: z.string().min(1).max(64) });
const olderThan = z.object({ days: z.coerce.number().int().min(1).max(365).default(7) });

export function sessions115Routes(app: Api, { engine }: ApiDeps): void {
  const { table, clock } = engine;

  app.openapi(
    createRoute({
      method: 'get',
      path: '/api/upload/sessions',
      summary: 'Uploads that have not arrived and can go on, 200 at most',
      ...secured,
      responses: answers(200, UploadSessionList),
    }),
    async (c) => {
      const all = await listResumable(table, c.get('ownerId'), SESSIONS_MAX);
      const newest = new Map(all.toReversed().map((each) => [each.sessionId, each]));
      const sessions: UploadSession[] = [];
      for (const each of [...newest.values()].toReversed()) sessions.push(await sessionOf(each));
      return c.json({ sessions }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'delete',
      path: '/api/upload/sessions/{session_id}',
      summary: 'Give an upload up: its transfer is cancelled',
      ...secured,
      request: { params: byId },
      responses: answers(200, UploadMessage),
    }),
    async (c) => {
      const { session_id: id } = c.req.valid('param');
      const found = (await listResumable(table, c.get('ownerId'), CLEANED_MAX)).filter((each) => each.sessionId === id);
      if (found.length === 0) throw new Fault('rejected', 'session.unknown', 'there is no such session');
      await giveUp(found);
      return c.json({ message: '会话已删除' }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: 'post',
      path: '/api/upload/sessions/cleanup',
      summary: 'Give up uploads that have had no news for so many days',
      ...secured,
      request: { query: olderThan },
      responses: answers(200, UploadMessage),
    }),
    async (c) => {
      const { days } = c.req.valid('query');
      const before = clock.now() - days * DAY_MS;
      for (const each of await listResumable(table, c.get('ownerId'), CLEANED_MAX)) {
        // No part is younger than its transfer.
        if (each.head.file.createdAt >= before || (await partsThere(table, each)).updatedAtMs >= before) continue;
        await giveUpUnlessFinishing(each);
      }
      return c.json({ message: `已清理超过${days}天未更新的会话` }, 200);
    },
  );

  async function giveUp(given: readonly Resumable[]): Promise<void> {
    await cancelAll(
      engine,
      given.map(({ row }) => row),
    );
    await engine.dispatcher.send(given.map(({ head }) => uploadKey(head.file.uploadId)));
  }

  /** What is just being finished arrives, or fails and is found by the next clean-up. */
  async function giveUpUnlessFinishing(each: Resumable): Promise<void> {
    try {
      await giveUp([each]);
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'transfer.finishing')) throw error;
    }
  }

  async function sessionOf(each: Resumable): Promise<UploadSession> {
    const { file } = each.head;
    const { count, done, updatedAtMs } = await partsThere(table, each);
    return {
      session_id: each.sessionId,
      file_path: filePathOf({ path: file.folder, name: file.name }),
      file_size: file.sizeBytes,
      file_sha1: file.claimed.sha1?.toUpperCase() ?? null,
      target_dir_id: file.folder,
      total_parts: count,
      uploaded_parts: [...done],
      upload_id: file.uploadId,
      progress: count === 0 ? 0 : Math.floor((done.length / count) * 1000) / 10,
      created_at: isoTime(file.createdAt),
      updated_at: isoTime(updatedAtMs),
    };
  }
}
