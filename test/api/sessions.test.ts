/** `/api/upload/…`: the REST of the 115 tools, over transfers to any destination. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeadState, headKey, receiptsKey, StripeState, stripeKey } from '#core/state.ts';
import { UploadProgress, UploadProgressList, UploadSessionList } from '#core/wire/upload-progress.ts';
import { expectError } from './expect-error.ts';
import { type ApiRig, apiRig, OTHER_TOKEN } from './rig.ts';
import { canceled, done, failed, finishing } from './steps.ts';

const DAY_MS = 24 * 60 * 60_000;
const PART_BYTES = 1_000_000;
const SIZE_BYTES = 36 * PART_BYTES - 5;

let rig: ApiRig;
beforeEach(async () => {
  rig = await apiRig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const begin = async (name = 'video.mp4', path = '/影视/2025', more: Readonly<Record<string, unknown>> = {}) => {
  rig.jump(1_000);
  const created = await rig.create({ name, destinations: [{ id: 'folder', path }], ...more });
  return { ...created, id: created.transfers[0]!.id };
};
/** A transfer of 36 parts, as its holders have written it: a block of 32 that is full, the next with two gaps. */
const beginHalf = async () => {
  const begun = await begin('video.mp4', '/影视/2025', { sizeBytes: SIZE_BYTES, digests: { sha1: 'a'.repeat(40) } });
  const { table, engine } = rig;
  const now = engine.clock.now();
  const key = headKey(begun.id);
  const claim = await table.claim(key, { holder: 'h', now, until: now + 60_000 });
  const head = HeadState.parse(claim!.row.state);
  const plan = { partBytes: PART_BYTES, partCount: 36, inFlightMax: 3, order: 'any', stripes: 1 } as const;
  const state: HeadState = { ...head, sessionNo: 1, step: { phase: 'moving', session: { inode: '0' }, plan } };
  await table.release(key, claim!.token, { to: 'wait', dueAt: now + DAY_MS, advance: { phase: 'moving', state } }, now);
  const numbered = (...numbers: number[]) => Object.fromEntries(numbers.map((number) => [number, 'tag']));
  const stripe = StripeState.parse({
    ...{ v: 1, transferId: begun.id, sessionNo: 1, index: 0, attempt: 1, want: 3, readyAt: now, block: 1 },
    ...{ have: numbered(36, 34), doneParts: 34, doneBytes: 34 * PART_BYTES - 5, movedAt: now, failures: 0, streak: 0 },
    ...{ starved: 0, rateBytesPerSecond: 2_500_000, fault: null },
  });
  const full = { v: 1, have: numbered(...Array.from({ length: 32 }, (_, i) => i + 1)) };
  const row = { queue: null, dueAt: null, phase: 'kept' };
  await table.create({ ...row, ...stripeKey(begun.id, 1, 0), state: stripe }, now + 1_000);
  await table.create({ ...row, ...receiptsKey(begun.id, 1, 0), state: full }, now);
  return begun;
};
const progress = async () => {
  const { body, status } = await rig.call('GET', '/api/upload/progress');
  expect(status).toBe(200);
  const parsed = UploadProgressList.strict().parse(body);
  expect(body).toEqual(parsed);
  return parsed.uploads;
};
const sessions = async () => {
  const { body, status } = await rig.call('GET', '/api/upload/sessions');
  expect(status).toBe(200);
  const parsed = UploadSessionList.strict().parse(body);
  expect(body).toEqual(parsed);
  return parsed.sessions;
};
const at = (path: string) => rig.call('GET', `/api/upload/progress/${path}`);

