/** What has become of a session, as the destination says when it is asked. */
import { Fault } from '#core/fault.ts';
import type { ServeHolding } from '#core/ports/provider.ts';
import type { Finishing, Moving } from '#core/state.ts';
import type { Receipt } from '#core/wire/transfer.ts';
import { mismatched, wrongClaim } from '../claims.ts';
import { delivered } from '../delivered.ts';
import { ensureDigest } from '../digest-row.ts';
import { settle } from '../finishing.ts';
import { commitStep, type Onward, waiting } from '../head-step.ts';
import { itemOf } from '../item.ts';
import { claimedAlgorithms, claimedDigests } from '../readiness.ts';
import { stagedWindow } from '../window.ts';
import type { ServeStep } from './serving.ts';

/** However soon a destination wants to be asked again. */
const LOOK_AGAIN_LEAST_MS = 1_000;

/** `instant`: the destination had the content without taking it from us. */
export type Ending = 'instant' | 'served';

/** A session that is not under way any more. Throws Fault `gone` when it is lost. */
export async function concluded(
  context: ServeStep,
  moving: Moving,
  holding: Exclude<ServeHolding, { kind: 'partial' }>,
  ending: Ending,
): Promise<Onward> {
  const { engine, lease, head } = context;
  switch (holding.kind) {
    case 'complete':
      return done({ ...context, head: { ...head, step: moving } }, holding.receipt, ending);
    case 'settling':
      return commitStep(context, {
        ...moving,
        phase: 'finishing',
        startedBy: lease.token,
        startedAt: engine.clock.now(),
        settlingSince: null,
      });
    case 'gone':
      throw lost();
    default:
      return holding satisfies never;
  }
}

/** The destination has everything and thinks about it. */
export async function settled(context: ServeStep, finishing: Finishing): Promise<Onward> {
  const { engine, provider, head, signal } = context;
  const holding = await provider.inspect(finishing.session, itemOf(head), { signal });
  switch (holding.kind) {
    case 'complete':
      return done(context, holding.receipt, 'served');
    case 'settling':
      return { release: settle(engine, head, finishing, Math.max(LOOK_AGAIN_LEAST_MS, holding.lookAgainMs)) };
    // What it has once had it does not ask for again: it has begun anew, and so do we.
    case 'partial':
    case 'gone':
      throw lost();
    default:
      return holding satisfies never;
  }
}

/** Digests that the client claimed are compared with the staged bytes, unless the destination did not take them from there. */
async function done(context: ServeStep, receipt: Receipt, ending: Ending): Promise<Onward> {
  const { engine, head } = context;
  const claimed = claimedAlgorithms(head);
  if (ending === 'served' && claimed.length > 0 && (await isStaged(context))) {
    const computed = await claimedDigests(engine, head, []);
    if (computed === null) {
      await ensureDigest(engine, head.file, claimed, 'prompt');
      return { release: { ...waiting(engine, head), advance: { phase: head.step.phase, state: head } } };
    }
    const wrong = wrongClaim(head, computed);
    if (wrong !== undefined) return { release: mismatched(engine, head, wrong) };
  }
  const instant = ending === 'instant';
  return { release: await delivered(context, { receipt, instant, parts: 0 }) };
}

async function isStaged({ engine, head }: ServeStep): Promise<boolean> {
  const window = stagedWindow(engine.source, head.file);
  const whole = { start: 0, end: head.file.sizeBytes };
  await window.refresh(whole);
  return window.covers(whole);
}

function lost(): Fault {
  return new Fault('gone', 'session.gone', 'the destination has dropped the upload session');
}
