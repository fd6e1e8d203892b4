/** One cell per destination, its settings in the open. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Cell, Cells } from '#core/ports/cells.ts';
import { Placement } from '#core/wire/agent.ts';
import { Limits } from '#core/wire/limits.ts';

/** `mark` is new with each write: it tells our own write after a lost reply, and a driver of old settings. */
export type Stored = z.infer<typeof Stored>;
export const Stored = z.object({
  provider: z.string(),
  settings: z.record(z.string(), z.unknown()),
  hasCredentials: z.boolean(),
  // Absent in cells that were written before there were agents.
  placement: Placement.default({ on: 'here' }),
  // Absent in cells that were written before there were limits.
  limits: Limits.default({}),
  // Absent in cells that were written before sessions were kept to their place.
  site: z.string().optional(),
  createdAt: z.int(),
  mark: z.string(),
});

export interface DestinationCells {
  find(id: string): Promise<Stored | null>;
  /** Throws Fault `rejected` `destination.unknown`. */
  read(id: string): Promise<Stored>;
  all(): Promise<readonly (readonly [id: string, stored: Stored])[]>;
  /** Throws Fault `rejected` `destination.exists`. */
  insert(id: string, stored: Omit<Stored, 'mark'>): Promise<Stored>;
  /**
   * `change` is given what is stored, again each time that others were faster; what it throws is thrown. Throws `destination.unknown`,
   * or `destination.contended`.
   */
  update(id: string, change: (stored: Stored) => Stored | Promise<Stored>): Promise<Stored>;
  drop(id: string): Promise<void>;
}

const PK = 'DEST';
const PAGE = 200;

/** Losses in a row against other writers of the same destination. */
const TRIES = 5;

export function destinationCells(cells: Cells): DestinationCells {
  const keyOf = (id: string) => ({ pk: PK, sk: id });

  async function find(id: string): Promise<{ readonly v: number; readonly stored: Stored } | null> {
    const cell = await cells.read(keyOf(id));
    return cell === null ? null : { v: cell.v, stored: parse(cell) };
  }

  async function read(id: string): Promise<{ readonly v: number; readonly stored: Stored }> {
    const found = await find(id);
    if (found === null) throw new Fault('rejected', 'destination.unknown', `there is no destination "${id}"`);
    return found;
  }

  async function write(id: string, v: number, next: Stored): Promise<boolean> {
    return (await cells.swap(keyOf(id), v, next)) || (await find(id))?.stored.mark === next.mark;
  }

  return {
    find: async (id) => (await find(id))?.stored ?? null,
    read: async (id) => (await read(id)).stored,

    all: async () => {
      const found: (readonly [string, Stored])[] = [];
      for (let after: string | undefined; ; ) {
        const page = await cells.list(PK, after === undefined ? { limit: PAGE } : { after, limit: PAGE });
        for (const cell of page) found.push([cell.sk, parse(cell)]);
        after = page.at(-1)?.sk;
        if (page.length < PAGE) return found;
      }
    },

    insert: async (id, stored) => {
      const next = { ...stored, mark: randomUUID() };
      if (await write(id, 0, next)) return next;
      throw new Fault('rejected', 'destination.exists', `there is a destination "${id}" already`);
    },

    update: async (id, change) => {
      for (let tried = 0; tried < TRIES; tried++) {
        const { v, stored } = await read(id);
        const next = { ...(await change(stored)), mark: randomUUID() };
        if (await write(id, v, next)) return next;
      }
      throw contended();
    },

    drop: async (id) => {
      for (let tried = 0; tried < TRIES; tried++) {
        const cell = await cells.read(keyOf(id));
        if (cell === null || (await cells.drop(keyOf(id), cell.v))) return;
      }
      throw contended();
    },
  };
}

function contended(): Fault {
  return new Fault('transient', 'destination.contended', 'this destination is being changed by others: try again');
}

function parse(cell: Cell): Stored {
  const parsed = Stored.safeParse(cell.value);
  if (parsed.success) return parsed.data;
  throw new Fault('bug', 'destination.unreadable', `the stored destination "${cell.sk}" has another shape`);
}
