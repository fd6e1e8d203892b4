/** Whose turn it was, for strategies that go by it: of one destination. */
import * as z from 'zod';
import { type CellDeps, change } from './cell.ts';
import { type Choice, FIRST_TURN, type Turn } from './choose.ts';

export interface Turns {
  /** Answers what `choose` answers, with the turn that the choice before has left; its own is kept for the next. */
  next(choose: (turn: Turn) => Choice | null): Promise<Choice | null>;
}

const PK = 'AGENT_TURNS';
/** A cell takes 32 KiB, and an id 64 characters. Losing all of them costs one round. */
const WEIGHTS_MAX = 256;

const Kept = z.object({ v: z.literal(1), lastId: z.string().nullable(), weights: z.record(z.string(), z.number()) });

/** Of a home with one process. */
export function turnsHere(): Turns {
  let turn = FIRST_TURN;
  return {
    next: async (choose) => {
      const choice = choose(turn);
      turn = choice?.turn ?? turn;
      return choice;
    },
  };
}

/** Of one with many. Throws Fault `transient` `agents.contended`. */
export function turnsInCells(deps: CellDeps, destinationId: string): Turns {
  return {
    next: async (choose) => {
      const found: { choice: Choice | null } = { choice: null };
      await change(deps, { pk: PK, sk: destinationId }, Kept, (kept) => {
        const turn = kept === null ? FIRST_TURN : { ...kept, weights: new Map(Object.entries(kept.weights)) };
        found.choice = choose(turn);
        if (found.choice === null || found.choice.turn === turn) return kept;
        const { lastId, weights } = found.choice.turn;
        return { v: 1 as const, lastId, weights: weights.size > WEIGHTS_MAX ? {} : Object.fromEntries(weights) };
      });
      return found.choice;
    },
  };
}
