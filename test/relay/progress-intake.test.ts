/** Rumours by signed HTTP, over a real socket: from a function's sink to whoever watches a relay. */
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BODY_BYTES_MAX } from '#adapters/http-progress/envelope.ts';
import type { GatheredProgress } from '#adapters/http-progress/gathered.ts';
import { httpProgressSink } from '#adapters/http-progress/sink.ts';
import { type VirtualClock, virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { SIGNATURE_HEADER, signatureOf, TIMESTAMP_HEADER } from '#clients/posts/signature.ts';
import type { Rumour } from '#core/ports/progress.ts';
import { progressIntake } from '../../relay/progress-intake.ts';
import { movedView, transferView, uploadId } from './views.ts';

const START_MS = 1_800_000_000_000;
const SECRET = 'a-secret-of-functions-and-relays';

let clock: VirtualClock;
let heard: Rumour[];
let requests: { readonly atMs: number; readonly bytes: number; readonly status: number }[];
let take: (request: Request) => Promise<Response>;
let url: string;
let sink: GatheredProgress;
let close: () => Promise<void>;

beforeEach(async () => {
  clock = virtualClock({ seed: 1, startMs: START_MS });
  heard = [];
  requests = [];
  const feed = memoryProgress();
  feed.subscribe((rumours) => void heard.push(...rumours));
  take = progressIntake({ secrets: ['the-next-secret', SECRET], clock, sink: feed });
  const server = createServer(
    getRequestListener(async (request) => {
      const atMs = clock.now();
      const bytes = Number(request.headers.get('content-length'));
      const response = await take(request);
      requests.push({ atMs, bytes, status: response.status });
      return response;
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/internal/progress`;
  sink = httpProgressSink({ url, secret: SECRET, clock });
  close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
});
afterEach(() => close());

const transfer = (view = movedView(1, 1)): Rumour => ({ kind: 'transfer', ownerId: 'local', view });
const staged = (number: number, chunks: readonly number[]): Rumour => ({
  kind: 'staged',
  ownerId: 'local',
  uploadId: uploadId(number),
  chunks: chunks.map((chunk) => ({ number: chunk, sizeBytes: 10 })),
});
const ask = (id: string): Rumour => ({
  kind: 'ask',
  ownerId: 'local',
  uploadId: uploadId(1),
  asks: [{ id, algorithm: 'sha1', start: 0, end: 10 }],
});
/** Time passes as far as the sink waits for it. */
const flushed = () => clock.run(sink.flush(new AbortController().signal), 60_000);

describe('the sink', () => {
  it('tells every kind of rumour as it was published', async () => {
    const rumours = [transfer(), staged(1, [1, 2]), ask('a')];
    await sink.publish(rumours);
    await flushed();
    expect(heard).toEqual(rumours);
    expect(sink.stats()).toEqual({ posts: 1, failedPosts: 0, lostRumours: 0 });
  });

  it('sends the first news at once and what follows twice a second at most, of a transfer only its last view', async () => {
    for (let part = 1; part <= 5; part++) await sink.publish([transfer(movedView(1, part))]);
    await sink.publish([transfer(movedView(2, 1))]);
    await flushed();
    await sink.publish([transfer(movedView(1, 6))]);
    await flushed();
    await sink.publish([transfer(movedView(1, 7))]);
    await flushed();
    const gaps = requests.slice(1).map(({ atMs }, i) => atMs - (requests[i]?.atMs ?? 0));
    expect(gaps.every((ms) => ms >= 500)).toBe(true);
    const moved = heard.map((rumour) => rumour.kind === 'transfer' && `${rumour.view.name} ${rumour.view.partsDone}`);
    expect(moved.slice(-4)).toEqual(['1.mp4 5', '2.mp4 1', '1.mp4 6', '1.mp4 7']);
    expect(moved.length).toBeLessThanOrEqual(5);
  });

  it('a relay that refuses or is away costs rumours, and no rejection', async () => {
    const stranger = httpProgressSink({ url, secret: 'another secret', clock });
    await stranger.publish([transfer()]);
    await clock.run(stranger.flush(new AbortController().signal), 60_000);
    expect(stranger.stats()).toMatchObject({ posts: 1, failedPosts: 1 });
    await close();
    await sink.publish([transfer()]);
    await flushed();
    expect(sink.stats()).toMatchObject({ posts: 1, failedPosts: 1 });
    expect(heard).toEqual([]);
  });

  it('is not led elsewhere by a redirect', async () => {
    take = async () => new Response(null, { status: 307, headers: { location: url } });
    await sink.publish([transfer()]);
    await flushed();
    expect(requests).toHaveLength(1);
    expect(sink.stats()).toMatchObject({ failedPosts: 1 });
  });

  it('keeps bodies within what a relay takes, whatever is told', async () => {
    const name = '测'.repeat(80);
    const views = Array.from({ length: 1000 }, (_, n) => transfer(transferView(n + 1, { name })));
    const chunks = Array.from({ length: 10_000 }, (_, n) => n + 1);
    await sink.publish([staged(1, chunks), ...views.slice(0, 900)]);
    await flushed();
    expect(requests.length).toBeGreaterThan(2);
    expect(requests.every(({ bytes, status }) => bytes <= BODY_BYTES_MAX && status === 204)).toBe(true);
    const told = heard.flatMap((rumour) => (rumour.kind === 'staged' ? rumour.chunks.map(({ number }) => number) : []));
    expect(told).toEqual(chunks);
    expect(heard.filter(({ kind }) => kind === 'transfer')).toHaveLength(900);
    expect(sink.stats().lostRumours).toBe(0);
  });

  it('keeps the newest thousand when a relay is slow, and counts what it lost', async () => {
    const views = Array.from({ length: 1500 }, (_, n) => transfer(transferView(n + 1)));
    await sink.publish([...views.slice(0, 1000), transfer(movedView(1, 7)), ...views.slice(1000)]);
    await flushed();
    expect(heard).toContainEqual(transfer(movedView(1, 7)));
    expect(sink.stats().lostRumours).toBe(500);
    expect(heard).toHaveLength(1000);
  });

  it('flush ends when its signal does, and at once when there is nothing to tell', async () => {
    await sink.flush(new AbortController().signal);
    const { promise: never, resolve: atLast } = Promise.withResolvers<Response>();
    take = () => never;
    await sink.publish([transfer()]);
    const stop = new AbortController();
    const ended = sink.flush(stop.signal);
    stop.abort();
    await ended;
    atLast(new Response(null, { status: 204 }));
    await sink.flush(AbortSignal.abort());
    await flushed();
  });
});

describe('the intake', () => {
  const body = JSON.stringify({ rumours: [transfer()] });
  const request = (
    changes: { body?: string; signed?: string; atMs?: number; secret?: string; sentAtMs?: number } = {},
  ) => {
    const timestamp = String(changes.atMs ?? START_MS);
    const signature = signatureOf(
      changes.secret ?? SECRET,
      timestamp,
      Buffer.from(changes.signed ?? changes.body ?? body),
    );
    return take(
      new Request('http://relay/internal/progress', {
        method: 'POST',
        headers: { [TIMESTAMP_HEADER]: String(changes.sentAtMs ?? timestamp), [SIGNATURE_HEADER]: signature },
        body: changes.body ?? body,
      }),
    );
  };
  const statusOf = async (...args: Parameters<typeof request>) => (await request(...args)).status;

  it('takes what is signed by either secret', async () => {
    expect(await statusOf()).toBe(204);
    expect(await statusOf({ secret: 'the-next-secret' })).toBe(204);
    expect(heard).toHaveLength(2);
  });

  it.each([
    ['another secret', { secret: 'another' }],
    ['another body', { signed: JSON.stringify({ rumours: [] }) }],
    ['another time', { sentAtMs: START_MS + 1 }],
    ['a time more than five minutes ago', { atMs: START_MS - 300_001 }],
    ['a time more than five minutes ahead', { atMs: START_MS + 300_001 }],
  ])('refuses %s', async (_, changes) => {
    expect(await statusOf(changes)).toBe(401);
    expect(heard).toEqual([]);
  });

  it.each([-300_000, 300_000])('takes what is %i ms off', async (ms) => {
    expect(await statusOf({ atMs: START_MS + ms })).toBe(204);
  });

  it('refuses a request without time or signature, and a time that is no number', async () => {
    for (const headers of [{}, { [TIMESTAMP_HEADER]: String(START_MS) }, { [SIGNATURE_HEADER]: 'x' }]) {
      const bare = new Request('http://relay/internal/progress', { method: 'POST', headers, body });
      expect((await take(bare)).status).toBe(401);
    }
    const signature = signatureOf(SECRET, 'NaN', Buffer.from(body));
    const headers = { [TIMESTAMP_HEADER]: 'NaN', [SIGNATURE_HEADER]: signature };
    expect((await take(new Request('http://relay/', { method: 'POST', headers, body }))).status).toBe(401);
  });

  it('refuses what is signed and no rumours with 400, and more than 256 KiB with 413', async () => {
    for (const text of ['', 'no json', '{}', '{"rumours":[{"kind":"else"}]}', '{"rumours":[{"kind":"transfer"}]}']) {
      expect(await statusOf({ body: text })).toBe(400);
    }
    expect(await statusOf({ body: ' '.repeat(BODY_BYTES_MAX + 1) })).toBe(413);
    expect(heard).toEqual([]);
  });

  it('answers other methods with 405', async () => {
    expect((await take(new Request('http://relay/internal/progress'))).status).toBe(405);
  });
});
