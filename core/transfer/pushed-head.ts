/** The head of a transfer whose parts functions send: opens, arms the stripes, finishes. */
import { Fault } from '#core/fault.ts';
import type { PushProvider } from '#core/ports/provider.ts';
import type { Release } from '#core/ports/work-table.ts';
import { type Opening, withEvent } from '#core/state.ts';
import { isShort } from './alone.ts';
import { arm } from './arming.ts';
import { ensureDigest } from './digest-row.ts';
import { finish } from './finishing.ts';
import type { HeadLane } from './head.ts';
import { commitStep, type HeadStep, type Onward, paused, waiting } from './head-step.ts';
import { open } from './opening.ts';
import { mayOpen, missingDigests } from './readiness.ts';

/** `granted`: parts that the head may put itself. */
export function pushed(granted: number): HeadLane<PushProvider> {
  return {
    granted,
    of: (provider) => (provider.mode === 'push' ? provider : null),
    step,
    pause: async ({ engine, head }) => paused(engine, head),
  };
}

async function step(context: HeadStep): Promise<Onward> {
  const { engine, head, provider } = context;
  const current = head.step;
  switch (current.phase) {
    case 'staging': {
      if (await mayOpen(engine, head, provider)) {
        const opening: Opening = { phase: 'opening', rounds: 0, asks: [], known: {} };
        // Of a short file what comes of it is soon known, and written down in its stead.
        return isShort(head) ? open(context, opening) : commitStep(context, opening);
      }
      const missing = missingDigests(head, provider);
      if (missing.length > 0) return { release: await waitForDigest(context, missing) };
      return { release: waiting(engine, head) };
    }
    case 'opening':
      return open(context, current);
    case 'moving':
      return arm(context, current);
    case 'finishing':
      return finish(context, current);
    default:
      throw new Fault('bug', 'engine.phase', `nothing to do in phase ${current.phase}`);
  }
}

async function waitForDigest({ engine, head }: HeadStep, missing: ReturnType<typeof missingDigests>): Promise<Release> {
  await ensureDigest(engine, head.file, missing, 'prompt');
  const marked = head.events.at(-1)?.type === 'hashing' ? head : withEvent(head, engine.clock.now(), 'hashing');
  return { ...waiting(engine, head), advance: { phase: head.step.phase, state: marked } };
}
