/** Queue-triggered functions inside one process: the very handler that the cloud calls, with the very events. */
import { randomUUID } from 'node:crypto';
import { unlessAborted } from '#clients/sqs/drain.ts';
import { type SqsHandler, sqsRecord } from '#clients/sqs/event.ts';
import { comeBackMs, invoke } from '#clients/sqs/invoke.ts';
import { Fault } from '#core/fault.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import { jobText } from '#core/wire/job.ts';
import { type Hint, waitingHints } from './waiting.ts';

export interface LaneOptions {
  readonly handler: SqsHandler;
  /** Handlers at a time. */
  readonly concurrency: number;
  /** Records per event, at most. */
  readonly batchSize: number;
  readonly clock: Clock;
  /** What the handler is told it has. After twice that the lane goes on without it, and delivers its records again. */
  readonly budgetMs: number;
  /** Deliveries of one body before it goes to `onFailure`. */
  readonly maxReceives: number;
  /** The local dead-letter queue; must not throw. `error` is what the last delivery died of, if it died. */
  onFailure(body: string, error: unknown): void;
  /** Distinct bodies that may wait; 100,000 unless told. */
  readonly capacity?: number;
}

export interface LaneStats {
  readonly waiting: number;
  readonly running: number;
  readonly delivered: number;
  /** Deliveries that failed and were repeated or given up. */
  readonly failed: number;
  readonly deadLettered: number;
  readonly dropped: number;
}

export interface Lane {
  /** Bodies that already wait are merged. Throws Fault `bug` for a delay over 60,000 ms. Does nothing once drained. */
  send(bodies: readonly string[], options?: { readonly delayMs?: number }): void;
  /** Takes no more work and resolves when the running handlers have ended; rejects with the signal's reason before that. */
  drain(signal: AbortSignal): Promise<void>;
  stats(): LaneStats;
}

const CAPACITY = 100_000;
const DELAY_MAX_MS = 60_000;
const SOURCE = { arn: 'arn:aws:sqs:local:000000000000:lane', region: 'local' };

export function lanes(options: LaneOptions): Lane {
  const { clock, concurrency, batchSize, maxReceives } = options;
  const waiting = waitingHints(options.capacity ?? CAPACITY);
  const running = new Set<Promise<void>>();
  const counts = { delivered: 0, failed: 0, deadLettered: 0 };
  const alarm = alarmOf(clock, pump);
  let isDraining = false;

  function pump(): void {
    while (!isDraining && running.size < concurrency) {
      const batch = waiting.take(clock.now(), batchSize);
      if (batch.length === 0) break;
      const run: Promise<void> = deliver(batch.map((hint) => ({ ...hint, receives: hint.receives + 1 }))).finally(
        () => {
          running.delete(run);
          pump();
        },
      );
      running.add(run);
    }
    // A full lane is woken by its next free place.
    alarm(isDraining || running.size >= concurrency ? null : waiting.nextAtMs());
  }

  async function deliver(batch: readonly Hint[]): Promise<void> {
    counts.delivered += batch.length;
    const outcome = await invoke(options, batch.map(toRecord));
    for (const hint of batch.filter(({ messageId }) => outcome.failed.has(messageId))) {
      counts.failed++;
      if (hint.receives >= maxReceives) {
        counts.deadLettered++;
        options.onFailure(hint.body, outcome.error);
      } else if (!isDraining) {
        waiting.add({ ...hint, readyAtMs: clock.now() + comeBackMs(hint.receives) });
      }
    }
  }

  return {
    send: (bodies, { delayMs = 0 } = {}) => {
      if (!(delayMs >= 0 && delayMs <= DELAY_MAX_MS)) {
        throw new Fault('bug', 'dispatcher.delay', `a hint waits 0 to ${DELAY_MAX_MS} ms, not ${delayMs}`);
      }
      if (isDraining) return;
      const sentAtMs = clock.now();
      for (const body of bodies) {
        waiting.add({ messageId: randomUUID(), body, sentAtMs, readyAtMs: sentAtMs + delayMs, receives: 0 });
      }
      // Not at once: a handler that sends must not find the next one running below its own stack.
      queueMicrotask(pump);
    },
    drain: async (signal) => {
      isDraining = true;
      waiting.clear();
      alarm(null);
      await unlessAborted(Promise.all(running), signal);
    },
    stats: () => ({ waiting: waiting.size(), running: running.size, ...counts, dropped: waiting.dropped() }),
  };
}

/** Sends jobs as bodies of one spelling, so that two hints of one row are one body. */
export function laneDispatcher(lane: Lane): Dispatcher {
  return {
    send: async (jobs, options) => lane.send(jobs.map(jobText), options),
  };
}

function toRecord(hint: Hint) {
  return sqsRecord({ ...hint, receiptHandle: `${hint.messageId}#${hint.receives}` }, SOURCE);
}

/** One sleep at a time, until the time it was last set to; `null` stops it. */
function alarmOf(clock: Clock, ring: () => void): (atMs: number | null) => void {
  let set: { readonly atMs: number; readonly stop: AbortController } | null = null;

  return (atMs) => {
    if (atMs === (set?.atMs ?? null)) return;
    set?.stop.abort();
    set = null;
    if (atMs === null) return;
    const own = { atMs, stop: new AbortController() };
    set = own;
    clock.sleep(atMs - clock.now(), own.stop.signal).then(
      () => {
        if (set === own) set = null;
        ring();
      },
      // Stopped: it was set to another time, or needs to ring no more.
      () => undefined,
    );
  };
}
