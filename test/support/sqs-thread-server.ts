/** Runs the foreign server on the test's time: what it means to do in a second or later waits to be told. */
import { once } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { SqsServerQueue } from './sqs-server.ts';

interface Timer {
  readonly atMs: number;
  readonly ring: () => void;
}

/** Shorter timers are how it waits for its own work; they stay as they are. */
const OURS_FROM_MS = 1000;

const realTimeout = globalThis.setTimeout;
const realClear = globalThis.clearTimeout;
const timers = new Set<Timer>();
let nowMs = 0;

Object.assign(globalThis, {
  setTimeout: (ring: () => void, ms = 0) => {
    if (!(ms >= OURS_FROM_MS)) return realTimeout(ring, ms);
    const timer = { atMs: nowMs + ms, ring, unref: () => timer };
    timers.add(timer);
    return timer;
  },
  clearTimeout: (timer: Timer & NodeJS.Timeout) => {
    if (!timers.delete(timer)) realClear(timer);
  },
});

const { queues, region }: { queues: readonly SqsServerQueue[]; region: string } = workerData;
const { createSqsServer } = await import('local-aws-sqs');
const server = await createSqsServer({
  port: 0,
  region,
  queues: queues.map(({ name, visibilitySeconds, deadLetter }) => ({
    QueueName: name,
    Attributes: {
      VisibilityTimeout: visibilitySeconds,
      ...(deadLetter === undefined
        ? {}
        : {
            RedrivePolicy: JSON.stringify({
              deadLetterTargetArn: `arn:aws:sqs:${region}:123456789012:${deadLetter.name}`,
              maxReceiveCount: deadLetter.maxReceives,
            }),
          }),
    },
  })),
});
if (!server.listening) await once(server, 'listening');
const address = server.address();
parentPort?.postMessage(typeof address === 'object' && address !== null ? address.port : 0);

parentPort?.on('message', (ms: number) => {
  const untilMs = nowMs + ms;
  for (let first = earliest(untilMs); first !== undefined; first = earliest(untilMs)) {
    timers.delete(first);
    nowMs = first.atMs;
    first.ring();
  }
  nowMs = untilMs;
  parentPort?.postMessage('advanced');
});

function earliest(untilMs: number): Timer | undefined {
  return [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
}
