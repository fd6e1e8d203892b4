/** What goes wrong in a run: fates of effects and of messages, until quiet comes. */
import { Fault, type FaultKind } from '#core/fault.ts';
import { CALM, type Fates, Injected } from './process.ts';
import type { Scenario } from './scenario.ts';

export interface Mishaps extends Fates {
  /** From now on everything goes well. */
  end(): void;
  isOver(): boolean;
  /** Everything goes well, but each effect takes a few milliseconds, so that what happens at once happens in any order. */
  limp(): void;
  /** After how many milliseconds each copy of a message arrives; none when it is lost. */
  arrivals(): readonly number[];
}

const LATE_MS = 5 * 60_000;
/** Kinds of refusal by weight: what time mends is the most common. A session that is `gone` is gone: that is left to the rigs. */
const KINDS: readonly FaultKind[] = [
  ...Array<FaultKind>(10).fill('transient'),
  ...Array<FaultKind>(6).fill('throttled'),
  'auth',
  'rejected',
  'risk',
];

export function mishaps({ chance, chaos }: Scenario): Mishaps {
  let isOver = false;
  let isLimping = false;

  /** What a destination says when it has done nothing. */
  function refusal(): Error {
    if (chance.is(0.25)) return new Injected('unknown trouble');
    const kind = chance.pick(KINDS);
    const retryAfterMs = chance.is(0.2) ? chance.int(1, 60) * 1000 : null;
    return new Fault(kind, `rig.${kind}`, 'injected', retryAfterMs === null ? {} : { retryAfterMs });
  }

  /** What is seen when the answer is lost: never that nothing was done. */
  function silence(): Error {
    return chance.is(0.5) ? new Injected('no answer') : new Fault('transient', 'rig.no_answer', 'injected');
  }

  return {
    of: (_process, port, _method, kind) => {
      if (isOver) return isLimping ? { ...CALM, delayMs: chance.int(0, 12) } : CALM;
      const isRemote = port === 'remote';
      const delayMs = chance.is(chaos.slow) ? Math.ceil(chance.next() * chaos.slowMs) : 0;
      // Between two writes of the table is where it hurts.
      const death = port === 'table' && kind === 'write' ? 4 * chaos.death : chaos.death;
      const dies = chance.is(death) ? (chance.is(0.5) ? 'before' : 'after') : 'never';
      const trouble = isRemote ? chaos.remoteFault : chaos.lostReply + chaos.failure;
      if (!chance.is(trouble)) return { delayMs, dies, fails: 'never' };
      const share = isRemote ? 0.4 : chaos.lostReply / trouble;
      if (chance.is(share)) return { delayMs, dies, fails: 'after', ...(isRemote ? { error: silence() } : {}) };
      return { delayMs, dies, fails: 'before', ...(isRemote ? { error: refusal() } : {}) };
    },
    breaksOff: () => !isOver && chance.is(chaos.brokenRead),
    end: () => {
      isOver = true;
    },
    isOver: () => isOver,
    limp: () => {
      isLimping = true;
    },
    arrivals: () => {
      if (isOver) return [0];
      if (chance.is(chaos.hintLost)) return [];
      const delay = () =>
        chance.is(chaos.hintLate) ? Math.floor(chance.next() * LATE_MS) : Math.floor(chance.next() * 40);
      return chance.is(chaos.hintDoubled) ? [delay(), delay()] : [delay()];
    },
  };
}
