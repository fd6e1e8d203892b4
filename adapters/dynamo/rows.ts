/** A work row as it lies in the table. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { NewRow, WorkRow } from '#core/ports/work-table.ts';
import type { Item, Values } from './items.ts';

const Stored = z.object({
  pk: z.string(),
  sk: z.string(),
  queue: z.string().optional(),
  dueAt: z.number().optional(),
  hold: z.enum(['lease', 'wait', 'rest']),
  token: z.number(),
  holder: z.string().optional(),
  phase: z.string(),
  state: z.string(),
  wish: z.enum(['pause', 'cancel']).optional(),
  answers: z.record(z.string(), z.string()),
  touched: z.number(),
  expiresAt: z.number().optional(),
  updatedAt: z.number(),
  listKey: z.string().optional(),
  /** What the row was when its last claim took it. */
  takenFrom: z.enum(['lease', 'wait', 'rest']).optional(),
  /** The calls that created or revived, last claimed and last touched it: by these a call knows its own work. */
  lifeCall: z.string(),
  claimCall: z.string().optional(),
  touchCall: z.string().optional(),
});

/** `state` and `answers` are JSON text still. */
export type Stored = z.infer<typeof Stored>;

/** Fault `bug` `table.row`: somebody else writes to this table. */
export function toStored(item: Item): Stored {
  const parsed = Stored.safeParse(item);
  if (!parsed.success) throw new Fault('bug', 'table.row', 'the table holds a row that is none of ours');
  return parsed.data;
}

export function toRow(stored: Stored): WorkRow {
  const { pk, sk, hold, token, phase, touched, updatedAt } = stored;
  return {
    pk,
    sk,
    queue: stored.queue ?? null,
    dueAt: stored.dueAt ?? null,
    hold,
    token,
    holder: stored.holder ?? null,
    phase,
    state: JSON.parse(stored.state),
    wish: stored.wish ?? null,
    answers: Object.fromEntries(Object.entries(stored.answers).map(([name, text]) => [fromWord(name), fromWord(text)])),
    touched,
    expiresAt: stored.expiresAt ?? null,
    updatedAt,
  };
}

export function toJson(state: unknown): string {
  return JSON.stringify(state ?? null);
}

/** Names may not be empty and text must be UTF-8 that can be read back: JSON makes both so of anything. */
export function toWord(text: string): string {
  return JSON.stringify(text);
}

/**
 * A row's places on its owner's list: among those at work, and among those that ended. Each is told from every other, so that a
 * page can end between two rows of one `sort`. An expression cannot join text, so the row carries both.
 */
export function placesOf({ pk, sk, queue, owner }: NewRow, now: number): Values {
  if (owner === undefined) return {};
  const place = [owner.sort, pk, sk].join('\n');
  const [listActive, listEnded] = [`1#${place}`, `0#${place}`];
  return {
    ownerId: owner.id,
    listActive,
    listEnded,
    listKey: queue === null ? listEnded : listActive,
    ...(queue === null ? { endedAt: now } : {}),
  };
}

function fromWord(word: string): string {
  return String(JSON.parse(word));
}
