/** Rumours by way of a real redis-server: there, gone, silent, and back again. */
import { randomUUID } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { createClient } from '@redis/client';
import { afterAll, describe, expect, it } from 'vitest';
import { Envelope } from '#adapters/http-progress/envelope.ts';
import { pendingRumours } from '#adapters/http-progress/pending.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { redisProgress } from '#adapters/redis/progress.ts';
import type { Rumour } from '#core/ports/progress.ts';
import { movedView, uploadId } from '../relay/views.ts';
import { startRedis } from '../support/redis.ts';
import { progressContract } from './progress.contract.ts';

const shared = await startRedis();
const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends) await end();
  await shared?.[Symbol.asyncDispose]();
});

const transfer = (number: number, parts = 1): Rumour => ({
  kind: 'transfer',
  ownerId: 'local',
  view: movedView(number, parts),
});

/** The half of a relay that talks to others. Its time passes when it is told to. */
function relay(url: string, prefix: string) {
  const clock = virtualClock({ seed: 1, startMs: 1_800_000_000_000 });
  const heard: Rumour[] = [];
  const backs: null[] = [];
  const reasons: string[] = [];
  const news = new EventTarget();
  const onNews = () => news.dispatchEvent(new Event('news'));
  const progress = redisProgress({
    url,
    prefix,
    clock,
    near: memoryProgress(),
    pending: pendingRumours(),
    read: (text) => Envelope.safeParse(JSON.parse(text)).data?.rumours ?? null,
    onBack: () => {
      backs.push(null);
      onNews();
    },
    onAway: (reason) => {
      reasons.push(reason);
      onNews();
    },
  });
  ends.push(progress.close);
  progress.subscribe((rumours) => {
    heard.push(...rumours);
    onNews();
  });
  async function until(isSo: () => boolean): Promise<void> {
    while (!isSo())
      await new Promise<void>((resolve) => news.addEventListener('news', () => resolve(), { once: true }));
  }
  return {
    ...progress,
    clock,
    heard,
    reasons,
    until,
    hears: (rumour: Rumour) => until(() => heard.some((one) => JSON.stringify(one) === JSON.stringify(rumour))),
    back: (times: number) => until(() => backs.length >= times),
    away: (times: number) => until(() => reasons.length >= times),
  };
}

async function twoRelays(url: string, prefix = `${randomUUID()}:`) {
  const [a, b] = [relay(url, prefix), relay(url, prefix)];
  await Promise.all([a.back(1), b.back(1)]);
  const close = () => {
    for (const one of [a, b]) one.close();
  };
  return { a, b, close };
}

