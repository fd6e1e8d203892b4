/** The safety net under every hint: asks each queue for what is due and hints at as much as can start. */
import { DIGEST_QUEUE, destinationQueue, UPLOAD_QUEUE } from '#core/state.ts';
import type { Engine } from './engine.ts';
import { freeSlots } from './gate.ts';

const UPLOADS_AT_ONCE = 50;
/** Beyond the free slots: heads that arm, finish or end need none. */
const SPARE = 8;
const PURGE_AT_ONCE = 200;

/** One pass. Reads O(queues + free slots) keys, never O(waiting files). Answers how many hints were sent. */
export async function sweep(engine: Engine): Promise<number> {
  const now = engine.clock.now();
  const destinations = await engine.destinations.list();
  let sent = await hint(engine, UPLOAD_QUEUE, now, UPLOADS_AT_ONCE);
  sent += await hint(engine, DIGEST_QUEUE, now, (await freeSlots(engine, DIGEST_QUEUE)) + SPARE);
  for (const { id } of destinations) {
    sent += await hint(engine, destinationQueue(id), now, (await freeSlots(engine, id)) + SPARE);
  }
  await engine.table.purge(now, PURGE_AT_ONCE);
  return sent;
}

async function hint({ table, dispatcher }: Engine, queue: string, now: number, limit: number): Promise<number> {
  const keys = await table.due(queue, now, limit);
  if (keys.length > 0) await dispatcher.send(keys.map(({ pk, sk }) => ({ pk, sk })));
  return keys.length;
}
