/**
 * A process of another user that does one thing to a folder and says how it went, as JSON. Root may do everything, so what
 * permissions forbid can only be seen from here.
 */
import * as z from 'zod';
import { Fault } from '#core/fault.ts';
import { Session } from '#core/ports/provider.ts';
import { TransferId } from '#core/wire/ids.ts';
import { connectFolder } from './rig.ts';

const Task = z.object({
  uid: z.int(),
  root: z.string(),
  onConflict: z.string(),
  finish: z.object({ session: Session, transferId: TransferId, name: z.string(), sizeBytes: z.int() }).nullable(),
});

const ctx = { signal: new AbortController().signal };

const task = Task.parse(JSON.parse(process.argv[2] ?? ''));
process.setgid?.(task.uid);
process.setgroups?.([]);
process.setuid?.(task.uid);
process.stdout.write(`${JSON.stringify(await outcome())}\n`);

async function outcome(): Promise<unknown> {
  const provider = connectFolder({ root: task.root, onConflict: task.onConflict });
  try {
    if (task.finish === null) return await provider.check(ctx);
    const { session, ...item } = task.finish;
    return await provider.finish(session, { ...item, folder: '/', digests: {}, answers: {} }, [], ctx);
  } catch (error) {
    if (error instanceof Fault) return { kind: error.kind, code: error.code };
    throw error;
  }
}
