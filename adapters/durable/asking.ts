/** The Worker's side: asks the object, and asks again when the reply is lost, which the object takes for one and the same call. */
import { ulid } from 'ulid';
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { type Answer, type Call, type Methods, READS, type Reply, type TableNamespace } from './call.ts';

export type Asking = <Name extends keyof Methods>(
  name: Name,
  ...args: Parameters<Methods[Name]>
) => Promise<Answer<Name>>;

/** All rows and cells of a deployment are in one object, so that each write can carry its whole condition. */
const OBJECT = 'table';
/** An object that has fallen is back at once as a rule, and one that moves or gets new code within a second. */
const PAUSES_MS = [0, 0, 500];
/** An answer takes milliseconds. Three tries of this, with their pauses, end before the next renewal of a lease is due. */
const TRY_MS = 5_000;
/** Far more than a call of a Worker lives to see. */
const GIVEN_UP_MAX = 1_000;

/** What workerd says of a call that failed on its way. */
const Failure = z.object({ overloaded: z.boolean().optional() });

/**
 * For one caller. What it was told to have failed has no effect once it has written something else: a late arrival would undo that.
 * Faults: `throttled` `table.slow_down` from an object that has too much to do, `transient` `table.unavailable` after three tries
 * without an answer, and the object's own.
 */
export function asking(namespace: TableNamespace): Asking {
  const givenUp = new Set<string>();

  async function writtenOrGivenUp<Name extends keyof Methods>(call: Call<Name>): Promise<Reply<Answer<Name>>> {
    const voids = [...givenUp];
    try {
      const reply = await answered(namespace, voids.length === 0 ? call : { ...call, voids });
      if ('value' in reply) for (const id of voids) givenUp.delete(id);
      return reply;
    } catch (error) {
      if (givenUp.size < GIVEN_UP_MAX) givenUp.add(call.id);
      throw error;
    }
  }

  return async <Name extends keyof Methods>(name: Name, ...args: Parameters<Methods[Name]>) => {
    const call = { id: ulid(), name, args };
    const reply = await (READS.has(name) ? answered(namespace, call) : writtenOrGivenUp(call));
    if ('value' in reply) return reply.value;
    throw new Fault(reply.fault.kind, reply.fault.code, reply.fault.message);
  };
}

async function answered<Name extends keyof Methods>(
  namespace: TableNamespace,
  call: Call<Name>,
): Promise<Reply<Answer<Name>>> {
  let failure: unknown;
  for (const pauseMs of PAUSES_MS) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    try {
      // A stub whose call has failed may fail for good, so each try gets its own.
      return await inTime(namespace.getByName(OBJECT).call(call));
    } catch (error) {
      failure = error;
      const { overloaded = false } = Failure.safeParse(error).data ?? {};
      // To ask such an object again makes it worse.
      if (overloaded) throw new Fault('throttled', 'table.slow_down', 'the table has too much to do', { cause: error });
    }
  }
  throw new Fault('transient', 'table.unavailable', 'the table does not answer', { cause: failure });
}

async function inTime<Result>(result: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TRY_MS} ms`)), TRY_MS);
  });
  try {
    return await Promise.race([result, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
