/** The object that keeps all rows and cells: one of them for the whole of a deployment, on a SQLite of its own. */
import { DurableObject } from 'cloudflare:workers';
import { answering } from '#adapters/durable/answering.ts';
import type { Call, Reply } from '#adapters/durable/call.ts';
import { cellsCalls } from '#adapters/sqlite/cells.ts';
import { migrationsAfter } from '#adapters/sqlite/schema.ts';
import { workTableCalls } from '#adapters/sqlite/work-table.ts';

export class Table extends DurableObject {
  readonly #answer = answering(this.ctx.storage, {
    migrationsAfter,
    methods: (database) => ({ ...workTableCalls(database), ...cellsCalls(database) }),
  });

  /** For `TableStub`, where the types of each method's arguments and answer are held together. */
  async call(call: Call): Promise<Reply> {
    return this.#answer(call);
  }
}
