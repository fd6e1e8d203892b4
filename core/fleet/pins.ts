/** Files that a person gave to an agent before they began: a cell each. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { AgentId } from '#core/wire/agent.ts';
import { TransferId } from '#core/wire/ids.ts';
import { type CellDeps, change, parsed } from './cell.ts';

export interface AgentPins {
  /** Null: whichever the destination's strategy finds. */
  of(transferId: TransferId): Promise<AgentId | null>;
  /**
   * Instead of any earlier one. Where 256 are kept those make room of which `isOver` says that nobody opens them any more. Throws Fault
   * `rejected` `agents.too_many_assigned`, and `transient` `agents.contended`.
   */
  pin(transferId: TransferId, agent: AgentId, isOver: (transferId: TransferId) => Promise<boolean>): Promise<void>;
}

const PK = 'AGENT_PINS';
const PINS_MAX = 256;
/** No upload is kept for longer, so that none that failed is tried again. */
const KEPT_MS = 21 * 24 * 60 * 60_000;

const Pin = z.object({ v: z.literal(1), agent: AgentId, atMs: z.int() });

export function agentPins(deps: CellDeps): AgentPins {
  const { cells, clock } = deps;

  /** How many still matter. The others are dropped when there is no room. */
  async function swept(isOver: (transferId: TransferId) => Promise<boolean>): Promise<number> {
    const found = await cells.list(PK, { limit: PINS_MAX });
    if (found.length < PINS_MAX) return found.length;
    let kept = 0;
    for (const { sk, v, value } of found) {
      const isOld = (parsed(Pin, value)?.atMs ?? 0) < clock.now() - KEPT_MS;
      if (isOld || (await isOver(TransferId.parse(sk)))) await cells.drop({ pk: PK, sk }, v);
      else kept += 1;
    }
    return kept;
  }

  return {
    of: async (transferId) => parsed(Pin, (await cells.read({ pk: PK, sk: transferId }))?.value)?.agent ?? null,

    pin: async (transferId, agent, isOver) => {
      const key = { pk: PK, sk: transferId };
      if ((await cells.read(key)) === null && (await swept(isOver)) >= PINS_MAX) {
        throw new Fault('rejected', 'agents.too_many_assigned', `${PINS_MAX} files are assigned to agents by hand`);
      }
      await change(deps, key, Pin, () => ({ v: 1 as const, agent, atMs: clock.now() }));
    },
  };
}
