/** Hints through a queue of workerd: sent by our dispatcher there, handed on by our consumer there. */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Job } from '#core/wire/job.ts';
import { type RunningWorker, startWorkerd } from '../support/workerd.ts';
import { portIn } from '../support/workerd-port.ts';
import { dispatcherContract } from './dispatcher.contract.ts';

interface There {
  send(jobs: readonly Job[], delayMs: string): Promise<void>;
  pass(ms: number): Promise<number>;
}

const deliveries = new EventEmitter();
let got: Job[] = [];
let refusals = 0;
let subjects = 0;
let worker: RunningWorker;

const told = createServer(async (request, response) => {
  const job = Job.parse(JSON.parse(await text(request)));
  const isRefused = refusals > 0;
  if (isRefused) refusals--;
  else got.push(job);
  response.writeHead(isRefused ? 500 : 204).end();
  if (!isRefused) deliveries.emit('delivery');
});

beforeAll(async () => {
  await once(told.listen(0, '127.0.0.1'), 'listening');
  const address = told.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  worker = await startWorkerd({
    main: 'test/workerd/queues.ts',
    vars: { TOLD_URL: `http://127.0.0.1:${address.port}` },
    queues: {
      producers: [{ binding: 'HINTS', queue: 'hints' }],
      consumers: [{ queue: 'hints', max_batch_size: 100, max_batch_timeout: 0, max_retries: 10 }],
    },
  });
});
afterAll(async () => {
  await worker?.stop();
  told.closeAllConnections();
  told.close();
});

dispatcherContract({
  name: 'queues',
  timeoutMs: 60_000,
  make: () => {
    got = [];
    refusals = 0;
    const there = portIn<There>(worker.url, 'hints', `law ${++subjects}`);
    return {
      subject: {
        dispatcher: { send: (jobs, { delayMs = 0 } = {}) => there.send(jobs, String(delayMs)) },
        delivered: async (afterMs) => {
          const releasedCount = await there.pass(afterMs);
          await arrived(releasedCount);
          return got;
        },
        crashNext: () => {
          refusals = 1;
        },
      },
    };
  },
});

it('a delay that is no whole second is kept by the queue, rounded up', async () => {
  got = [];
  const sentAtMs = performance.now();
  await portIn<There>(worker.url, 'hints', 'real').send([{ pk: 'a', sk: '@' }], '1');
  await arrived(1);
  expect(performance.now() - sentAtMs).toBeGreaterThanOrEqual(999);
});

it('text of any kind comes back as it was sent, and a hundred jobs of the greatest length at once', async () => {
  got = [];
  const odd = { pk: '\u0000\u001f\ufffe\uffff\ud800', sk: '测试 🚀' };
  const long = Array.from({ length: 99 }, (_, n) => ({ pk: `${n}`.padEnd(256, '\u0000'), sk: '\u0000'.repeat(128) }));
  await portIn<There>(worker.url, 'hints', 'real').send([odd, ...long], '0');
  await arrived(100);
  expect(got.toSorted(byKey)).toEqual([odd, ...long].toSorted(byKey));
});

async function arrived(count: number): Promise<void> {
  while (got.length < count) await once(deliveries, 'delivery');
}

function byKey(a: Job, b: Job): number {
  return a.pk < b.pk ? -1 : 1;
}
