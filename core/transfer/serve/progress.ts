/** How far a session is, for viewers and for whoever takes it over. */
import type { HeadState, Moving, Served } from '#core/state.ts';
import { viewOf } from '#core/view.ts';
import { smoothed } from '../rate.ts';
import type { Answering } from './answering.ts';
import type { ServeStep } from './serving.ts';
import type { StagedWait } from './staged-wait.ts';
import { HEALTHY_MS, KEEP_MS, PUBLISH_MS } from './terms.ts';

export interface ProgressOf extends Pick<ServeStep, 'engine' | 'lease' | 'head' | 'kept'> {
  readonly moving: Moving;
  readonly answers: Answering;
  readonly staged: StagedWait;
  /** What the holders before us had seen taken. */
  readonly takenBefore: number;
}

export interface Progress {
  /** The destination says how much it holds. */
  told(heldBytes: number): void;
  /** The step as it ends: what was taken counts, however little the destination has told. */
  atEnd(): Moving;
  /** Writes it down if it has grown; the head as it is now. */
  keep(): Promise<HeadState>;
  /** To be called often: tells viewers, and writes it down now and then. */
  tick(): Promise<void>;
}

/** How far it is: never more than the destination says, nor than was taken here, and never less than before. */
export function progressOf(live: ProgressOf): Progress {
  const { engine, lease, answers, staged, takenBefore, moving } = live;
  const { clock } = engine;
  let served: Served = moving.served ?? { heldBytes: 0, rateBytesPerSecond: 0, movedAt: clock.now() };
  let toldBytes: number | null = null;
  let ratedAt = clock.now();
  let publishedAt = clock.now();
  let keptAt = clock.now();
  let kept = served;
  let streak = live.head.streak;
  const begunAt = clock.now();
  let wasHashing = false;

  function measure(): void {
    const now = clock.now();
    const taken = Math.min(live.head.file.sizeBytes, takenBefore + answers.takenBytes());
    const heldBytes = Math.max(served.heldBytes, Math.min(taken, toldBytes ?? taken));
    const grownBytes = heldBytes - served.heldBytes;
    const rateBytesPerSecond = smoothed(served.rateBytesPerSecond, grownBytes, Math.max(1, now - ratedAt));
    served = { heldBytes, rateBytesPerSecond, movedAt: grownBytes > 0 ? now : served.movedAt };
    ratedAt = now;
  }

  const headNow = (): HeadState => ({ ...live.head, streak, step: { ...moving, served } });

  async function keep(): Promise<HeadState> {
    measure();
    const hasGrown = served.heldBytes > kept.heldBytes;
    if (hasGrown || clock.now() - begunAt >= HEALTHY_MS) streak = 0;
    const head = headNow();
    if (hasGrown) await lease.commit({ phase: 'moving', state: head });
    live.kept(head);
    kept = served;
    keptAt = clock.now();
    return head;
  }

  async function publish(): Promise<void> {
    const before = served;
    measure();
    const isHashing = answers.isHashing();
    if (served.heldBytes === before.heldBytes && isHashing === wasHashing) return;
    wasHashing = isHashing;
    const view = viewOf({
      head: headNow(),
      wish: null,
      isParked: false,
      isHashing,
      stripes: [],
      stagedBytes: staged.window.stagedBytes(),
    });
    await engine.progress.publish([{ kind: 'transfer', ownerId: live.head.file.ownerId, view }]);
  }

  return {
    told: (heldBytes: number) => {
      toldBytes = heldBytes;
    },
    atEnd: (): Moving => {
      toldBytes = null;
      measure();
      return { ...moving, served: { ...served, rateBytesPerSecond: 0 } };
    },
    keep,
    tick: async () => {
      const now = clock.now();
      if (now - publishedAt >= PUBLISH_MS) {
        publishedAt = now;
        await publish();
      }
      if (now - keptAt >= KEEP_MS) await keep();
    },
  };
}
