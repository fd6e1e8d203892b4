/**
 * One process of the simulation: a name, a clock of its own that is a few seconds off, and a kill switch. Every effect of the code
 * under test passes through it, so that it can be delayed, lost, or the last thing the process does.
 */
import type { Clock } from '#core/ports/clock.ts';
import type { Journal } from './journal.ts';

/** What becomes of one effect. */
export interface Fate {
  readonly delayMs: number;
  /** `before`: it fails and nothing happened. `after`: it happened and its answer is lost. */
  readonly fails: 'never' | 'before' | 'after';
  /** The process dies just before or just after the effect. */
  readonly dies: 'never' | 'before' | 'after';
  /** What a failure throws, where it should not be the port's own. */
  readonly error?: Error;
}

export const CALM: Fate = { delayMs: 0, fails: 'never', dies: 'never' };

/** `write`: something durable changes. */
export type EffectKind = 'read' | 'write';

export interface Fates {
  of(process: Process, port: string, method: string, kind: EffectKind): Fate;
  /** A stream of staged bytes ends with an error in its middle. */
  breaksOff(process: Process): boolean;
}

export const NO_HARM: Fates = { of: () => CALM, breaksOff: () => false };

export interface Process {
  readonly name: string;
  readonly clock: Clock;
  /** Resolves when the process has been killed, never otherwise. */
  readonly died: Promise<void>;
  readonly fates: Fates;
  isDead(): boolean;
  /** From now on nothing that the process does has an effect, and nothing that it waits for arrives. */
  kill(): void;
  /** Stands still: what it waits for arrives, and its timers fire, only when it goes on. */
  freeze(ms: number): void;
  /** Stands still, or did a moment ago: nobody can be stricter with it than its own timers. */
  isDazed(): boolean;
  /** Lets a call through as its fate has it. A dead process waits for ever. */
  effect<T>(port: string, method: string, kind: EffectKind, error: () => Error, call: () => Promise<T>): Promise<T>;
}

/** An error that the simulation threw, so that any other one can be told from it. */
export class Injected extends Error {
  constructor(what: string) {
    super(`injected: ${what}`);
    this.name = 'Injected';
  }
}

const DAZED_MS = 5_000;

export function spawn(deps: {
  readonly name: string;
  readonly base: Clock;
  readonly skewMs: number;
  readonly fates: Fates;
  readonly journal: Journal;
}): Process {
  const { name, base, skewMs, fates, journal } = deps;
  const grave = Promise.withResolvers<void>();
  const forever = new Promise<never>(() => undefined);
  let dead = false;
  let frozenUntil = 0;
  const isDead = () => dead;
  const kill = (): void => {
    if (dead) return;
    journal.note(base.now(), name, 'DIES');
    dead = true;
    grave.resolve();
  };

  async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (dead) return forever;
    try {
      // The true clock keeps whole milliseconds, as the system's does.
      await base.sleep(Math.ceil(ms), signal);
      while (base.now() < frozenUntil) await base.sleep(frozenUntil - base.now(), signal);
    } catch (error) {
      if (dead) return forever;
      throw error;
    }
    if (dead) return forever;
  }

  /** After a thaw timers come first, as in an event loop. */
  async function thawed(): Promise<void> {
    while (base.now() < frozenUntil + 1 && frozenUntil > 0) await base.sleep(frozenUntil + 1 - base.now());
  }

  async function effect<T>(
    port: string,
    method: string,
    kind: EffectKind,
    error: () => Error,
    call: () => Promise<T>,
  ): Promise<T> {
    if (isDead()) return forever;
    const fate = fates.of(process, port, method, kind);
    if (fate.delayMs > 0) await sleep(fate.delayMs);
    if (fate.dies === 'before') kill();
    if (isDead()) return forever;
    if (fate.fails === 'before') {
      journal.note(base.now(), name, `${port}.${method}`, 'fails');
      throw fate.error ?? error();
    }
    await thawed();
    const answer = await call();
    await thawed();
    if (fate.dies === 'after') kill();
    if (isDead()) return forever;
    if (fate.fails === 'after') {
      journal.note(base.now(), name, `${port}.${method}`, 'loses its answer');
      throw fate.error ?? error();
    }
    return answer;
  }

  const process: Process = {
    name,
    clock: { now: () => base.now() + skewMs, sleep, random: () => base.random() },
    died: grave.promise,
    fates,
    isDead,
    kill,
    freeze: (ms) => {
      journal.note(base.now(), name, `STANDS STILL for ${ms} ms`);
      frozenUntil = Math.max(frozenUntil, base.now() + ms);
    },
    isDazed: () => base.now() < frozenUntil + DAZED_MS,
    effect,
  };
  return process;
}

/** The same object, with every method's call handed to `call`. */
export function around<T extends object>(
  target: T,
  call: (method: string, args: readonly unknown[], proceed: () => Promise<unknown>) => Promise<unknown>,
): T {
  return new Proxy(target, {
    get: (own, method) => {
      const member: unknown = Reflect.get(own, method);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]) => call(String(method), args, () => Reflect.apply(member, own, args));
    },
  });
}
