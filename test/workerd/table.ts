/** The work table and the cells over real objects: one object for each subject that a law is given, over a wire that it names. */
import { ulid } from 'ulid';
import * as z from 'zod';
import type { Call, Reply, TableStub } from '#adapters/durable/call.ts';
import { durableCells, durableWorkTable } from '#adapters/durable/table.ts';
import type { Move, RowKey, WorkTable } from '#core/ports/work-table.ts';
import { Table } from '../../functions/worker/table-object.ts';
import { answerCall } from './answer.ts';

export { Table };

interface Namespace {
  getByName(name: string): TableStub;
}

interface Bindings {
  readonly TABLE: Namespace;
  readonly FALLING: Namespace;
}

const RowKeyOf = z.object({ pk: z.string(), sk: z.string(), dueAt: z.number() });

/** Ids of calls whose first reply was lost, also by objects that have fallen since. */
const lost = new Set<string>();
let lives = 0;
/** A commit that is under way for so long that its caller gives it up. */
let held: Call | null = null;

/** Answers the first try of a call by falling over, once what it has written is on disk. */
export class FallingTable extends Table {
  readonly life = ++lives;

  override async call(call: Call): Promise<Reply> {
    const reply = super.call(call);
    if (isAgain(call)) return reply;
    const storage: { sync(): Promise<void> } = Object(this.ctx.storage);
    await storage.sync();
    this.ctx.abort('fallen');
    return reply;
  }
}

export default {
  fetch: (request: Request, { TABLE, FALLING }: Bindings) =>
    answerCall(request, (port, subject) => {
      if (port === 'lives') return { count: async () => lives };
      const [adapter, wire = ''] = port.split(' over ');
      const over = wires[wire];
      if (over === undefined) return undefined;
      const namespace = { getByName: () => over((wire === 'falls' ? FALLING : TABLE).getByName(subject)) };
      if (adapter === 'table') return durableWorkTable(namespace);
      if (adapter === 'caller') return caller(durableWorkTable(namespace));
      return adapter === 'cells' ? durableCells(namespace) : undefined;
    }),
};
const wires: Readonly<Record<string, (stub: TableStub) => TableStub>> = {
  good: (stub) => stub,
  falls: (stub) => stub,
  losses: (stub) => losing(stub, async () => undefined),
  late: (stub) => ({
    call: async (call) => {
      if (call.name !== 'commit') return stub.call(call);
      if (held === null || held.id === call.id) {
        held = call;
        throw new Error('it is still under way');
      }
      const reply = await stub.call(call);
      await stub.call(held);
      return reply;
    },
  }),
  // Between the two tries somebody else takes the row.
  'a rival': (stub) =>
    losing(stub, ({ args: [row] }) => {
      const { pk, sk, dueAt } = RowKeyOf.parse(row);
      const by = { holder: 'rival', now: dueAt, until: dueAt + 60_000 };
      return stub.call({ id: ulid(), name: 'claim', args: [{ pk, sk }, by] });
    }),
};

/** Two commits of one caller: a Worker has another one for each request. */
function caller(table: WorkTable) {
  const commit = (...args: Parameters<WorkTable['commit']>) =>
    table.commit(...args).catch((error: unknown) => Reflect.get(Object(error), 'code'));
  return {
    commitTwice: async (key: RowKey, token: number, first: Move, second: Move, now: number) => [
      await commit(key, token, first, now),
      await commit(key, token, second, now),
    ],
  };
}

function losing(stub: TableStub, meanwhile: (call: Call) => Promise<unknown>): TableStub {
  return {
    call: async (call) => {
      const reply = await stub.call(call);
      if (isAgain(call)) return reply;
      await meanwhile(call);
      throw new Error('the reply is lost');
    },
  };
}

function isAgain({ id }: Call): boolean {
  const isKnown = lost.has(id);
  lost.add(id);
  return isKnown;
}
