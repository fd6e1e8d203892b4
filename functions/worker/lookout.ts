/**
 * Chunks found by looking, where R2 tells of none: under `wrangler dev`, or without a notification rule. The object that signs the
 * tickets looks, woken by its alarm; and since nothing calls the timers of a Worker there either, it keeps the minute's round too.
 */
import type { DurableObjectContext } from 'cloudflare:workers';
import { chunkWatch } from '#core/intake/chunk-watch.ts';
import type { ChunkPut, PresignedPut } from '#core/ports/staging.ts';
import { traceOf } from '#core/trace.ts';
import type { WorkerHome } from './deps.ts';
import { minuteRound } from './sweep.ts';
import { webhookRound } from './webhooks.ts';

export interface Lookout {
  presign(put: ChunkPut): Promise<PresignedPut>;
  alarm(): Promise<void>;
}

const LOOK_MS = 1_000;
const ROUND_MS = 60_000;

export function lookout(storage: DurableObjectContext['storage'], home: WorkerHome): Lookout {
  const { clock, log } = home.engine;
  const watch = chunkWatch(home.intake);
  const round = minuteRound(home);
  const tell = webhookRound(home);
  /** What an object before this one signed is taken up at the first alarm that can. */
  let isResumed = false;
  let roundAtMs = 0;

  async function wakeAt(atMs: number): Promise<void> {
    const set = await storage.getAlarm();
    if (set === null || set > atMs) await storage.setAlarm(atMs);
  }

  async function attempt(work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) => log.error('timer.failed', traceOf(error)));
  }

  async function resume(): Promise<void> {
    if (isResumed) return;
    await watch.resume();
    isResumed = true;
  }

  return {
    presign: async (put) => {
      const ticket = await watch.intake.staging.presignChunk(put);
      await wakeAt(clock.now() + LOOK_MS);
      return ticket;
    },
    alarm: async () => {
      // It was looked for once; since then R2 has been told to tell.
      if (home.env.ENTREPOT_ARRIVALS === 'told') return;
      await attempt(resume);
      await attempt(watch.look);
      if (clock.now() >= roundAtMs) {
        roundAtMs = clock.now() + ROUND_MS;
        await attempt(round);
        // Others may keep it waiting, and chunks must not.
        void attempt(tell);
      }
      await wakeAt(watch.size() > 0 ? clock.now() + LOOK_MS : roundAtMs);
    },
  };
}
