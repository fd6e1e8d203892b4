/** One delivery through the whole engine in virtual time: real lanes, leases and gates, a counted table, no bytes. */
import { laneDispatcher, lanes } from '#adapters/lanes/dispatcher.ts';
import { memoryCells } from '#adapters/memory/cells.ts';
import { virtualClock } from '#adapters/memory/clock.ts';
import { memoryProgress } from '#adapters/memory/progress.ts';
import { memoryWorkTable } from '#adapters/memory/work-table.ts';
import { newUploadId, transferIdFrom } from '#core/ids.ts';
import { createUpload } from '#core/intake/announce.ts';
import type { Intake } from '#core/intake/intake.ts';
import { receive } from '#core/intake/receive.ts';
import { headKey, type UploadState } from '#core/state.ts';
import type { Engine } from '#core/transfer/engine.ts';
import { sweep } from '#core/transfer/sweep.ts';
import { chunkKey } from '#core/wire/keys.ts';
import { budgetOf } from '../../functions/budget.ts';
import { moveHandler } from '../../functions/move.ts';
import { every } from '../../relay/timers.ts';
import { counted, type Tally } from './counted.ts';
import { type Nowhere, nowhere, zeroSource } from './nothing.ts';

export interface Delivery extends Omit<Nowhere, 'partBytes'> {
  readonly chunkBytes: number;
  readonly chunkCount: number;
  /** Chunks arrive this far apart, each with its event; 0: all are there before the delivery begins. */
  readonly chunkEveryMs: number;
  readonly budgetMs: number;
  /** Transfers of the upload, 1 unless told. The delivery is over when the first of them is. */
  readonly destinations?: number;
  readonly upload?: Partial<Pick<UploadState, 'name' | 'contentType' | 'digests'>> & { readonly folder?: string };
}

const START_MS = Date.UTC(2026, 0, 1);
const SWEEP_MS = 1_000;
const WEEK_MS = 7 * 24 * 60 * 60_000;

/** Delivers one upload, parts as large as chunks; answers what was written. Throws when it ends otherwise than done. */
export async function deliverVirtually(delivery: Delivery): Promise<Tally> {
  const { chunkBytes, chunkCount, chunkEveryMs, budgetMs } = delivery;
  const clock = virtualClock({ seed: 1, startMs: START_MS });
  const { table, cells, tally } = counted(memoryWorkTable(), memoryCells());
  const destinations = nowhere(clock, { ...delivery, partBytes: chunkBytes });
  const progress = memoryProgress();
  const log = { info: () => {}, error: () => {} };
  const uploadId = newUploadId(clock);
  const sizeBytes = chunkBytes * chunkCount;
  const source = zeroSource(uploadId, chunkBytes, sizeBytes);
  const ended = Promise.withResolvers<string>();
  progress.subscribe((rumours) => {
    for (const rumour of rumours) {
      if (rumour.kind === 'transfer' && rumour.view.endedAt !== null) ended.resolve(rumour.view.phase);
    }
  });

  let nonce = 0;
  const engine: Engine = {
    table,
    cells,
    source,
    dispatcher: { send: async (jobs, options) => laneDispatcher(moving).send(jobs, options) },
    destinations,
    progress,
    clock,
    log,
    limits: { files: 3, parts: 5, functionParts: 5, finishPatienceMs: 0 },
    newHolder: () => `bench123/${String(nonce++).padStart(12, '0')}`,
  };
  const never = new AbortController().signal;
  const moving = lanes({
    handler: moveHandler(engine, (context) => budgetOf(context, never)),
    concurrency: 16,
    batchSize: 1,
    clock,
    budgetMs,
    maxReceives: 5,
    onFailure: (_body, error) => ended.reject(error),
  });
  const intake: Intake = {
    ...engine,
    bucketName: 'bench',
    staging: { presignChunk: () => Promise.reject(new Error('nothing is put here')) },
  };

  async function stage(): Promise<void> {
    for (let number = 1; number <= chunkCount; number++) {
      source.stagedTo(number);
      await receive(intake, [chunkKey(uploadId, number)]);
      await clock.sleep(chunkEveryMs);
    }
  }

  const stopped = new AbortController();
  const run = (async () => {
    if (chunkEveryMs === 0) source.stagedTo(chunkCount);
    const { folder = '/videos/2025', ...named } = delivery.upload ?? {};
    await createUpload(intake, {
      v: 1,
      uploadId,
      ownerId: 'local',
      name: 'a file of some length.mp4',
      sizeBytes,
      contentType: 'video/mp4',
      layout: { kind: 'chunks', chunkBytes, count: chunkCount },
      digests: {},
      specs: Array.from({ length: delivery.destinations ?? 1 }, (_, index) => ({
        transferId: transferIdFrom(uploadId, index),
        destinationId: 'nowhere',
        folder,
      })),
      createdAt: clock.now(),
      sweptAt: null,
      ...named,
    });
    every(clock, SWEEP_MS, stopped.signal, () => sweep(engine), ended.reject);
    if (chunkEveryMs > 0) await stage();
    return ended.promise;
  })();
  const phase = await clock.run(run, WEEK_MS);
  stopped.abort();
  if (phase !== 'done') {
    const row = await table.get(headKey(transferIdFrom(uploadId, 0)));
    throw new Error(`the delivery ended ${phase}: ${JSON.stringify(row?.state)}`);
  }
  return tally;
}
