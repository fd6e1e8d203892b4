/** What the audits know of a run, gathered from the writes that they saw. */
import type { HeadState } from '#core/state.ts';
import type { TransferId } from '#core/wire/ids.ts';
import type { Process } from './process.ts';

export interface Ledger {
  /** Parts with a committed receipt. */
  committed(transferId: string, sessionNo: number): Set<number>;
  /** When the wish that stands was written, by transfer. */
  readonly wishedAt: Map<string, number>;
  /** When each row was last claimed, by `pk sk`. */
  readonly claimedAt: Map<string, number>;
  /** Transfers that were done once. */
  readonly delivered: Set<string>;
  /** Parts under way, by process and destination. */
  readonly flights: Map<Process, Flight[]>;
}

export interface Flight {
  readonly destinationId: string;
  readonly transferId: TransferId;
  readonly sessionId: string;
  readonly part: number;
}

export function ledger(): Ledger {
  const committed = new Map<string, Set<number>>();
  return {
    committed: (transferId, sessionNo) => {
      const key = `${transferId} ${sessionNo}`;
      const set = committed.get(key) ?? new Set<number>();
      committed.set(key, set);
      return set;
    },
    wishedAt: new Map(),
    claimedAt: new Map(),
    delivered: new Set(),
    flights: new Map(),
  };
}

/** The state of a head's row: what the engine wrote is not parsed again, so that a run stays fast. */
export function headOf(row: { readonly state: unknown }): HeadState {
  return row.state as HeadState;
}
