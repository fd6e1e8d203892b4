/** What is on its way to a destination, as far as its queues tell. */
import type { UnderWay } from './ports/destinations.ts';
import type { WorkTable } from './ports/work-table.ts';
import { askedQueue, askingQueue, begunQueue, waitingQueue } from './state.ts';

/** Of each queue; where there are more, these will do. */
const COUNTED_MAX = 1000;

/** A transfer that has not ended is always due some time, also while it is paused: its stripes may be parked, its head never is. */
export async function underWay(table: Pick<WorkTable, 'due'>, destinationId: string): Promise<UnderWay> {
  const filesIn = async (queue: string): Promise<readonly string[]> =>
    (await table.due(queue, Number.MAX_SAFE_INTEGER, COUNTED_MAX)).map(({ pk }) => pk);
  // In this order, one after the other: what moves on meanwhile is met again.
  const waiting = [...(await filesIn(waitingQueue(destinationId))), ...(await filesIn(askingQueue(destinationId)))];
  const begun = [...(await filesIn(begunQueue(destinationId))), ...(await filesIn(askedQueue(destinationId)))];
  return { unfinished: new Set([...waiting, ...begun]).size, begun: new Set(begun).size };
}
