/** Gives up what a transfer has begun at its destination. */
import { toFault } from '#core/fault.ts';
import type { HeadState } from '#core/state.ts';
import type { Engine } from './engine.ts';
import { itemOf } from './item.ts';

/** A session that cannot be discarded is left to run out at the destination. */
const TRIES = 3;

/** Best effort: throws only when the signal aborts. A transfer without a session has nothing to give up. */
export async function discardSession(engine: Engine, head: HeadState, signal: AbortSignal): Promise<void> {
  const step = head.step.phase === 'failed' ? head.step.resume : head.step;
  if (!('session' in step)) return;
  const { transferId, destinationId } = head.file;
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    try {
      const provider = await engine.destinations.provider(destinationId);
      await provider.discard(step.session, itemOf(head), { signal });
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      const { kind, code } = toFault(error);
      engine.log.error('transfer.discard_failed', { transferId, destinationId, kind, code });
      if (kind !== 'transient' && kind !== 'throttled') return;
      await engine.clock.sleep(500 * attempt, signal);
    }
  }
}
