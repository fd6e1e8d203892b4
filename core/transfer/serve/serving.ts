/** One session of a destination that asks, live: its questions are answered until it ends, a wish comes, or something breaks. */
import { LeaseLost } from '#core/fault.ts';
import type { ServeProvider } from '#core/ports/provider.ts';
import { HeadState, type Moving } from '#core/state.ts';
import { doorbell } from '../doorbell.ts';
import { type HeadStep, type Onward, waiting } from '../head-step.ts';
import { itemOf } from '../item.ts';
import { answering } from './answering.ts';
import type { AskChannel } from './channel.ts';
import { concluded, type Ending } from './conclusion.ts';
import { type ProgressOf, progressOf } from './progress.ts';
import type { Slots } from './slots.ts';
import { stagedWait } from './staged-wait.ts';
import {
  FIRST_SILENCE_MS,
  PUBLISH_MS,
  SILENCE_MS,
  WISH_LEAST_MS,
  WISH_MOST_MS,
  WISH_SHARE_MS,
  YIELD_MS,
} from './terms.ts';

/** What the transfers of a channel share. */
export interface Shared {
  readonly channel: AskChannel;
  readonly reads: Slots;
  /** Transfers that are served now. */
  size(): number;
  /** There are others that wait for a place. */
  isCrowded(): boolean;
  /** Tells of news of a row or an upload, by its key or id, until the answer is called. */
  follow(name: string, onNews: () => void): () => void;
}

export interface ServeStep extends HeadStep<ServeProvider> {
  readonly shared: Shared;
}

interface Live extends ServeStep, ProgressOf {
  /** Somebody has said that there may be a wish. */
  takeHint(): boolean;
  /** Opened under this lease: all that the destination has taken, it has taken here. */
  readonly isFresh: boolean;
}

export async function serveSession(context: ServeStep, moving: Moving): Promise<Onward> {
  const { engine, lease, provider, shared, signal } = context;
  const isFresh = HeadState.parse(lease.row.state).sessionNo !== context.head.sessionNo;
  const { head } = context;
  const holding = isFresh ? null : await takenUp(context, moving);
  if (holding !== null) return concluded(context, moving, holding, 'served');
  const item = itemOf(head);
  const staged = stagedWait(engine, head.file);
  const bell = doorbell(engine.clock);
  const unfollow = shared.follow(head.file.uploadId, staged.tell);
  let isHinted = false;
  const unhint = shared.follow(lease.key.pk, () => {
    isHinted = true;
    bell.ring();
  });
  const takeHint = (): boolean => {
    const was = isHinted;
    isHinted = false;
    return was;
  };
  const seat = shared.channel.sit(provider.remoteId(moving.session), bell.ring);
  const answers = answering({ engine, provider, item, staged, reads: shared.reads, onNews: bell.ring, signal });
  signal.addEventListener('abort', bell.ring);
  try {
    await provider.attach(moving.session, item, { signal });
    if (!isFresh) shared.channel.replay();
    const takenBefore = moving.served?.heldBytes ?? 0;
    return await answered(
      { ...context, head, moving, answers, staged, takenBefore, isFresh, takeHint },
      seat.take,
      bell.wait,
    );
  } finally {
    signal.removeEventListener('abort', bell.ring);
    seat.leave();
    unfollow();
    unhint();
    await answers.stop();
    provider.detach(moving.session);
  }
}

/**
 * Somebody served it before us: it may have ended since. A pause is always taken back, because whoever made it may have died before
 * it could write that down.
 */
async function takenUp({ provider, head, signal }: ServeStep, { session }: Moving) {
  const holding = await provider.inspect(session, itemOf(head), { signal });
  if (holding.kind !== 'partial') return holding;
  await provider.hold(session, itemOf(head), 'resume', { signal });
  return null;
}

async function answered(
  live: Live,
  takeAsks: () => ReturnType<ReturnType<AskChannel['sit']>['take']>,
  wait: (ms: number) => Promise<void>,
): Promise<Onward> {
  const { engine, lease, provider, shared, answers, signal } = live;
  const { clock } = engine;
  const progress = progressOf(live);
  let heardAt = clock.now();
  let wishSeenAt = clock.now();
  let movedAt = clock.now();
  let movedBytes = 0;
  let silenceMs = FIRST_SILENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    let hasEnded = false;
    for (const ask of takeAsks()) {
      heardAt = clock.now();
      if (ask.kind === 'progress') progress.told(ask.heldBytes);
      else if (ask.kind !== 'ended') answers.begin(ask);
      else if (ask.fault !== null) throw ask.fault;
      else hasEnded = true;
    }
    const fault = answers.fault() ?? shared.channel.fault();
    // Answers that come too late for a session that has ended fail as well: what has become of it is asked first.
    const isInDoubt = hasEnded || fault?.kind === 'gone';
    if (fault !== null && !isInDoubt) throw fault;
    if (answers.movedBytes() > movedBytes) {
      movedBytes = answers.movedBytes();
      movedAt = clock.now();
      heardAt = movedAt;
    }
    if (answers.size() === 0 && answers.takeDropped()) shared.channel.replay();
    if (isInDoubt || clock.now() - heardAt >= silenceMs) {
      const { session } = live.moving;
      const holding = await provider.inspect(session, itemOf(live.head), { signal });
      if (holding.kind !== 'partial') return concluded(live, progress.atEnd(), holding, endingOf(live));
      if (fault !== null) throw fault;
      heardAt = clock.now();
      silenceMs = SILENCE_MS;
    }
    if (live.takeHint() || clock.now() - wishSeenAt >= wishMs(shared)) {
      wishSeenAt = clock.now();
      const row = await engine.table.get(lease.key);
      if (row === null || row.token !== lease.token) throw new LeaseLost();
      if (row.wish !== null) return { head: await progress.keep() };
    }
    if (shared.isCrowded() && clock.now() - movedAt >= YIELD_MS) {
      const state = await progress.keep();
      return { release: { ...waiting(engine, state), advance: { phase: 'moving', state } } };
    }
    await progress.tick();
    await wait(answers.size() > 0 ? PUBLISH_MS : WISH_LEAST_MS);
  }
}

/** Of a session that others served before, nobody knows what they gave. */
function endingOf({ head, answers, isFresh }: Live): Ending {
  return isFresh && answers.takenBytes() < head.file.sizeBytes ? 'instant' : 'served';
}

function wishMs(shared: Shared): number {
  return Math.min(WISH_MOST_MS, Math.max(WISH_LEAST_MS, shared.size() * WISH_SHARE_MS));
}
