/** A person gives a file to an agent: only before it has begun anywhere. */
import { Fault } from '#core/fault.ts';
import type { Destinations } from '#core/ports/destinations.ts';
import type { Dispatcher } from '#core/ports/dispatcher.ts';
import type { WorkTable } from '#core/ports/work-table.ts';
import { type HeadState, headKey } from '#core/state.ts';
import type { AgentId } from '#core/wire/agent.ts';
import type { TransferId } from '#core/wire/ids.ts';
import { hasBegun } from './begun.ts';
import type { CellDeps } from './cell.ts';
import { misfit } from './passed-over.ts';
import type { AgentRegistry } from './registry.ts';

export interface AssignDeps extends Pick<CellDeps, 'clock'> {
  readonly table: Pick<WorkTable, 'get' | 'wake'>;
  readonly destinations: Pick<Destinations, 'get'>;
  readonly dispatcher: Dispatcher;
  readonly registry: Pick<AgentRegistry, 'list' | 'pins'>;
}

/**
 * From now on the file waits for this agent, as long as that is neither revoked nor forgotten; the pace of its address holds. It keeps
 * to where it is when it has begun: nothing is carried to another address to get past a refusal. One that begins at this very
 * moment may begin elsewhere. Throws Fault `rejected` `transfer.ended`, `transfer.begun`, `destination.unknown`,
 * `destination.not_placed`, `agent.unknown`, `agent.revoked`, `agent.unfit` or `agents.too_many_assigned`.
 */
export async function assign(deps: AssignDeps, head: HeadState, agent: AgentId): Promise<void> {
  const { table, dispatcher, registry, clock } = deps;
  const { transferId } = head.file;
  if ('endedAt' in head.step) throw refusal('transfer.ended', 'this transfer has ended');
  if (hasBegun(head)) throw refusal('transfer.begun', 'this file has begun where it is, and stays there');
  await checkFit(deps, head.file.destinationId, agent);
  await registry.pins.pin(transferId, agent, (id) => isOver(table, id));
  const key = headKey(transferId);
  // It may rest until another agent's turn.
  await table.wake(key, clock.now(), clock.now(), 'rest');
  await dispatcher.send([key]);
}

async function checkFit({ destinations, registry }: AssignDeps, destinationId: string, id: AgentId): Promise<void> {
  const destination = await destinations.get(destinationId);
  if (destination === null) throw refusal('destination.unknown', 'its destination is no more');
  const { placement, provider } = destination;
  if (placement.on !== 'agents') {
    throw refusal(
      'destination.not_placed',
      `the calls of ${destinationId} are not run at agents: place it there first`,
    );
  }
  const agent = (await registry.list()).find((known) => known.id === id);
  if (agent === undefined) throw refusal('agent.unknown', `there is no agent ${id}`);
  if (agent.status === 'revoked') throw refusal('agent.revoked', `agent ${id} was revoked: restore it first`);
  const why = misfit(agent, provider, placement.tags);
  if (why !== null) throw refusal('agent.unfit', `agent ${id} ${why}`);
}

/** One that failed may be tried again, and is opened anew then. */
async function isOver(table: AssignDeps['table'], id: TransferId): Promise<boolean> {
  const row = await table.get(headKey(id));
  return row === null || row.phase === 'done' || row.phase === 'canceled';
}

function refusal(code: string, message: string): Fault {
  return new Fault('rejected', code, message);
}
