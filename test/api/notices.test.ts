/** A word to whoever watches, and how many do. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { progressHub } from '#core/progress/hub.ts';
import type { ServerFrame } from '#core/wire/socket.ts';
import { type Api, createApi } from '../../functions/api.ts';
import { connectionStats } from '../../relay/stats-answer.ts';
import { expectError } from './expect-error.ts';
import { type Answer, type ApiRig, apiRig, TOKEN } from './rig.ts';

let rig: ApiRig;
let api: Api;
let clock: ReturnType<typeof virtualClock>;
let hub: ReturnType<typeof progressHub>;

beforeEach(async () => {
  rig = await apiRig();
  clock = virtualClock({ seed: 1, startMs: 0 });
  const progress = memoryProgress();
  hub = progressHub({ feed: progress, clock, epoch: 'e', readTransfers: async () => [] });
  api = createApi({
    engine: { ...rig.engine, progress },
    intake: rig.intake,
    authenticate: (token) => (token === TOKEN ? 'local' : null),
    issueTicket: () => ({ ticket: 'ticket', expiresAtMs: 0 }),
    sockets: (ownerId) =>
      connectionStats(
        { sockets: { stats: () => ({ connections: 3, owners: 2, bufferedBytes: 5, refused: 1 }) }, hub },
        ownerId,
      ),
  });
});
afterEach(async () => {
  hub.close();
  await rig[Symbol.asyncDispose]();
});

async function call(method: string, path: string, body?: unknown, token = TOKEN): Promise<Answer> {
  const answer = await api.request(path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, body: JSON.parse(text) };
}
function watch(ownerId: string) {
  const heard: unknown[] = [];
  const viewer = { isSlow: false };
  hub.subscribe(ownerId, (frame: ServerFrame) => {
    if (viewer.isSlow) return 'full';
    if (frame.event === 'notification') heard.push(frame.data);
    return 'sent';
  });
  return { heard, viewer };
}
const notice = { title: '完成', content: '三个文件', type: 'success' };

it('a notification goes to all connections of one owner, or to everybody, in order, also to the slow', async () => {
  const mine = [watch('local'), watch('local')];
  const other = watch('other');
  mine[0]!.viewer.isSlow = true;
  const answer = await call('POST', '/send-notification', { ...notice, user_id: 'local' });
  expect([answer.status, answer.body]).toEqual([200, { message: '通知已发送' }]);
  await call('POST', '/send-notification', { title: 'all', content: '' });
  const all = { title: 'all', content: '', type: 'info' };
  await clock.advance(1_000);
  expect([mine[0]!.heard, mine[1]!.heard, other.heard]).toEqual([[], [notice, all], [all]]);
  mine[0]!.viewer.isSlow = false;
  await clock.advance(1_000);
  expect(mine[0]!.heard).toEqual([notice, all]);
});

it.each([
  ['no title', { title: '' }],
  ['a long text', { content: 'x'.repeat(2_001) }],
  ['a strange type', { type: '<b>' }],
])('with %s is refused', async (_, wrong) => {
  expectError(await call('POST', '/send-notification', { ...notice, ...wrong }), 400, 'request.invalid');
});

it('the statistics count connections and owners, and say who watches', async () => {
  watch('local');
  const counted = { total_connections: 3, total_users: 2, buffered_bytes: 5, refused: 1 };
  expect((await call('GET', '/stats')).body).toEqual(counted);
  expect((await call('GET', '/stats?user_id=local')).body).toEqual({ ...counted, user_connected: true });
  expect((await call('GET', '/stats?user_id=nobody')).body).toEqual({ ...counted, user_connected: false });
});

it.each([
  ['GET', '/stats'],
  ['POST', '/send-notification'],
])('%s %s needs a token, and is described', async (method, path) => {
  expectError(await call(method, path, method === 'POST' ? notice : undefined, 'nobody'), 401, 'auth.required');
  const { paths } = (await (await api.request('/docs/openapi.json')).json()) as any;
  expect(paths[path]).toHaveProperty(method.toLowerCase());
});
