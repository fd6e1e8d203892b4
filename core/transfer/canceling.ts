/** Cancel: nobody sends any more, then the remote session is given up, then it is written down. */
import { Fault } from '#core/fault.ts';
import type { Release } from '#core/ports/work-table.ts';
import type { HeadState } from '#core/state.ts';
import { discardSession } from './discarding.ts';
import { CANCEL_LOOK_MS, type Engine } from './engine.ts';
import { endWith, failure } from './head-step.ts';
import type { Lease } from './lease.ts';
import { stripesOf } from './readiness.ts';

/** `canceled` by a wish, `upload.replaced` when an inbox object has another content now, which is another upload. */
export type CancelCode = 'canceled' | 'upload.replaced';

export interface Canceling {
  readonly engine: Engine;
  readonly lease: Lease;
  readonly head: HeadState;
  readonly signal: AbortSignal;
}

export async function cancel({ engine, lease, head, signal }: Canceling, code: CancelCode): Promise<Release> {
  const now = engine.clock.now();
  const stripes = await stripesOf(engine, lease.row, head);
  if (stripes.some(({ row }) => row.hold === 'lease' && (row.dueAt ?? 0) > now)) {
    return { to: 'rest', dueAt: now + CANCEL_LOOK_MS };
  }
  await discardSession(engine, head, signal);
  return endWith(engine, head, { phase: 'canceled', code, endedAt: engine.clock.now() });
}

/** The staged bytes are not what they were: a replaced inbox object cancels, a lost chunk is a failure. */
export async function endStale(context: Canceling): Promise<Release> {
  const { engine, head } = context;
  if (head.file.layout.kind === 'object') return cancel(context, 'upload.replaced');
  // A destination that asks has no other way to learn that there will be no answer.
  if (head.lane === 'serve') await discardSession(engine, head, context.signal);
  const lost = new Fault('rejected', 'staging.lost', 'staged bytes are no longer in the bucket: upload the file again');
  return endWith(engine, head, failure(engine, head, lost));
}
