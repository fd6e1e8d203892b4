/**
 * Nothing that ended is skipped: writes that land late, clocks that differ, posts that fail, processes that die, pumps that race. Seeded;
 * the seed is in the test's name.
 */
import { expect, test } from 'vitest';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { Fault } from '#core/fault.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { WebPost } from '#core/ports/web-post.ts';
import { SETTLED_MS } from '#core/webhooks/news.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { webhookRound } from '../../functions/worker/webhooks.ts';
import { eventId, MINUTE_MS, world } from './world.ts';

const HOUR_MS = 60 * MINUTE_MS;
const STEPS = 400;

function recorder() {
  const told: string[] = [];
  const post: WebPost = {
    check: () => undefined,
    post: async ({ headers }) => {
      told.push(String(headers['webhook-id']));
      return { status: 200, retryAfterMs: null };
    },
  };
  return { told, post };
}

/** Runs until a quiet hour has brought nothing new. */
async function settle({ clock, run }: Pick<ReturnType<typeof world>, 'clock' | 'run'>, told: readonly string[]) {
  for (let before = -1; before !== told.length; ) {
    before = told.length;
    for (let n = 0; n < 4; n++) {
      await clock.advance(HOUR_MS);
      await run();
    }
  }
}

test.each([1, 2, 3, 4, 5, 6])('whatever ends is told, and without mishaps once (seed %i)', async (seed) => {
  const chance = virtualClock({ seed, startMs: 0 });
  const isWild = seed % 2 === 0;
  const pick = (max: number) => Math.floor(chance.random() * max);
  const { told, post } = recorder();
  const whole = memoryCells();
  const w = world(post, whole);
  const fails = (one: number) => isWild && pick(one) === 0;
  const cells: Cells = {
    ...whole,
    swap: async (...call) => {
      if (fails(8)) throw new Fault('transient', 'table.unavailable', 'gone before it was written');
      const isWon = await whole.swap(...call);
      if (fails(8)) throw new Fault('transient', 'table.unavailable', 'gone before that was heard');
      return isWon;
    },
  };
  const shaky: WebPost = {
    ...post,
    post: async (...call) => {
      if (fails(6)) throw new Fault('transient', 'webhook.unreachable', 'not there');
      const answer = await post.post(...call);
      if (fails(6)) throw new Fault('transient', 'webhook.no_answer', 'taken, and not heard of');
      return answer;
    },
  };
  await w.desk.add(w.wanted('https://example.com/'));
  const pumps = [w.start({ cells, post: shaky }), w.start({ cells, post: shaky })];
  const active: TransferId[] = [];
  const failed: { readonly id: TransferId; readonly attempt: number }[] = [];
  const attempts = new Map<TransferId, number>();
  const standing = new Set<string>();

  const deeds = [
    async () => {
      const id = await w.create();
      attempts.set(id, 1);
      active.push(id);
    },
    async () => {
      const [id] = active.splice(pick(active.length), 1);
      if (id === undefined) return;
      // Stamped by a clock that is ahead, or long before it lands.
      const lateMs = [-5_000, 0, pick(1_000), pick(SETTLED_MS - 1)][pick(4)] ?? 0;
      const ending = pick(3) === 0 ? 'failed' : 'done';
      await w.end(id, ending, Math.max(w.clock.now() - lateMs, startOf(id)));
      const attempt = attempts.get(id) ?? 1;
      standing.add(eventId(id, attempt));
      if (ending === 'failed') failed.push({ id, attempt });
    },
    async () => {
      const [found] = failed.splice(pick(failed.length), 1);
      if (found === undefined) return;
      await w.retry(found.id);
      // It has not ended any more: it may have been told, and need not be.
      standing.delete(eventId(found.id, found.attempt));
      attempts.set(found.id, found.attempt + 1);
      active.push(found.id);
    },
    async () => w.clock.advance(pick(30_000)),
    async () => w.run(pumps[pick(2)]),
    async () => void (await Promise.all(pumps.map((pump) => w.run(pump)))),
  ];
  /** Nothing ends before the webhook was there. */
  const startedAtMs = w.clock.now();
  const startOf = (_: TransferId) => startedAtMs;

  for (let step = 0; step < STEPS; step++) await deeds[pick(deeds.length)]?.();
  await settle(w, told);
  expect([...standing].filter((id) => !told.includes(id))).toEqual([]);
  if (!isWild) expect(new Set(told).size).toBe(told.length);
  expect(told.length).toBeGreaterThan(30);
});

test('a thousand ends of one moment are told once each, in a cell that stays in its bounds', async () => {
  const { told, post } = recorder();
  const cells = memoryCells();
  let largest = 0;
  const measured: Cells = {
    ...cells,
    swap: async (key, v, value) => {
      largest = Math.max(largest, JSON.stringify(value).length);
      return cells.swap(key, v, value);
    },
  };
  const w = world(post, measured);
  await w.desk.add(w.wanted('https://example.com/'));
  for (let n = 0; n < 1_000; n++) await w.end(await w.create(), 'done', w.clock.now() + (n % 7));
  await w.run();
  // The first of them at once.
  expect(told.length).toBe(256);
  await settle(w, told);
  expect(told).toHaveLength(1_000);
  expect(new Set(told).size).toBe(1_000);
  expect(largest).toBeLessThan(32 * 1024);
});

test('a Worker posts 40 times in a call at most, and goes on in the next', async () => {
  const { told, post } = recorder();
  const w = world(post);
  for (let n = 0; n < 2; n++) await w.desk.add(w.wanted(`https://example.com/${n}`));
  for (let n = 0; n < 30; n++) await w.end(await w.create());
  const round = webhookRound({ webhooks: { pump: w.start() }, engine: w });
  await round();
  expect(told).toHaveLength(40);
  await round();
  expect(told).toHaveLength(60);
});

test('the bound is one: what lands more than two minutes after its time, behind what was settled, is not told', async () => {
  const { told, post } = recorder();
  const w = world(post);
  await w.desk.add(w.wanted('https://example.com/'));
  const [late, prompt] = [await w.create(), await w.create()];
  const stampedMs = w.clock.now();
  await w.clock.advance(1);
  await w.end(prompt);
  await w.clock.advance(SETTLED_MS);
  await w.run();
  await w.end(late, 'done', stampedMs);
  await settle(w, told);
  expect(told).toEqual([eventId(prompt)]);
});
