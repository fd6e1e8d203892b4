/** The head of a transfer whose destination asks: opens, is served, waits until the destination has settled it. */
import { Fault } from '#core/fault.ts';
import type { ServeProvider } from '#core/ports/provider.ts';
import type { Release } from '#core/ports/work-table.ts';
import type { HeadLane } from '../head.ts';
import { commitStep, type HeadStep, type Onward, paused } from '../head-step.ts';
import { itemOf } from '../item.ts';
import { open } from '../opening.ts';
import { settled } from './conclusion.ts';
import { type Shared, serveSession } from './serving.ts';

export function servedLane(shared: Shared): HeadLane<ServeProvider> {
  return {
    granted: 0,
    of: (provider) => (provider.mode === 'serve' ? provider : null),
    step: (context) => step(context, shared),
    pause,
  };
}

async function step(context: HeadStep<ServeProvider>, shared: Shared): Promise<Onward> {
  const current = context.head.step;
  switch (current.phase) {
    case 'staging':
      return commitStep(context, { phase: 'opening', rounds: 0, asks: [], known: {} });
    case 'opening':
      return open(context, current);
    case 'moving':
      return serveSession({ ...context, shared }, current);
    case 'finishing':
      return settled({ ...context, shared }, current);
    default:
      throw new Fault('bug', 'engine.phase', `nothing to do in phase ${current.phase}`);
  }
}

async function pause({ engine, head, signal }: Omit<HeadStep<ServeProvider>, 'provider'>): Promise<Release> {
  const provider = await engine.destinations.provider(head.file.destinationId);
  if (provider.mode === 'serve' && head.step.phase === 'moving') {
    const { session } = head.step;
    const holding = await provider.inspect(session, itemOf(head), { signal });
    // What has ended is found when the pause is over.
    if (holding.kind === 'partial') await provider.hold(session, itemOf(head), 'pause', { signal });
  }
  return paused(engine, head);
}