describe.runIf(shared !== null)('redis', () => {
  const url = shared?.url ?? '';

  progressContract({
    name: 'Redis, from one relay to another',
    make: async () => {
      const { a, b, close } = await twoRelays(url);
      return {
        subject: { publish: a.publish, subscribe: b.subscribe },
        cleanup: close,
      };
    },
  });

  progressContract({
    name: 'Redis, one relay by itself',
    make: async () => {
      const { a, close } = await twoRelays(url);
      return { subject: a, cleanup: close };
    },
  });

  it('relays hear each other, each rumour once, and nobody of another prefix', async () => {
    const { a, b } = await twoRelays(url);
    const other = await twoRelays(url);
    await a.publish([transfer(1), transfer(2)]);
    await b.hears(transfer(2));
    await b.publish([transfer(3)]);
    await a.hears(transfer(3));
    await a.publish([transfer(4)]);
    await b.hears(transfer(4));
    expect(a.heard).toEqual([1, 2, 3, 4].map((number) => transfer(number)));
    expect(b.heard).toEqual(a.heard);
    await other.a.publish([transfer(5)]);
    await other.b.hears(transfer(5));
    expect(other.b.heard).toHaveLength(1);
  });

  it('of all who take a name the first has it, and others on the same Redis have names of their own', async () => {
    const { a, b } = await twoRelays(url);
    const other = await twoRelays(url);
    const takers = [a, b, a, b].map(({ take }) => take('ticket:1', 60_000));
    expect((await Promise.all(takers)).filter(Boolean)).toHaveLength(1);
    expect(await other.a.take('ticket:1', 60_000)).toBe(true);
  });

  it('what is no message of ours is passed over', async () => {
    const prefix = `${randomUUID()}:`;
    const { a, b } = await twoRelays(url, prefix);
    const stranger = await createClient({ url }).connect();
    for (const text of ['{}', '{"from":"x","rumours":[{"kind":"gossip"}]}', ' '.repeat(300_000)]) {
      await stranger.publish(`${prefix}progress`, text);
    }
    stranger.destroy();
    await a.publish([transfer(1)]);
    await b.hears(transfer(1));
    expect(b.heard).toHaveLength(1);
  });

  it('with a wrong password nothing is thrown, a code is told once, and no secret', async () => {
    const alone = relay(url.replace(/:[^:@/]+@/, ':another-password@'), 'any:');
    await alone.away(1);
    await alone.publish([transfer(1)]);
    await alone.hears(transfer(1));
    expect(alone.reasons).toEqual(['WRONGPASS']);
    await expect(alone.take('ticket:1', 1)).rejects.toMatchObject({ code: 'redis.away' });
  });

  it('Redis killed: own viewers go on; back: others are told the last of what waited, and what comes', async () => {
    await using redis = await startRedis();
    if (redis === null) return;
    const { a, b } = await twoRelays(redis.url);
    await redis.kill();
    await Promise.all([a.away(1), b.away(1)]);
    for (const parts of [1, 2, 3]) await a.publish([transfer(1, parts)]);
    expect(a.heard).toHaveLength(3);
    expect(a.stats().waiting).toBe(1);
    // A try at a port where nobody listens.
    await b.clock.advance(250);
    await redis.start();
    await reconnected(b);
    await reconnected(a);
    await b.hears(transfer(1, 3));
    await b.publish([transfer(2)]);
    await a.hears(transfer(2));
    expect([a.reasons, b.reasons]).toEqual([[expect.any(String)], [expect.any(String)]]);
    expect(b.heard).toHaveLength(2);
  });

  it('Redis silent: nobody waits, what waits is bounded, and the connection is made anew', async () => {
    await using redis = await startRedis();
    if (redis === null) return;
    const { a, b } = await twoRelays(redis.url);
    redis.freeze();
    for (let number = 1; number <= 3_000; number++) await a.publish([transfer(number)]);
    expect(a.heard).toHaveLength(3_000);
    expect(a.stats().waiting).toBeLessThanOrEqual(1_000);
    const taking = expect(a.take('ticket:1', 1)).rejects.toMatchObject({ code: 'redis.silent' });
    await a.clock.advance(1_000);
    await taking;
    await a.clock.advance(4_000);
    await a.away(1);
    expect(a.reasons).toEqual(['redis.silent']);
    redis.thaw();
    await reconnected(a);
    await b.hears(transfer(3_000));
    expect(a.stats().waiting).toBe(0);
  });

  it('a relay that does not read is cut off by Redis, delays nobody, and comes back to hear news', async () => {
    await using redis = await startRedis({ more: ['client-output-buffer-limit pubsub 512kb 512kb 1'] });
    if (redis === null) return;
    const proxy = await slowProxy(redis.port);
    const prefix = `${randomUUID()}:`;
    const a = relay(redis.url, prefix);
    const slow = relay(redis.url.replace(String(redis.port), String(proxy.port)), prefix);
    await Promise.all([a.back(1), slow.back(1)]);
    const asking = await createClient({ url: redis.url }).connect();
    const channel = `${prefix}progress`;
    const listeners = async () => (await asking.pubSubNumSub([channel]))[channel];
    expect(Number(await listeners())).toBe(2);
    proxy.pause();
    const chunks = Array.from({ length: 1_000 }, (_, n) => ({ number: n + 1, sizeBytes: 10 }));
    while (Number(await listeners()) > 1) {
      await a.publish([{ kind: 'staged', ownerId: 'local', uploadId: uploadId(1), chunks }]);
      expect(a.stats().waiting).toBeLessThanOrEqual(1_000);
    }
    expect(a.stats().unsaid).toBe(0);
    asking.destroy();
    proxy.resume();
    await slow.away(1);
    await reconnected(slow);
    await a.publish([transfer(1)]);
    await slow.hears(transfer(1));
  });
});

/** Longer than the first waits between two tries, shorter than any patience with Redis. */
const WAIT_MS = 2_500;

/** Lets waits between tries pass until there is a connection again. */
async function reconnected({ clock, back }: ReturnType<typeof relay>): Promise<void> {
  let isBack = false;
  const done = back(2).then(() => {
    isBack = true;
  });
  while (!isBack) {
    if ((clock.next() ?? Number.POSITIVE_INFINITY) - clock.now() <= WAIT_MS) await clock.step();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
}

/** Passes bytes on, but may stop reading what the far side says. */
async function slowProxy(port: number) {
  const fars = new Set<Socket>();
  let isPaused = false;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    fars.add(far);
    near.pipe(far);
    far.on('data', (bytes) => near.write(bytes));
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    for (const socket of [near, far]) socket.on('error', () => undefined);
    if (isPaused) far.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => void server.close());
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    pause: () => {
      isPaused = true;
      for (const far of fars) far.pause();
    },
    resume: () => {
      isPaused = false;
      for (const far of fars) far.resume();
    },
  };
}