describe('progress', () => {
  it('has the words of the guide, counts the bytes, and says nothing that is not known', async () => {
    expect(await progress()).toEqual([]);
    const { id } = await beginHalf();
    const [upload] = await progress();
    expect(upload).toMatchObject({
      id,
      file_name: 'video.mp4',
      file_path: '/影视/2025/video.mp4',
      file_size: SIZE_BYTES,
      status: 'uploading',
      percentage: 94.4,
      uploaded_bytes: 34 * PART_BYTES - 5,
      total_bytes: SIZE_BYTES,
      total_parts: 36,
      uploaded_parts: 34,
      speed_mbps: 2.5,
      eta_seconds: 1,
      error_message: null,
      file_id: null,
      is_quick_upload: false,
    });
  });

  it.each([
    ['encoded', (path: string) => encodeURIComponent(path)],
    ['as it is', (path: string) => path.slice(1)],
    ['with its slash', (path: string) => path],
    ['encoded in its segments', (path: string) => path.split('/').map(encodeURIComponent).join('/')],
  ])('of one file is found by its path, %s', async (_, written) => {
    const name = 'a+b 100% #1?.mp4';
    const { id } = await begin(name, '/影 视');
    const path = `/影 视/${name}`;
    const answer = await at(
      written(
        _ === 'as it is' || _ === 'with its slash'
          ? encodeURI(path).replaceAll('?', '%3F').replaceAll('#', '%23')
          : path,
      ),
    );
    expect(answer.status, answer.text).toBe(200);
    expect(UploadProgress.strict().parse(answer.body)).toMatchObject({ id, file_path: path });
  });

  it('of two with one path is that of the one under way, else of the newest', async () => {
    const first = await begin();
    const second = await begin();
    await rig.force(second.id, done(rig));
    expect((await at('影视/2025/video.mp4')).body).toMatchObject({ id: first.id });
    await rig.force(first.id, failed(rig));
    expect((await at('影视/2025/video.mp4')).body).toMatchObject({ id: second.id, status: 'success', percentage: 100 });
  });

  it('of a path that nobody has, or somebody else, is 404', async () => {
    await begin();
    expectError(await at('影视/2025/other.mp4'), 404, 'progress.unknown');
    expectError(await at('..%2F..%2Fetc%2Fpasswd'), 404, 'progress.unknown');
    const other = { authorization: `Bearer ${OTHER_TOKEN}` };
    const path = `/api/upload/progress/${encodeURIComponent('/影视/2025/video.mp4')}`;
    expectError(await rig.call('GET', path, undefined, other), 404, 'progress.unknown');
  });
});

