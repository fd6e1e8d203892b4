/** Webhooks as they are kept: one cell each that people write, and one that whoever posts writes. */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import type { Cell, Cells } from '#core/ports/cells.ts';
import { WEBHOOKS_MAX, WebhookEvent, WebhookId } from '#core/wire/webhook.ts';
import { freshState, stateKey } from './state.ts';

export const Stored = z.object({
  v: z.literal(1),
  id: WebhookId,
  url: z.string(),
  events: z.array(WebhookEvent),
  destinations: z.array(z.string()),
  enabled: z.boolean(),
  /** Sealed. */
  secret: z.unknown(),
  /** Rises with each change: what was found out about an older one counts no more. */
  revision: z.int(),
  createdAt: z.int(),
});
export type Stored = z.infer<typeof Stored>;

export interface WebhookBook {
  /** In the order in which they were added. */
  list(): Promise<readonly Stored[]>;
  /** Throws Fault `rejected` `webhook.unknown`. */
  read(id: WebhookId): Promise<Stored>;
  /** From now on it is told. Throws Fault `rejected` `webhooks.too_many`. */
  add(stored: Stored): Promise<void>;
  /** Throws Fault `rejected` `webhook.unknown`, `transient` `webhook.contended`. */
  change(id: WebhookId, change: Partial<Pick<Stored, 'url' | 'events' | 'destinations' | 'enabled'>>): Promise<Stored>;
  remove(id: WebhookId): Promise<void>;
}

const PK = 'WEBHOOK';
/** Two who add the last one at the same time may both have it. */
const LISTED_MAX = 2 * WEBHOOKS_MAX;
const TRIES = 5;

export function webhookBook(cells: Cells): WebhookBook {
  const keyOf = (id: WebhookId) => ({ pk: PK, sk: id });

  async function find(id: WebhookId): Promise<{ readonly v: number; readonly stored: Stored }> {
    const cell = await cells.read(keyOf(id));
    if (cell === null) throw new Fault('rejected', 'webhook.unknown', `there is no webhook "${id}"`);
    return { v: cell.v, stored: parse(cell) };
  }

  async function list(): Promise<readonly Stored[]> {
    return (await cells.list(PK, { limit: LISTED_MAX })).map(parse);
  }

  return {
    list,
    read: async (id) => (await find(id)).stored,

    add: async (stored) => {
      if ((await list()).length >= WEBHOOKS_MAX) {
        throw new Fault('rejected', 'webhooks.too_many', `a home has ${WEBHOOKS_MAX} webhooks at most`);
      }
      // First what it was told, so that nobody who sees the webhook finds it without.
      await cells.swap(stateKey(stored.id), 0, freshState(stored));
      await cells.swap(keyOf(stored.id), 0, stored);
    },

    change: async (id, change) => {
      for (let tried = 0; tried < TRIES; tried++) {
        const { v, stored } = await find(id);
        const next = { ...stored, ...change, revision: stored.revision + 1 };
        if (await cells.swap(keyOf(id), v, next)) return next;
      }
      throw contended();
    },

    remove: async (id) => {
      for (const key of [stateKey(id), keyOf(id)]) await dropped(cells, key);
    },
  };
}

async function dropped(cells: Cells, key: { readonly pk: string; readonly sk: string }): Promise<void> {
  for (let tried = 0; tried < TRIES; tried++) {
    const cell = await cells.read(key);
    if (cell === null || (await cells.drop(key, cell.v))) return;
  }
  throw contended();
}

function contended(): Fault {
  return new Fault('transient', 'webhook.contended', 'this webhook is being changed by others: try again');
}

function parse(cell: Cell): Stored {
  const parsed = Stored.safeParse(cell.value);
  if (parsed.success) return parsed.data;
  throw new Fault('bug', 'webhook.unreadable', `the stored webhook "${cell.sk}" has another shape`);
}
