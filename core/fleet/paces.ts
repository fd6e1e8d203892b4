/** When addresses started files: a cell each, so that nothing starts twice although several ask at once. */
import type { TransferId } from '#core/wire/ids.ts';
import { type CellDeps, change, parsed } from './cell.ts';
import { ask, hasTurn, isKnown, isStale, Pace, type PaceRules, UNUSED, withoutTurn } from './pace.ts';

export interface PaceLook {
  /** The file may start there then; now, if this is not later than now. */
  readonly atMs: number;
  /** When the address last started a file. */
  readonly lastStartMs: number | null;
  /** It started this file before. */
  readonly isKnown: boolean;
  /** The file was told when to come again. */
  readonly hasTurn: boolean;
}

/** Of a destination without rules nothing is written: its files neither wait for others nor make them wait. */
export interface AgentPaces {
  look(address: string, transferId: TransferId, rules: PaceRules): Promise<PaceLook>;
  /** Null: it starts now, and that is written down. Else when its turn comes. Throws Fault `transient` `agents.contended`. */
  reserve(address: string, transferId: TransferId, rules: PaceRules): Promise<number | null>;
  /** Gives up the file's turn at an address, if it has one. */
  leave(address: string, transferId: TransferId): Promise<void>;
  /** Null: whatever is new may start now. */
  restsUntil(address: string): Promise<number | null>;
}

const PK = 'AGENT_PACES';
/** A line with another address each day would leave a cell for each. */
const SWEPT_AT_ONCE = 100;
/** Last starts that are kept in memory only. */
const REMEMBERED_MAX = 256;

export function agentPaces(deps: CellDeps): AgentPaces {
  const { cells, clock } = deps;
  const begun = new Map<string, number>();

  async function read(address: string): Promise<Pace> {
    return parsed(Pace, (await cells.read({ pk: PK, sk: address }))?.value) ?? UNUSED;
  }

  function remember(address: string): void {
    begun.delete(address);
    begun.set(address, clock.now());
    const oldest = begun.keys().next();
    if (begun.size > REMEMBERED_MAX && !oldest.done) begun.delete(oldest.value);
  }

  async function sweep(): Promise<void> {
    for (const { sk, v, value } of await cells.list(PK, { limit: SWEPT_AT_ONCE })) {
      const pace = parsed(Pace, value);
      if (pace === null || isStale(pace, clock.now())) await cells.drop({ pk: PK, sk }, v);
    }
  }

  return {
    look: async (address, transferId, rules) => {
      const now = clock.now();
      const lastMs = begun.get(address) ?? null;
      if (isFree(rules)) return { atMs: now, lastStartMs: lastMs, isKnown: false, hasTurn: false };
      const pace = await read(address);
      return {
        atMs: ask(pace, transferId, rules, now).atMs,
        lastStartMs: Math.max(lastMs ?? 0, pace.lastStartMs ?? 0) || null,
        isKnown: isKnown(pace, transferId, now),
        hasTurn: hasTurn(pace, transferId),
      };
    },

    reserve: async (address, transferId, rules) => {
      const now = clock.now();
      let atMs = now;
      if (!isFree(rules)) {
        let isFirst = false;
        await change(deps, { pk: PK, sk: address }, Pace, (kept) => {
          isFirst = kept === null;
          const answer = ask(kept ?? UNUSED, transferId, rules, now);
          atMs = answer.atMs;
          return answer.pace;
        });
        if (isFirst) await sweep();
      }
      if (atMs > now) return atMs;
      remember(address);
      return null;
    },

    leave: async (address, transferId) => {
      await change(deps, { pk: PK, sk: address }, Pace, (kept) => kept && withoutTurn(kept, transferId));
    },

    restsUntil: async (address) => {
      const { restsUntilMs } = await read(address);
      return restsUntilMs > clock.now() ? restsUntilMs : null;
    },
  };
}

function isFree({ spacingMs, perHourMax }: PaceRules): boolean {
  return spacingMs === 0 && perHourMax === 0;
}