describe('sessions', () => {
  it('are those that have not arrived, with the numbers of the parts that are there', async () => {
    const { upload } = await beginHalf();
    const [session] = await sessions();
    expect(session).toMatchObject({
      session_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      file_path: '/影视/2025/video.mp4',
      file_size: SIZE_BYTES,
      file_sha1: 'A'.repeat(40),
      target_dir_id: '/影视/2025',
      total_parts: 36,
      uploaded_parts: [...Array.from({ length: 32 }, (_, i) => i + 1), 34, 36],
      upload_id: upload.id,
      progress: 94.4,
    });
    // The last news is a part's.
    expect(Date.parse(session!.updated_at)).toBeGreaterThanOrEqual(Date.parse(session!.created_at) + 1_000);
  });

  it('of a gibibyte has 103 parts of 10 MiB before the destination has named its own', async () => {
    await begin('gib.bin', '/', { sizeBytes: 1024 ** 3 });
    expect(await sessions()).toMatchObject([{ total_parts: 103, uploaded_parts: [], progress: 0, file_sha1: null }]);
  });

  it('have the same id for the same path and folder, another one for another, and are told once', async () => {
    await begin();
    const newest = await begin();
    await begin('video.mp4', '/other');
    const listed = await sessions();
    expect(listed).toHaveLength(2);
    expect(new Set(listed.map(({ session_id }) => session_id)).size).toBe(2);
    expect(listed.map(({ upload_id }) => upload_id)).toContain(newest.upload.id);
    const ids = listed.map(({ session_id }) => session_id).toSorted();
    await begin();
    expect((await sessions()).map(({ session_id }) => session_id).toSorted()).toEqual(ids);
  });

  it('of what has failed are there too, of what arrived or was cancelled not', async () => {
    const ids = [];
    for (const name of ['a', 'b', 'c']) ids.push((await begin(name, '/')).id);
    await rig.force(ids[0]!, failed(rig));
    await rig.force(ids[1]!, done(rig));
    await rig.force(ids[2]!, canceled(rig));
    expect(await sessions()).toMatchObject([{ file_path: '/a' }]);
  });

  it.each(['under way', 'failed'])(
    'that are %s are deleted with every transfer of their id, and gone at once',
    async (state) => {
      const begun = [await begin(), await begin()];
      if (state === 'failed') for (const { id } of begun) await rig.force(id, failed(rig));
      const kept = await begin('kept.mp4');
      const session = (await sessions()).find(({ file_path }) => file_path.endsWith('video.mp4'));
      const answer = await rig.call('DELETE', `/api/upload/sessions/${session!.session_id}`);
      expect([answer.status, answer.body]).toEqual([200, { message: '会话已删除' }]);
      expect((await sessions()).map(({ upload_id }) => upload_id)).toEqual([kept.upload.id]);
      await rig.settle();
      for (const { id } of begun) expect((await rig.table.get(headKey(id)))?.phase).toBe('canceled');
      expect((await rig.table.get(headKey(kept.id)))?.phase).toBe('staging');
      expectError(await rig.call('DELETE', `/api/upload/sessions/${session!.session_id}`), 404, 'session.unknown');
    },
  );

  it('of somebody else are neither told nor deleted', async () => {
    await begin();
    const [session] = await sessions();
    const other = { authorization: `Bearer ${OTHER_TOKEN}` };
    expect((await rig.call('GET', '/api/upload/sessions', undefined, other)).body).toEqual({ sessions: [] });
    const answer = await rig.call('DELETE', `/api/upload/sessions/${session!.session_id}`, undefined, other);
    expectError(answer, 404, 'session.unknown');
    expect(await sessions()).toHaveLength(1);
  });

  it('that are just being finished are not deleted: 409', async () => {
    const { id } = await begin();
    await rig.force(id, finishing(rig));
    const [session] = await sessions();
    expectError(await rig.call('DELETE', `/api/upload/sessions/${session!.session_id}`), 409, 'transfer.finishing');
  });
});

describe('a clean-up', () => {
  const clean = (query = '') => rig.call('POST', `/api/upload/sessions/cleanup${query}`);

  it('gives up what has had no news for seven days, and nothing else', async () => {
    await begin('old.mp4');
    const stuck = await begin('finishing.mp4');
    await rig.force(stuck.id, finishing(rig));
    rig.jump(7 * DAY_MS);
    await begin('new.mp4');
    const answer = await clean();
    expect([answer.status, answer.body]).toEqual([200, { message: '已清理超过7天未更新的会话' }]);
    const left = (await sessions()).map(({ file_path }) => file_path.split('/').at(-1));
    expect(left.toSorted()).toEqual(['finishing.mp4', 'new.mp4']);
  });

  it('goes by the days asked for', async () => {
    await begin('old.mp4');
    rig.jump(4 * DAY_MS);
    await clean();
    expect(await sessions()).toHaveLength(1);
    expect((await clean('?days=3')).body).toEqual({ message: '已清理超过3天未更新的会话' });
    expect(await sessions()).toEqual([]);
  });

  it.each(['0', '-1', '1.5', 'many', '366', ''])('refuses days=%s', async (days) => {
    expectError(await clean(`?days=${days}`), 400, 'request.invalid');
  });
});

it.each([
  ['GET', '/api/upload/progress'],
  ['GET', '/api/upload/progress/a'],
  ['GET', '/api/upload/sessions'],
  ['DELETE', '/api/upload/sessions/a'],
  ['POST', '/api/upload/sessions/cleanup'],
])('%s %s needs a token, and is described', async (method, path) => {
  expectError(await rig.call(method, path, undefined, { authorization: '' }), 401, 'auth.required');
  const { body } = await rig.call('GET', '/docs/openapi.json');
  const described = path.replace('progress/a', 'progress/{file_path}').replace('sessions/a', 'sessions/{session_id}');
  expect((body as any).paths[described]).toHaveProperty(method.toLowerCase());
});
