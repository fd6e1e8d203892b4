/** What webhooks are told, when, how often and in which order: pumps on virtual time, a strict receiver on a real socket. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { nodePost } from '#adapters/webhook-post/node.ts';
import type { Finding } from '#core/watch/finding.ts';
import { webhookRounds } from '#core/webhooks/rounds.ts';
import { answering, cutting, type Receiver, silent, startReceiver, taking } from './receiver.ts';
import { eventId, MINUTE_MS, world } from './world.ts';

const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let receiver: Receiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver[Symbol.asyncDispose]());

const post = nodePost({ reach: 'near' });
const ids = () => receiver.heard.map(({ id }) => id);

async function told(more: Partial<ReturnType<ReturnType<typeof world>['wanted']>> = {}, cells = memoryCells()) {
  const w = world(post, cells);
  const hook = await w.desk.add({ ...w.wanted(receiver.url), ...more });
  receiver.trust(hook.secret);
  return { ...w, hook, view: () => w.desk.get(hook.id) };
}

test('what ends is told once, with the transfer as the API shows it, and what ended before is not', async () => {
  const { create, end, clock, run, desk, hook, ...w } = await told();
  const before = await create();
  await end(before, 'done', clock.now() - 1);
  const all = [await create(), await create(), await create()] as const;
  await run();
  expect(ids()).toEqual([]);
  for (const [n, ending] of (['done', 'failed', 'canceled'] as const).entries()) {
    await clock.advance(10);
    await end(all[n] ?? before, ending);
  }
  for (let n = 0; n < 3; n++) await run();
  await clock.advance(10 * MINUTE_MS);
  await run();
  expect(receiver.heard.map(({ id, type }) => [id, type])).toEqual([
    [eventId(all[0]), 'transfer.delivered'],
    [eventId(all[1]), 'transfer.failed'],
    [eventId(all[2]), 'transfer.canceled'],
  ]);
  expect(receiver.heard[1]?.data).toMatchObject({ id: all[1], status: 'failed', error: { code: 'folder.disk_full' } });
  expect(receiver.refused).toEqual([]);
  expect(await w.view()).toMatchObject({ status: 'active', last: { status: 204, event: 'transfer.canceled' } });
  expect((await desk.deliveries(hook.id)).map(({ eventId: id }) => id)).toEqual(ids().toReversed());
  expect(JSON.stringify([await w.view(), await desk.deliveries(hook.id)])).not.toContain(hook.secret);
});

test('events and destinations that are not wanted are passed over for good', async () => {
  const { create, end, run, desk, hook } = await told({ events: ['transfer.failed'], destinations: ['oss'] });
  await end(await create('folder'), 'failed');
  await end(await create('oss'), 'done');
  const wanted = await create('oss');
  await end(wanted, 'failed');
  await run();
  await desk.change(hook.id, { events: ['transfer.delivered', 'transfer.failed'], destinations: [] });
  await run();
  expect(ids()).toEqual([eventId(wanted)]);
});

test('a retry that ends is told as another event', async () => {
  const { create, end, retry, run, clock } = await told();
  const id = await create();
  await end(id, 'failed');
  await run();
  await retry(id);
  await run();
  await clock.advance(1);
  await end(id, 'done');
  await run();
  expect(ids()).toEqual([eventId(id), eventId(id, 2)]);
});

test('an alert is told when it is raised and when it is over, each once', async () => {
  const { alerts, run, clock } = await told();
  const finding: Finding = { kind: 'failure_rate', subject: '', state: 'bad', message: 'many', values: {} };
  const [alert] = (await alerts.settle([finding])).raised;
  for (let n = 0; n < 2; n++) await run();
  await clock.advance(MINUTE_MS);
  await alerts.settle([{ ...finding, state: 'good' }]);
  for (let n = 0; n < 2; n++) await run();
  const name = alert?.id.slice(4);
  expect(receiver.heard.map(({ id, type }) => [id, type])).toEqual([
    [`evt_${name}_raised`, 'alert.raised'],
    [`evt_${name}_cleared`, 'alert.cleared'],
  ]);
});

test('what is not taken is told again, 5 s later at first and an hour at last, and nothing passes it', async () => {
  const { create, end, run, clock, view } = await told();
  receiver.behave(answering(500));
  const first = await create();
  await end(first);
  await clock.advance(1);
  const second = await create();
  await end(second);
  await run();
  await run();
  expect(ids()).toEqual([eventId(first)]);
  expect(await view()).toMatchObject({ status: 'retrying', last: { status: 500, code: null } });
  await clock.advance(5_000);
  await run();
  expect(ids()).toHaveLength(2);
  for (let n = 0; n < 12; n++) {
    await clock.advance(HOUR_MS);
    await run();
  }
  expect(new Set(ids())).toEqual(new Set([eventId(first)]));
  const { nextTryAt } = await view();
  expect(Date.parse(nextTryAt ?? '') - clock.now()).toBeLessThanOrEqual(HOUR_MS);
  expect(Date.parse(nextTryAt ?? '') - clock.now()).toBeGreaterThan(HOUR_MS / 2);
  receiver.behave(taking);
  await clock.advance(HOUR_MS);
  await run();
  expect(ids().slice(-2)).toEqual([eventId(first), eventId(second)]);
  expect(await view()).toMatchObject({ status: 'active', failingSince: null, nextTryAt: null });
});

test('a redirect is not taken, and who asks for time is given it', async () => {
  const { create, end, run, clock } = await told();
  receiver.behave(answering(302, { location: '/', 'retry-after': '600' }));
  await end(await create());
  await run();
  await clock.advance(599_000);
  await run();
  expect(ids()).toHaveLength(1);
  await clock.advance(1_000);
  await run();
  expect(ids()).toHaveLength(2);
});

test('410 stops it at once, and a change lets it go on where it was', async () => {
  const { create, end, run, clock, view, notices, desk, hook } = await told();
  receiver.behave(answering(410));
  const first = await create();
  await end(first);
  await run();
  await clock.advance(DAY_MS);
  const second = await create();
  await end(second);
  await run();
  expect(ids()).toEqual([eventId(first)]);
  expect(await view()).toMatchObject({ status: 'gone', last: { status: 410 } });
  expect(notices).toMatchObject([{ type: 'warning', content: expect.stringContaining(hook.id) }]);
  expect(JSON.stringify(notices)).not.toContain(receiver.url);
  receiver.behave(taking);
  expect(await desk.change(hook.id, { enabled: true })).toMatchObject({ status: 'active' });
  await run();
  expect(ids()).toEqual([eventId(first), eventId(first), eventId(second)]);
});

test('after three days without a taker it is paused and a person is told; a home that was off has not tried', async () => {
  const { create, end, run, clock, view, notices, logged } = await told();
  await receiver[Symbol.asyncDispose]();
  await end(await create());
  await run();
  await clock.advance(4 * DAY_MS);
  await run();
  expect(await view()).toMatchObject({ status: 'retrying', last: { status: null, code: 'webhook.unreachable' } });
  for (let n = 0; n < 10; n++) {
    await clock.advance(HOUR_MS);
    await run();
  }
  expect(await view()).toMatchObject({ status: 'paused', nextTryAt: null });
  expect(notices).toHaveLength(1);
  expect(logged).toEqual(['webhook.stopped']);
  receiver = await startReceiver();
});

test('one that is turned off is told nothing', async () => {
  const { create, end, run, desk, hook } = await told();
  await desk.change(hook.id, { enabled: false });
  await end(await create());
  await run();
  expect(ids()).toEqual([]);
  expect(await desk.get(hook.id)).toMatchObject({ status: 'off' });
});

test('a crash after it was taken and before that was written down tells it again, under the same id and in order', async () => {
  const cells = memoryCells();
  const { create, end, clock, start, run } = await told({}, cells);
  const all = [];
  for (let n = 0; n < 3; n++) {
    await clock.advance(1);
    const id = await create();
    await end(id);
    all.push(eventId(id));
  }
  let writes = 0;
  const dying = { ...cells, swap: dies };
  // The lease, then one write for each that was taken.
  async function dies(...call: Parameters<typeof cells.swap>): Promise<boolean> {
    if (++writes > 2) throw new Error('the process is gone');
    return cells.swap(...call);
  }
  await run(start({ cells: dying }));
  expect(ids()).toEqual(all.slice(0, 2));
  await run();
  expect(ids()).toHaveLength(2);
  await clock.advance(MINUTE_MS);
  await run();
  expect(ids()).toEqual([all[0], all[1], all[1], all[2]]);
});

test('a connection that is cut after it was taken is told again, under the same id', async () => {
  const { create, end, run, clock } = await told();
  receiver.behave(cutting);
  const id = await create();
  await end(id);
  await run();
  receiver.behave(taking);
  await clock.advance(5_000);
  await run();
  expect(ids()).toEqual([eventId(id), eventId(id)]);
  expect(new Set(receiver.heard.map(({ body }) => body)).size).toBe(1);
});

test('of two pumps at once one tells', async () => {
  const { create, end, start, run } = await told();
  for (let n = 0; n < 5; n++) await end(await create());
  await Promise.all([run(start()), run(start()), run(start())]);
  await run();
  expect(ids()).toHaveLength(5);
  expect(new Set(ids()).size).toBe(5);
});

test('one who lost its lease on the way tells and writes nothing more', async () => {
  const { create, end, start, run, clock, cells, hook } = await told();
  const [first, second] = [await create(), await create()];
  for (const id of [first, second]) await end(id);
  const answers: (() => void)[] = [];
  receiver.behave((answer) => void answers.push(() => answer.writeHead(204).end()));
  const slow = run(start());
  await receiver.next();
  await clock.advance(MINUTE_MS);
  receiver.behave(taking);
  await run(start());
  const state = await cells.read({ pk: 'WEBHOOK-STATE', sk: hook.id });
  for (const answer of answers) answer();
  await slow;
  expect(await cells.read({ pk: 'WEBHOOK-STATE', sk: hook.id })).toEqual(state);
  expect(ids()).toEqual([eventId(first), eventId(first), eventId(second)]);
});

test('a receiver that never answers keeps no other webhook from being told, and a stop waits for nobody', async () => {
  const { create, end, progress, clock, start, desk, wanted, logged } = await told();
  receiver.behave(silent);
  await using other = await startReceiver();
  other.trust((await desk.add(wanted(other.url))).secret);
  const note = (event: string) => void logged.push(event);
  const log = { info: note, error: note };
  const rounds = webhookRounds({ pump: start(), feed: progress, clock, log, everyMs: MINUTE_MS, gatherMs: 200 });
  const ring = () =>
    progress.publish([{ kind: 'notice', ownerId: null, notice: { title: 'x', content: '', type: 'info' } }]);
  for (let n = 1; n <= 3; n++) {
    await end(await create());
    const heard = other.next();
    await ring();
    await clock.advance(1_000);
    await heard;
  }
  expect(receiver.heard).toHaveLength(1);
  const stopping = rounds.stop();
  await clock.advance(1_000);
  await stopping;
  expect(logged).toEqual([]);
});

test('a bell that rings while a round is under way is not lost', async () => {
  const { create, end, run, start } = await told();
  const pump = start();
  const [first, second] = [await create(), await create()];
  await end(first);
  let isFirst = true;
  receiver.behave((answer) => {
    if (!isFirst) return taking(answer, receiver.heard[0] as never);
    isFirst = false;
    void end(second)
      .then(() => run(pump))
      .then(() => answer.writeHead(204).end());
  });
  await run(pump);
  expect(ids()).toEqual([eventId(first), eventId(second)]);
});

test('a ping says what came back and changes nothing; a webhook that was removed is told nothing', async () => {
  const { desk, hook, create, end, run, view } = await told();
  expect(await desk.test(hook.id, new AbortController().signal)).toMatchObject({ ok: true, status: 204, code: null });
  receiver.behave(answering(404));
  expect(await desk.test(hook.id, new AbortController().signal)).toMatchObject({ ok: false, status: 404 });
  expect(receiver.heard).toMatchObject([
    { type: 'ping', data: { webhookId: hook.id } },
    { type: 'ping', data: { webhookId: hook.id } },
  ]);
  expect(await view()).toMatchObject({ status: 'active', last: null });
  await desk.remove(hook.id);
  await end(await create());
  await run();
  expect(receiver.heard).toHaveLength(2);
  await expect(desk.get(hook.id)).rejects.toMatchObject({ code: 'webhook.unknown' });
});

test('a secret under another key is a failure that is shown, and posts nothing', async () => {
  const { create, end, run, view, desk, hook, cells } = await told();
  const cell = await cells.read({ pk: 'WEBHOOK', sk: hook.id });
  await cells.swap({ pk: 'WEBHOOK', sk: hook.id }, 1, { ...Object(cell?.value), secret: 'of another key' });
  await end(await create());
  await run();
  expect(await view()).toMatchObject({ status: 'retrying', last: { code: 'credentials.unreadable' } });
  const tested = await desk.test(hook.id, new AbortController().signal);
  expect(tested).toMatchObject({ ok: false, code: 'credentials.unreadable' });
  expect(receiver.heard).toEqual([]);
});
