import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '#core/ports/clock.ts';
import type { Job } from '#core/wire/job.ts';
import type { QueueProducer } from './binding.ts';
import { queuesDispatcher } from './dispatcher.ts';

type Call = { readonly jobs: readonly unknown[]; readonly delaySeconds: number };

let calls: Call[];
let sleptMs: number[];
/** What the next calls throw; null is a call that is taken. */
let habits: (string | null)[];
beforeEach(() => {
  calls = [];
  sleptMs = [];
  habits = [];
});

const queue: QueueProducer = {
  sendBatch: async (messages, { delaySeconds }) => {
    const refusal = habits.shift();
    calls.push({ jobs: messages.map(({ body }) => body), delaySeconds });
    if (refusal) throw new Error(refusal);
  },
};
const clock: Clock = { now: () => 0, random: () => 1, sleep: async (ms) => void sleptMs.push(ms) };
const dispatcher = queuesDispatcher(queue, clock);
const jobs = (count: number): Job[] => Array.from({ length: count }, (_, n) => ({ pk: `T#${n}`, sk: '@' }));
const sizes = () => calls.map(({ jobs: { length } }) => length);

describe('sending', () => {
  it('a job that is named twice in one call is sent once', async () => {
    await dispatcher.send([
      { pk: 'a', sk: '@' },
      { sk: '@', pk: 'a' },
      { pk: 'a', sk: '@', ifDue: true },
    ]);
    expect(calls.flatMap((call) => call.jobs)).toHaveLength(2);
  });

  it('goes by hundreds, with the delay rounded up to whole seconds', async () => {
    await dispatcher.send(jobs(201), { delayMs: 4001 });
    expect(sizes()).toEqual([100, 100, 1]);
    expect(new Set(calls.map(({ delaySeconds }) => delaySeconds))).toEqual(new Set([5]));
  });

  it('a hundred jobs of the greatest length stay below what a queue takes in one call', async () => {
    const long = jobs(100).map(({ pk }) => ({
      pk: pk.padEnd(256, '\u0000'),
      sk: '\u0000'.repeat(128),
      ifDue: true as const,
    }));
    await dispatcher.send(long);
    expect(sizes()).toEqual([100]);
    const sizeBytes = long.reduce((sum, job) => sum + Buffer.byteLength(JSON.stringify(job)) + 100, 0);
    expect(sizeBytes).toBeLessThan(256_000);
  });

  it('a call that fails for a moment is tried again, after longer and longer pauses', async () => {
    habits = ['Network connection lost.', 'Queue is overloaded (10250)', 'Unknown error (15000)'];
    await dispatcher.send(jobs(2));
    expect(sizes()).toEqual([2, 2, 2, 2]);
    expect(sleptMs).toEqual([200, 400, 800]);
  });

  it('a batch that fails does not keep the others from being sent', async () => {
    habits = ['Message size out of bounds (10204)'];
    await expect(dispatcher.send(jobs(250))).rejects.toMatchObject({ kind: 'bug', code: 'queue.refused' });
    expect(sizes()).toEqual([100, 100, 50]);
    expect(sleptMs).toEqual([]);
  });

  it.each([
    ['Network connection lost.', 'transient', 'queue.unavailable', 4],
    ['Unknown error (15000)', 'transient', 'queue.unavailable', 4],
    ['Queue is overloaded (10250)', 'throttled', 'queue.slow_down', 4],
    ['Too Many Requests', 'throttled', 'queue.slow_down', 4],
    ['Queue storage limit exceeded (10251)', 'throttled', 'queue.full', 4],
    ['Queue does not exist (10104)', 'auth', 'queue.missing', 1],
    ['Unauthorized (10106)', 'auth', 'queue.denied', 1],
    ['Queue disabled (10252)', 'auth', 'queue.paused', 1],
    ['Free tier limit exceeded (10253)', 'auth', 'queue.quota', 1],
    ['Invalid batch delay (10202)', 'bug', 'queue.refused', 1],
  ])('"%s", for good, is %s %s after %d tries', async (refusal, kind, code, tries) => {
    habits = Array(10).fill(refusal);
    await expect(dispatcher.send(jobs(1))).rejects.toMatchObject({ kind, code });
    expect(calls).toHaveLength(tries);
  });
});
