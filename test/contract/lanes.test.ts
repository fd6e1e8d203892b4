import { describe, expect, it } from 'vitest';
import { type LaneOptions, laneDispatcher, lanes } from '#adapters/lanes/dispatcher.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import type { FunctionContext, SqsAnswer, SqsEvent } from '#clients/sqs/event.ts';
import { Job } from '#core/wire/job.ts';
import { dispatcherContract } from './dispatcher.contract.ts';

const START_MS = 1_750_000_000_000;
const FINE: SqsAnswer = { batchItemFailures: [] };

dispatcherContract({
  name: 'lanes',
  make: () => {
    const got: Job[] = [];
    let crashes = 0;
    const { lane, clock } = laneWith(async ({ Records }) => {
      if (crashes-- > 0) throw new Error('the consumer died');
      got.push(...Records.map(({ body }) => Job.parse(JSON.parse(body))));
      return FINE;
    });
    const delivered = async (afterMs: number) => {
      await clock.advance(afterMs);
      return got;
    };
    const crashNext = () => {
      crashes = 1;
    };
    return {
      subject: { dispatcher: laneDispatcher(lane), delivered, crashNext },
      cleanup: () => lane.drain(AbortSignal.timeout(5000)),
    };
  },
});

describe('lanes', () => {
  it('the handler gets the event and the context of a queue-triggered function', async () => {
    const calls: [SqsEvent, FunctionContext][] = [];
    const { lane, clock } = laneWith(async (event, context) => {
      calls.push([event, context]);
      return FINE;
    });
    lane.send(['{"pk":"a","sk":"@"}'], { delayMs: 10 });
    await clock.advance(10);
    const [event, context] = calls[0] ?? [];
    const [record] = event?.Records ?? [];
    expect(record).toMatchObject({
      body: '{"pk":"a","sk":"@"}',
      attributes: { ApproximateReceiveCount: '1', SentTimestamp: String(START_MS) },
      eventSource: 'aws:sqs',
    });
    expect(record?.messageId).toMatch(/^[0-9a-f-]{36}$/);
    expect(context?.awsRequestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('the remaining time counts down from the budget to 0', async () => {
    const left: number[] = [];
    const { lane, clock } = laneWith(async (_event, context) => {
      for (const ms of [0, 400, 700]) {
        await clock.sleep(ms);
        left.push(context.getRemainingTimeInMillis());
      }
      return FINE;
    });
    lane.send(['a']);
    await clock.advance(2000);
    expect(left).toEqual([1000, 600, 0]);
  });

  it('bodies that wait are merged, the earliest time wins; a body under way is not merged with', async () => {
    const seen: string[] = [];
    const { lane, clock } = laneWith(
      async ({ Records }) => {
        seen.push(...Records.map(({ body }) => `${body}@${clock.now() - START_MS}`));
        await clock.sleep(100);
        return FINE;
      },
      { concurrency: 1 },
    );
    for (const delayMs of [500, 10, 900]) lane.send(['a', 'a'], { delayMs });
    expect(lane.stats().waiting).toBe(1);
    await clock.advance(50);
    lane.send(['a']);
    lane.send(['a']);
    expect(lane.stats()).toMatchObject({ waiting: 1, running: 1 });
    await clock.advance(1000);
    expect(seen).toEqual(['a@10', 'a@110']);
  });

  it('no more handlers run at a time than lanes, none gets more than a batch, and all bodies get through', async () => {
    let running = 0;
    let most = 0;
    const sizes: number[] = [];
    const { lane, clock } = laneWith(
      async ({ Records }) => {
        sizes.push(Records.length);
        most = Math.max(most, ++running);
        await clock.sleep(10);
        running--;
        return FINE;
      },
      { concurrency: 3, batchSize: 4 },
    );
    lane.send(Array.from({ length: 50 }, (_, n) => `${n}`));
    await clock.advance(1000);
    expect(most).toBe(3);
    expect(Math.max(...sizes)).toBe(4);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(50);
    expect(lane.stats()).toMatchObject({ waiting: 0, running: 0, delivered: 50, failed: 0 });
  });

  it('a failed item comes back with a growing delay and a rising count; its neighbours do not', async () => {
    const seen: string[] = [];
    const { lane, clock } = laneWith(
      async ({ Records }) => {
        seen.push(
          ...Records.map(
            ({ body, attributes }) => `${body} ${attributes.ApproximateReceiveCount} @${clock.now() - START_MS}`,
          ),
        );
        return {
          batchItemFailures: Records.flatMap(({ body, messageId }) =>
            body === 'bad' ? [{ itemIdentifier: messageId }] : [],
          ),
        };
      },
      { batchSize: 10, maxReceives: 4 },
    );
    lane.send(['good', 'bad']);
    await clock.advance(60_000);
    expect(seen).toEqual(['good 1 @0', 'bad 1 @0', 'bad 2 @1000', 'bad 3 @3000', 'bad 4 @7000']);
  });

  it('a body that was delivered too often goes to onFailure with its last error, once, and starts anew when sent again', async () => {
    const failures: unknown[] = [];
    const { lane, clock } = laneWith(() => Promise.reject(new Error('always')), {
      maxReceives: 2,
      onFailure: (body, error) => failures.push([body, error instanceof Error && error.message]),
    });
    lane.send(['a']);
    await clock.advance(60_000);
    expect(failures).toEqual([['a', 'always']]);
    expect(lane.stats()).toMatchObject({ waiting: 0, deadLettered: 1, failed: 2 });
    lane.send(['a']);
    await clock.advance(60_000);
    expect(failures).toHaveLength(2);
  });

  it('an answer that names an unknown record fails the whole batch, as does a handler that throws before it awaits', async () => {
    const failures: string[] = [];
    const onFailure = (body: string) => void failures.push(body);
    const unknown = laneWith(async () => ({ batchItemFailures: [{ itemIdentifier: 'x' }] }), {
      maxReceives: 1,
      onFailure,
    });
    const throwing = laneWith(
      () => {
        throw new Error('at once');
      },
      { maxReceives: 1, onFailure },
    );
    for (const { lane, clock } of [unknown, throwing]) {
      lane.send(['a', 'b']);
      await clock.advance(1);
    }
    expect(failures).toEqual(['a', 'b', 'a', 'b']);
  });

  it('a handler that does not end within twice its budget loses its lane, and its records are delivered again', async () => {
    let calls = 0;
    const { lane, clock } = laneWith(
      () => (++calls === 1 ? new Promise<never>(() => undefined) : Promise.resolve(FINE)),
      { concurrency: 1 },
    );
    lane.send(['a']);
    await clock.advance(1999);
    expect(lane.stats()).toMatchObject({ running: 1, failed: 0 });
    await clock.advance(1001);
    expect(lane.stats()).toMatchObject({ running: 0, waiting: 0, failed: 1, delivered: 2 });
  });

  it('past its capacity the lane drops the hint that has waited longest, and counts it', async () => {
    const seen: string[] = [];
    const { lane, clock } = laneWith(
      async ({ Records }) => {
        seen.push(...Records.map(({ body }) => body));
        return FINE;
      },
      { capacity: 3 },
    );
    lane.send(['a', 'b', 'c', 'd', 'b', 'e'], { delayMs: 10 });
    expect(lane.stats()).toMatchObject({ waiting: 3, dropped: 2 });
    await clock.advance(10);
    expect(seen.sort()).toEqual(['c', 'd', 'e']);
  });

  it('drain lets running handlers end, starts nothing more, and makes send a no-op', async () => {
    const seen: string[] = [];
    const { lane, clock } = laneWith(
      async ({ Records }) => {
        seen.push(...Records.map(({ body }) => body));
        await clock.sleep(100);
        return FINE;
      },
      { concurrency: 1, batchSize: 1 },
    );
    lane.send(['a', 'b']);
    lane.send(['late'], { delayMs: 1000 });
    await clock.advance(1);
    let isDrained = false;
    const drained = lane.drain(new AbortController().signal).then(() => {
      isDrained = true;
    });
    lane.send(['c']);
    await clock.advance(50);
    expect(isDrained).toBe(false);
    await clock.advance(50);
    await drained;
    await clock.advance(60_000);
    expect(seen).toEqual(['a']);
    expect(lane.stats()).toMatchObject({ waiting: 0, running: 0 });
    expect(clock.next()).toBeNull();
  });

  it('a failed body that is sent again while it waits comes at once, with its count', async () => {
    const counts: string[] = [];
    const { lane, clock } = laneWith(async ({ Records }) => {
      counts.push(...Records.map(({ attributes }) => attributes.ApproximateReceiveCount));
      throw new Error('always');
    });
    lane.send(['a']);
    await clock.advance(1);
    lane.send(['a']);
    await clock.advance(1);
    expect(counts).toEqual(['1', '2']);
  });

  it('drain leaves nobody asleep and nothing waiting, also when the last handler fails', async () => {
    const { lane, clock } = laneWith(async () => {
      await clock.sleep(100);
      throw new Error('always');
    });
    lane.send(['late'], { delayMs: 5000 });
    lane.send(['a']);
    await clock.advance(1);
    const drained = lane.drain(new AbortController().signal);
    await clock.advance(99);
    await drained;
    expect(lane.stats()).toMatchObject({ waiting: 0, running: 0, failed: 1 });
    expect(clock.next()).toBeNull();
    const idle = laneWith(async () => FINE);
    idle.lane.send(['late'], { delayMs: 5000 });
    await idle.clock.advance(1);
    await idle.lane.drain(new AbortController().signal);
    expect(idle.clock.next()).toBeNull();
  });

  it('drain rejects with the reason of its signal while a handler still runs', async () => {
    const { lane, clock } = laneWith(() => new Promise<never>(() => undefined));
    lane.send(['a']);
    await clock.advance(1);
    const stop = new AbortController();
    const drained = expect(lane.drain(stop.signal)).rejects.toBe('enough');
    stop.abort('enough');
    await drained;
  });
});

function laneWith(handler: LaneOptions['handler'], options: Partial<LaneOptions> = {}) {
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const fixed = { concurrency: 4, batchSize: 10, budgetMs: 1000, maxReceives: 5, onFailure: () => undefined };
  return { clock, lane: lanes({ ...fixed, clock, handler, ...options }) };
}
