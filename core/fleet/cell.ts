/** How the fleet's cells are changed: by compare-and-set, again and again while others are faster. */
import type * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Cells } from '#core/ports/cells.ts';
import type { Clock } from '#core/ports/clock.ts';

export interface CellDeps {
  readonly cells: Cells;
  readonly clock: Clock;
}

export interface CellKey {
  readonly pk: string;
  readonly sk: string;
}

const TRIES = 8;

/**
 * What is kept then. `next` is given what is kept now (null: nothing, or of another shape) and answers the same when there is
 * nothing to write. A swap that threw counts as a lost race: the next read shows whether it was made. Throws Fault `transient`
 * `agents.contended`, and whatever `next` throws.
 */
export async function change<T, N extends T | null>(
  { cells, clock }: CellDeps,
  key: CellKey,
  schema: z.ZodType<T>,
  next: (kept: T | null) => N,
): Promise<N> {
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const cell = await cells.read(key);
    const kept = parsed(schema, cell?.value);
    const wanted = next(kept);
    if (wanted === kept || wanted === null) return wanted;
    if (await cells.swap(key, cell?.v ?? 0, wanted).catch(() => false)) return wanted;
    await clock.sleep(5 + Math.floor(clock.random() * 20 * attempt));
  }
  throw new Fault('transient', 'agents.contended', 'what is known of the agents is being changed by others: try again');
}

export function parsed<T>(schema: z.ZodType<T>, value: unknown): T | null {
  const found = schema.safeParse(value);
  return found.success ? found.data : null;
}
