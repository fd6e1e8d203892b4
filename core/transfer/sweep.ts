/** The safety net under every hint: asks each queue for what is due and hints at as much as can start. */
import type { RowKey } from '#core/ports/work-table.ts';
import { begunQueue, DIGEST_QUEUE, STRIPE_PREFIX, transferOf, UPLOAD_QUEUE, waitingQueue } from '#core/state.ts';
import type { TransferId } from '#core/wire/ids.ts';
import type { Job } from '#core/wire/job.ts';
import type { Engine } from './engine.ts';
import { freeSlots } from './gate.ts';

const UPLOADS_AT_ONCE = 50;
/** What has begun is bounded by what may run at once and by what stalls; most of it needs no room. */
const BEGUN_AT_ONCE = 50;
/** Beyond the free slots: a waiting head that finds nothing to open lets its slot go at once. */
const SPARE = 8;
const PURGE_AT_ONCE = 200;

/** One pass. Reads O(queues + free slots) keys, never O(waiting files). Answers how many hints were sent. */
export async function sweep(engine: Engine): Promise<number> {
  const now = engine.clock.now();
  const destinations = await engine.destinations.list();
  let sent = await hint(engine, UPLOAD_QUEUE, now, UPLOADS_AT_ONCE);
  sent += await hint(engine, DIGEST_QUEUE, now, (await freeSlots(engine, DIGEST_QUEUE)) + SPARE);
  for (const { id } of destinations) {
    sent += await hint(engine, begunQueue(id), now, BEGUN_AT_ONCE);
    sent += await hint(engine, waitingQueue(id), now, (await freeSlots(engine, id)) + SPARE);
  }
  await purge(engine, now);
  return sent;
}

/**
 * Whoever frees a slot calls the next in line: refused work is not polled. Stripes of what has begun come first, and only what
 * they leave is offered to those that wait.
 */
export async function fillSlots(engine: Engine, gate: string): Promise<void> {
  const free = await freeSlots(engine, gate);
  if (free === 0) return;
  const now = engine.clock.now();
  if (gate === DIGEST_QUEUE) {
    await hint(engine, DIGEST_QUEUE, now, free);
    return;
  }
  const begun = await engine.table.due(begunQueue(gate), now, free + SPARE);
  const files = new Set(begun.filter(({ sk }) => sk.startsWith(STRIPE_PREFIX)).map(({ pk }) => pk)).size;
  const waiting = files < free ? await engine.table.due(waitingQueue(gate), now, free - files) : [];
  await engine.dispatcher.send([...begun, ...waiting].map(inTurn));
}

/** What has been on the lists for long enough goes, and whoever looks at one is told. */
async function purge({ table, progress }: Engine, now: number): Promise<void> {
  const gone = new Map<string, TransferId[]>();
  for (const { ownerId, ...key } of await table.purge(now, PURGE_AT_ONCE)) {
    const transferId = transferOf(key);
    if (ownerId !== null && transferId !== null) gone.set(ownerId, [...(gone.get(ownerId) ?? []), transferId]);
  }
  await progress.publish([...gone].map(([ownerId, transferIds]) => ({ kind: 'removed', ownerId, transferIds })));
}

async function hint({ table, dispatcher }: Engine, queue: string, now: number, limit: number): Promise<number> {
  const keys = await table.due(queue, now, limit);
  if (keys.length > 0) await dispatcher.send(keys.map(inTurn));
  return keys.length;
}

/** Several may call the same row. Were each call an errand, every one of them would call the next in line again. */
function inTurn({ pk, sk }: RowKey): Job {
  return { pk, sk, ifDue: true };
}
